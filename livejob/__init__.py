"""livejob: run long AWS jobs from deployed code, and develop them live on your own machine.

The names that user code needs. They load on first use, so that the stub, the runner and the command
line import only what they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livejob.errors import LivejobError
    from livejob.runner.context import Context, JobCancelled, JobTimedOut
    from livejob.sdk import Job, Run, job

__all__ = ["Context", "Job", "JobCancelled", "JobTimedOut", "LivejobError", "Run", "__version__", "job"]

__version__ = "0.1.0"

_HOMES = {
    "Context": "livejob.runner.context",
    "JobCancelled": "livejob.runner.context",
    "JobTimedOut": "livejob.runner.context",
    "LivejobError": "livejob.errors",
    "Job": "livejob.sdk",
    "Run": "livejob.sdk",
    "job": "livejob.sdk",
}


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'livejob' has no attribute {name!r}") from None
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
