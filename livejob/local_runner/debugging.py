"""Port of what debugs attempts: a server that IDEs attach to, or nothing.

`NoDebugging` is what a session without --debug has. `debug.server.DebugServer` is the other one. Who
executes an attempt tells it what happens and gives it the bytes; it says when the attempt is held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from livejob.runs.model import Run
from livejob.wire.worker import DebuggerStart, Hello


class PauseListener(Protocol):
    """Hears whether the attempt is held. The note is for the record, e.g. `paused at src/jobs.py:12`."""

    def paused(self, note: str) -> None:
        """It stands still; also said again when the note has changed."""
        ...

    def resumed(self) -> None: ...


@dataclass(frozen=True, slots=True)
class AttemptAtHand:
    """An attempt that is about to start.

    dependencies: directory of this machine with the worker's third-party packages; None without.
    send: takes bytes for its debugger; to be used once its process exists.
    """

    run: Run
    worker: Hello
    dependencies: Path | None
    send: Callable[[bytes], Awaitable[None]]
    pauses: PauseListener


class AttemptDebugging(Protocol):
    """The debugging of one attempt."""

    @property
    def start(self) -> DebuggerStart:
        """How the attempt's process begins."""
        ...

    def begin(self) -> None:
        """The attempt's process exists."""
        ...

    def take(self, data: bytes) -> None:
        """Bytes from its debugger."""
        ...

    def output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Text that it has written."""
        ...

    async def let_go(self) -> None:
        """Nothing may hold it any more; returns when it moves, or after a short while."""
        ...


class Debugging(Protocol):
    """Debugs the attempts of a session."""

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        """To be entered before the attempt starts and left when it has ended."""
        ...


class NoDebugging:
    """Debugs nothing, and is the debugging of an attempt that nobody debugs."""

    start: DebuggerStart = "off"

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        return nullcontext(self)

    def begin(self) -> None:
        """Nobody is told."""

    def take(self, data: bytes) -> None:
        """No debugger is there that could send them."""

    def output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Nobody is told."""

    async def let_go(self) -> None:
        """Nothing holds it."""
