"""What an attempt does about debugging, whatever debugs it; and `breakpoint()` in it.

A debugger is loaded once, before the first fork, and only in a worker that is started with it. Which ones
there are: `debugpy_debugger` for editors that attach, `pydevd_debugger` for PyCharm's debug server,
`terminal_pdb` for a person at the daemon's terminal.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Protocol

from livejob.wire.worker import DebuggerStart

OWN_DIRECTORY = str(Path(__file__).parents[2]) + os.sep
"""The livejob package: its frames are not the user's, so they are neither shown nor stepped into."""


class AttemptDebugger(Protocol):
    """What an attempt does about debugging."""

    def begin(self) -> None:
        """Be ready for a debugger; returns when the handler may be imported."""
        ...

    def look_at(self, error: BaseException) -> None:
        """The handler has failed with `error`: let a debugger that wants to look at it, before it is told."""
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


def take_over_breakpoint(stop_in: Callable[[FrameType], bool]) -> None:
    """Let `breakpoint()` stop in its caller's frame, or say once for each place that nothing stops it."""
    if os.environ.get("PYTHONBREAKPOINT"):
        return  # the user's own choice
    told: set[str] = set()

    def hook(*args: object, **kwargs: object) -> None:
        frame = sys._getframe(1)
        # Last, where it stops: what follows would be traced.
        if stop_in(frame):
            return
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        if place not in told:
            told.add(place)
            sys.stderr.write(f"breakpoint() at {place}: no debugger is attached, going on\n")

    sys.breakpointhook = hook
