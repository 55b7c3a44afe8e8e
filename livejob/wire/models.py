"""Models of other libraries, known by what they offer: pydantic's and msgspec's. Neither is imported.

Whoever has such a model has loaded its library already, so nothing becomes a dependency.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, cast

Part = str | int


class ModelRefused(Exception):
    """The model's own check has failed: where below the value, and what it says."""

    def __init__(self, below: tuple[Part, ...], reason: str) -> None:
        super().__init__(reason)
        self.below = below
        self.reason = reason


def is_model(cls: type) -> bool:
    """True for a class of which `read_model` makes instances."""
    return _is_pydantic(cls) or _is_struct(cls)


def read_model(cls: type, value: object) -> object:
    """An instance of the model `cls` from a JSON value, by its library's rules for JSON.

    Raises:
        ModelRefused: the value does not fit.
    """
    try:
        if _is_pydantic(cls):
            # As JSON, not by `model_validate`: a strict model takes a date from text only there.
            return cast(Any, cls).model_validate_json(json.dumps(value))
        return sys.modules["msgspec"].convert(value, cls)
    except Exception as error:  # a validator of the user's may raise anything
        raise ModelRefused(*_first_error(error)) from error


def model_value(value: object) -> object:
    """The instance of a model made of plain values, as it travels; `value` itself when it is none."""
    cls = type(value)
    if callable(getattr(cls, "model_dump", None)):
        # By the names that it is read by.
        return cast(Callable[..., object], cast(Any, value).model_dump)(mode="json", by_alias=True)
    if _is_struct(cls):
        plain: object = sys.modules["msgspec"].to_builtins(value)
        return plain
    return value


def _is_pydantic(cls: type) -> bool:
    return callable(getattr(cls, "model_validate_json", None))


def _is_struct(cls: type) -> bool:
    return hasattr(cls, "__struct_fields__") and "msgspec" in sys.modules


def _first_error(error: Exception) -> tuple[tuple[Part, ...], str]:
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return (), f"{type(error).__name__}: {error}"
    first, *others = errors()
    more = f" (and {len(others)} more)" if others else ""
    return tuple(first["loc"]), first["msg"] + more
