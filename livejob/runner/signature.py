"""What a handler takes and returns, as far as its own definition tells.

Used by the runner before a handler is called, and by the SDK where a run is started by its definition.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Optional

from livejob.wire.hints import resolve_hint

Handler = Callable[..., object]


def arguments_for(handler: Handler, payload: object, context: object) -> tuple[object, ...]:
    """What to call the handler with: nothing, (payload,) or (payload, context).

    The second parameter is the context if it has no default, or if it is named `context`.
    """
    parameters = _parameters(handler)
    if parameters is None:
        return (payload,)
    return (payload, context)[: _count(parameters)]


def payload_hint(handler: Handler) -> object:
    """The annotation of the handler's payload, evaluated; `Any` where there is none.

    With None as the parameter's default, None may be sent whatever the annotation says.
    """
    parameters = _parameters(handler)
    if not parameters or parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return Any
    hint = _evaluated(parameters[0].annotation, handler)
    return hint if parameters[0].default is not None else Optional[hint]  # noqa: UP045 - a value, no type


def result_hint(handler: Handler) -> object:
    """The annotation of what the handler returns (an async one: in the end), evaluated; or `Any`."""
    signature = _signature(handler)
    return Any if signature is None else _evaluated(signature.return_annotation, handler)


def _parameters(handler: Handler) -> list[inspect.Parameter] | None:
    """Those that can be given by position; None for a builtin that does not tell."""
    signature = _signature(handler)
    if signature is None:
        return None
    parameters = [each for each in signature.parameters.values() if each.kind in _BY_POSITION]
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        # A decorator's `*args` takes whatever the function below it takes.
        inner = getattr(handler, "__wrapped__", None)
        return parameters if inner is None else _parameters(inner)
    return parameters


_BY_POSITION = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


def _signature(handler: Handler) -> inspect.Signature | None:
    try:
        return inspect.signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):
        return None


def _count(parameters: list[inspect.Parameter]) -> int:
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 2
    if len(parameters) < 2:
        return len(parameters)
    second = parameters[1]
    return 2 if second.default is second.empty or second.name == "context" else 1


def _evaluated(annotation: object, handler: Handler) -> object:
    if annotation is inspect.Parameter.empty:
        return Any
    return resolve_hint(annotation, _globals_of(handler), {})


def _globals_of(handler: Handler) -> dict[str, object]:
    """The names of the module in which the handler was written (its decorators may come from others)."""
    inner: Any = handler
    while isinstance(inner := inspect.unwrap(inner), functools.partial):
        inner = inner.func
    found: dict[str, object] = getattr(inner, "__globals__", None) or getattr(
        type(inner).__call__, "__globals__", {}
    )
    return found
