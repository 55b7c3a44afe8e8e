"""Which parameters a handler is given."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from livejob.runner.signature import arguments_for


def wraps(inner: Callable[..., object], outer: Callable[..., object]) -> Callable[..., object]:
    return functools.wraps(inner)(outer)


class Resizer:
    def __call__(self, payload): ...

    def method(self, payload, context): ...

    @staticmethod
    def static(payload): ...


CASES = {
    "nothing": (lambda: 0, 0),
    "the payload": (lambda payload: 0, 1),
    "both": (lambda payload, context: 0, 2),
    "positional-only": (lambda payload, context, /: 0, 2),
    "a payload with a default": (lambda payload=None: 0, 1),
    "a second with a default": (lambda payload, retries=3: 0, 1),
    "a context with a default": (lambda payload, context=None: 0, 2),
    "anything": (lambda *args: 0, 2),
    "keywords only": (lambda *, verbose=False: 0, 0),
    "a third with a default": (lambda payload, context, retries=3: 0, 2),
    "a decorated one": (wraps(lambda payload: 0, lambda *args, **kwargs: 0), 1),
    "a decorator that takes one": (wraps(lambda payload, context: 0, lambda payload: 0), 1),
    "decorated twice": (wraps(wraps(lambda: 0, lambda *args: 0), lambda *args: 0), 0),
    "a callable object": (Resizer(), 1),
    "a bound method": (Resizer().method, 2),
    "a static method": (Resizer.static, 1),
    "a partial": (functools.partial(lambda size, payload: 0, 3), 1),
    "a builtin that does not tell": (max, 1),
    "a builtin": (len, 1),
}


@pytest.mark.parametrize(("handler", "count"), CASES.values(), ids=CASES.keys())
def test_arguments(handler: Callable[..., object], count: int):
    """A handler gets the payload, and the context too, as far as it takes them."""
    assert ("payload", "context")[:count] == arguments_for(handler, "payload", "context")
