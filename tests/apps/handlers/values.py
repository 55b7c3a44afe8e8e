"""Payloads and results that are easily lost on the way."""


def echo(payload):
    return payload


def nothing():
    return "called without a payload"


def returns_none(payload):
    pass


def context_as_text(payload, context):
    return [str(context), repr(context), context.remaining_s() > 0, context.is_cancelled]


def context_fields(payload, context):
    return {
        name: getattr(context, name) for name in ("run_id", "attempt", "job", "app", "stage", "deadline_ms")
    }


def optional_second(payload, retries=3):
    return retries


def optional_context(payload, context=None):
    return context.job


class Shouter:
    def __call__(self, payload, context):
        return f"{payload}!"


shout = Shouter()
not_a_function = {"a": 1}
