"""Handlers that something has been wrapped around."""

import functools


class Definition:
    """What the SDK's decorator makes, as far as the runner looks."""

    def __init__(self, function):
        self.__livejob_handler__ = function

    def __call__(self, *args):
        raise AssertionError("the handler is called, not the definition")


@Definition
def defined(payload):
    return {"defined": payload}


def logged(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        print("called with", len(args))
        return function(*args, **kwargs)

    return call


@logged
def wrapped(payload, context):
    return context.job


@logged
async def wrapped_async(payload):
    return payload


partial = functools.partial(lambda factor, payload: factor * payload, 2)
