"""What an attempt does about debugging, whatever debugs it; and `breakpoint()` in it.

A debugger is loaded once, before the first fork, and only in a worker that is started with it. Which ones
there are: `debugpy_debugger` for editors that attach, `pydevd_debugger` for PyCharm's debug server,
`terminal_pdb` for a person at the daemon's terminal.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from livejob.runner.traces import describe
from livejob.wire.worker import DebuggerStart

OWN_DIRECTORY = str(Path(__file__).parents[2]) + os.sep
"""The livejob package: its frames are not the user's, so they are neither shown nor stepped into."""


_MACHINERY = (OWN_DIRECTORY, "<frozen importlib", importlib.__file__)


_settrace = sys.settrace
"""Before a debugger puts its own in place, which complains."""


class AttemptDebugger(Protocol):
    """What an attempt does about debugging."""

    def begin(self) -> None:
        """Be ready for a debugger; returns when the handler may be imported."""
        ...

    def look_at(self, error: BaseException) -> None:
        """The handler or its import has failed with `error`: let a debugger look at it, if one wants to."""
        ...


class Debugger(Protocol):
    """A debugger that is loaded. There is one in a worker."""

    def for_attempt(self, inherited: socket.socket, start: DebuggerStart) -> AttemptDebugger:
        """The debugger of one attempt, which has `inherited` for its bytes."""
        ...


class NoDebugger:
    """An attempt without debugger. `breakpoint()` in it says so and goes on: stdin is empty."""

    def begin(self) -> None:
        take_over_breakpoint(lambda frame: False)

    def look_at(self, error: BaseException) -> None:
        """Nobody looks."""


def leave_forks_alone() -> None:
    """A process that the handler forks has the breakpoints, and nobody who would ever let it go on."""
    os.register_at_fork(after_in_child=_stop_tracing)


def _stop_tracing() -> None:
    _settrace(None)
    threading.settrace(None)
    monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
    if monitoring is None or monitoring.get_tool(monitoring.DEBUGGER_ID) is None:
        return
    for name, event in vars(monitoring.events).items():
        if name.isupper() and event:
            monitoring.register_callback(monitoring.DEBUGGER_ID, event, None)


def has_user_frame(error: BaseException) -> bool:
    """False when no line of the user's code or of a library has run: its own file cannot be compiled."""
    traceback = error.__traceback__
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_MACHINERY):
            return True
        traceback = traceback.tb_next
    return False


def nothing_to_stop_in(error: BaseException) -> str:
    """Why a debugger does not stop at such an error."""
    return f"there is no line to stop at, because none has run: {describe(error)}\n"


def take_over_breakpoint(stop_in: Callable[[FrameType], bool]) -> Callable[..., None]:
    """Let `breakpoint()` stop in its caller's frame, or say once for each place that nothing stops it.

    Gives what `breakpoint()` calls, unless PYTHONBREAKPOINT has the user's own choice.
    """
    told: set[str] = set()
    owner = os.getpid()

    def hook(*args: object, **kwargs: object) -> None:
        frame = sys._getframe(1)
        # Last, where it stops: what follows would be traced.
        if os.getpid() == owner and stop_in(frame):
            return
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        if place not in told:
            told.add(place)
            sys.stderr.write(f"breakpoint() at {place}: no debugger is attached, going on\n")

    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = hook
    return hook
