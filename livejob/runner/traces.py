"""Tracebacks as the user should see them: from the first frame of the user's own code.

Causes, contexts and groups are kept as Python prints them; the frames of this package and of the import
machinery are left out wherever they stand. Knows nothing of runs.
"""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path

from livejob.wire.outcome import Failure, FailureType

_OWN = str(Path(__file__).parent)
_MACHINERY = (_OWN, "<frozen importlib", importlib.__file__)


def failure_of(error: BaseException, failure_type: FailureType | None = None) -> Failure:
    """The failure that an exception is. Its type is `failure_type`, or the exception's class name."""
    return Failure(failure_type or type(error).__name__, _text_of(error), format_trace(error)).clipped()


def format_trace(error: BaseException) -> str:
    """The exception as Python prints it, without frames that are not the user's concern."""
    whole = traceback.TracebackException.from_exception(error, compact=True)
    _cut(whole)
    return "".join(whole.format())


def describe(error: BaseException) -> str:
    """One line: class name and text."""
    text = _text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a __str__ of user code may raise anything
        return f"<the text of this {type(error).__name__} cannot be had: its __str__ raises>"


def _cut(each: traceback.TracebackException) -> None:
    unvisited = [each]
    while unvisited:
        each = unvisited.pop()
        each.stack[:] = [frame for frame in each.stack if not frame.filename.startswith(_MACHINERY)]
        linked = (each.__cause__, each.__context__, *(each.exceptions or ()))
        unvisited.extend(other for other in linked if other is not None)
