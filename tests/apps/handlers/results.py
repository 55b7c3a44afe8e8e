"""Results that do not travel."""


class Order:
    pass


def has_a_set(payload):
    return {"rows": [1, 2, {"tags": {"a"}}]}


def is_not_a_number(payload):
    return {"mean": float("nan")}


def is_an_object(payload):
    return Order()


def is_large(payload):
    return "x" * payload
