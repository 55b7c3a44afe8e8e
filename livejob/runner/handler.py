"""Finds the handler that a job names, and says exactly what is wrong when it cannot be had.

A handler is `path/to/file.function`, relative to the root, without `.py`; dots in the path separate
directories too, as in Lambda. Decorators of the SDK are seen through by their attribute alone: this package
does not import the SDK.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from livejob.runner.signature import Handler
from livejob.runner.sources import Sources
from livejob.runner.traces import describe, failure_of
from livejob.wire.outcome import Failure, FailureType

HANDLER_ATTRIBUTE = "__livejob_handler__"
"""What `@job` makes of a function has the function itself under this name."""

IMPORT_FAILURES = (FailureType.HANDLER_IMPORT_FAILED, FailureType.HANDLER_SYNTAX_ERROR)
"""Of a HandlerUnusable whose cause is what the import of the handler's module raised."""

WALKED_COUNT = 2000
"""So many files are looked through for a name like the missing one."""


class HandlerUnusable(Exception):
    """There is no handler, or none for this payload; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def load_handler(handler: str, root: str, sources: Sources) -> Handler:
    """Import the handler's file and return its function.

    Raises:
        HandlerUnusable: no such file or function, or the file cannot be imported.
        BaseException: what the import raised and is no Exception (SystemExit, JobCancelled), as it is.
    """
    place, _, function = handler.rpartition(".")
    parts = [part for part in place.replace(".", "/").split("/") if part]
    path = _find_file(parts, handler, root, sources)
    module = _import(".".join(parts), root)
    if getattr(module, "__file__", None) != path:
        raise _shadowed(path, module)
    return _find_function(module, function, path)


def _find_file(parts: list[str], handler: str, root: str, sources: Sources) -> str:
    stem = "/".join([root, *parts])
    package = f"{stem}/__init__.py"
    for path in (package, f"{stem}.py"):
        entry = sources.look(path) if parts else None
        if entry is not None and not entry.is_directory:
            return path
    wanted = "/".join(parts) + ".py"
    close = difflib.get_close_matches(wanted, _source_names(root))
    raise _not_found(
        f"no file {wanted} in {root} (the handler is {handler!r})" + _did_you_mean(close),
        'A handler is "path/to/file.function", relative to the source directory, without ".py".',
    )


def _find_function(module: ModuleType, function: str, path: str) -> Handler:
    try:
        found = getattr(module, function)
    except AttributeError:
        names = [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]
        close = difflib.get_close_matches(function, names) or sorted(names)[:5]
        raise _not_found(
            f"no function {function} in {path}" + _did_you_mean(close),
            "Define it at the top level of the file, or correct the job's handler.",
        ) from None
    handler = getattr(found, HANDLER_ATTRIBUTE, found)
    if not callable(handler):
        raise _not_found(
            f"{function} in {path} is of type {type(handler).__name__}, not a function",
            "Let the job's handler name a function.",
        )
    return handler  # type: ignore[no-any-return]


def _import(name: str, root: str) -> ModuleType:
    try:
        __import__(name)
    except MemoryError:
        raise
    except SyntaxError as error:
        raise HandlerUnusable(_syntax_failure(error, root)) from error
    except Exception as error:
        failure = failure_of(error, FailureType.HANDLER_IMPORT_FAILED)
        message = f"the import of {name} failed: {describe(error)}"
        raise HandlerUnusable(
            Failure(failure.type, message, failure.trace, _import_remedy(error)).clipped()
        ) from error
    return sys.modules[name]


def _import_remedy(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"If {error.name} is a package, add it to the app's dependencies."
    return ""


def _syntax_failure(error: SyntaxError, root: str) -> Failure:
    """With file, line and caret when it is about a source file; else an import has parsed something else."""
    if error.filename is None or not error.filename.startswith(f"{root}/"):
        return failure_of(error, FailureType.HANDLER_IMPORT_FAILED)
    trace = "".join(traceback.format_exception_only(error))
    return Failure(FailureType.HANDLER_SYNTAX_ERROR, describe(error), trace).clipped()


def _shadowed(path: str, module: ModuleType) -> HandlerUnusable:
    name = module.__name__
    return _not_found(
        f"{path} cannot be imported: the module name {name!r} belongs to {_home(module)}",
        "Give the file a name that no other module has.",
    )


def _home(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or "Python itself"


def _not_found(message: str, remedy: str) -> HandlerUnusable:
    return HandlerUnusable(Failure(FailureType.HANDLER_NOT_FOUND, message, remedy=remedy).clipped())


def _did_you_mean(names: list[str]) -> str:
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _source_names(root: str) -> list[str]:
    """Paths of source files below the root, relative to it; of a large tree only the first ones."""
    return [name for _, name in zip(range(WALKED_COUNT), _walk(Path(root)), strict=False)]


def _walk(root: Path) -> Iterator[str]:
    for directory, directories, files in os.walk(root):
        directories[:] = sorted(name for name in directories if not name.startswith((".", "__")))
        for name in sorted(files):
            if name.endswith(".py"):
                yield str((Path(directory) / name).relative_to(root))
