"""What a handler's annotations say, however it is written. Annotations are postponed here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from livejob.runner.signature import payload_hint, result_hint

if TYPE_CHECKING:
    from nowhere import Context


class Photo: ...


def plain(payload: Photo, context: Context) -> Photo: ...


async def eventual(payload: list[Photo]) -> int: ...


def with_keywords(payload: Photo, *args: int, **kwargs: int) -> None: ...


def silent(payload, context): ...


def keyword_only(*, verbose: bool): ...


class Resizer:
    def __call__(self, payload: Photo) -> Photo: ...

    def method(self, payload: Photo) -> Photo: ...


def elsewhere(function: Callable[..., object]) -> Callable[..., object]:
    """A decorator of a module that does not know the names of the function's."""
    names: dict[str, Any] = {"functools": functools}
    exec("def decorate(f): return functools.wraps(f)(lambda payload, *rest: f(payload, *rest))", names)
    decorated: Callable[..., object] = names["decorate"](function)
    return decorated


CASES: dict[str, tuple[Callable[..., object], object, object]] = {
    "a function": (plain, Photo, Photo),
    "an async one": (eventual, list[Photo], int),
    "with more": (with_keywords, Photo, type(None)),
    "without annotations": (silent, Any, Any),
    "without payload": (keyword_only, Any, Any),
    "a callable object": (Resizer(), Photo, Photo),
    "a bound method": (Resizer().method, Photo, Photo),
    "a partial": (functools.partial(lambda size, payload: 0, 3), Any, Any),
    "a partial of a function": (functools.partial(plain, context=1), Photo, Photo),
    "decorated elsewhere": (elsewhere(plain), Photo, Photo),
    "a builtin that does not tell": (max, Any, Any),
}


@pytest.mark.parametrize(("handler", "payload", "result"), CASES.values(), ids=CASES.keys())
def test_hints(handler: Callable[..., object], payload: object, result: object):
    """Annotations are evaluated where the function was written, each by itself."""
    assert (payload, result) == (payload_hint(handler), result_hint(handler))
