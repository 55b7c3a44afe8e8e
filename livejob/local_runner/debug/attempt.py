"""One attempt's debugger, from its start to its end: held, debugged by an IDE's session, or let go.

Bytes for it wait in one queue, because its channel takes them one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Protocol

from livejob.local_runner.debug.dap import DapError, Message
from livejob.local_runner.debug.debuggee import Debuggee
from livejob.local_runner.debug.paths import LocalPaths, WorkerPaths
from livejob.local_runner.debug.settings import ClientSettings
from livejob.local_runner.debugging import AttemptAtHand
from livejob.wire.worker import DEBUGGER_LATER, DebuggerStart

LET_GO_S = 1.0
"""How long an attempt that is let go may take to move."""

TAKE_OVER_S = 20.0
"""How long a stopped attempt waits for a session of the IDE: VS Code opens one in half a second."""


class RunSession(Protocol):
    """A session of an IDE that has taken the attempt over."""

    def on_event(self, event: Message) -> None: ...
    def on_end(self) -> None: ...


class DebuggedAttempt:
    """`number` is how an IDE names it when it takes it over, `title` how it shows it.

    `is_held` while its process waits to hear whether to open the debugger, then `released`; `begun` once that
    process exists.
    """

    def __init__(
        self,
        number: int,
        at_hand: AttemptAtHand,
        start: DebuggerStart,
        local: LocalPaths,
        on_begun: Callable[[DebuggedAttempt], None],
        on_abandoned: Callable[[DebuggedAttempt], None],
    ) -> None:
        """on_begun: its process exists. on_abandoned: it stopped, and no session came for it."""
        self.number = number
        self.run = at_hand.run
        self.title = f"{self.run.job} {self.run.id[-6:]}"
        self.start = start
        self.place = ""
        self.session: RunSession | None = None
        self.is_ended = False
        self.begun = asyncio.Event()
        self.released = asyncio.Event()
        self._at_hand = at_hand
        self._local = local
        self._on_begun = on_begun
        self._on_abandoned = on_abandoned
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._moves = asyncio.Event()
        self._moves.set()
        self._patience: asyncio.TimerHandle | None = None
        self.debuggee = Debuggee(self._outbox.put_nowait, self)
        self.is_held = start == "now"

    @property
    def is_stopped(self) -> bool:
        return self.debuggee.stopped is not None

    def begin(self) -> None:
        self.begun.set()
        self._on_begun(self)

    def attach(self, settings: ClientSettings, is_uncaught_wanted: bool) -> None:
        """Give it all breakpoints; if it waits, it goes on with them."""
        self._unhold()
        hello = self._at_hand.worker
        worker = WorkerPaths(hello.task, hello.stdlib, self._at_hand.dependencies)
        arguments = settings.attach_arguments(self._local, worker)
        self.debuggee.attach(arguments, list(settings.requests(is_uncaught_wanted)))

    def hold(self, note: str) -> None:
        """It waits before its first line."""
        self._at_hand.pauses.paused(note)

    def pass_by(self) -> None:
        """It goes on without debugger; one can still come."""
        if self.is_held:
            self._unhold()
            self._outbox.put_nowait(DEBUGGER_LATER)

    def take_over(self, session: RunSession) -> None:
        """A session of the IDE shows it and says what it does."""
        self.session = session
        self._lose_no_patience()

    def abandon(self) -> None:
        """The session has gone: it goes on by itself."""
        self.session = None
        self.debuggee.detach()

    def take(self, data: bytes) -> None:
        try:
            self.debuggee.take(data)
        except DapError:
            # Somebody in its process wrote into the descriptor: it cannot be debugged any more.
            self.debuggee.is_attached = False
            self.on_continued()

    def output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self.on_event({"event": "output", "body": {"category": stream, "output": text}})

    async def let_go(self) -> None:
        self.pass_by()
        self.debuggee.detach()
        with suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_S):
                await self._moves.wait()

    def end(self) -> None:
        """The attempt has ended."""
        self.is_ended = True
        self._lose_no_patience()
        self.debuggee.close()
        if self.session is not None:
            self.session.on_end()

    async def send_all(self) -> None:
        """Carry what waits to the attempt, until cancelled. Before its process exists it would be lost."""
        await self.begun.wait()
        while True:
            await self._at_hand.send(await self._outbox.get())

    def on_event(self, event: Message) -> None:
        if event.get("event") == "continued":
            self._moves.set()
        if self.session is not None:
            self.session.on_event(event)

    def on_stopped(self, path: str, line: int) -> None:
        self._moves.clear()
        self.place = f"{self._local.shown(path)}:{line}" if path else ""
        self._at_hand.pauses.paused(f"paused at {self.place}" if path else "paused")
        if self.session is None and self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(TAKE_OVER_S, self._run_out_of_patience)

    def on_continued(self) -> None:
        self.place = ""
        self._lose_no_patience()
        self._at_hand.pauses.resumed()

    def _unhold(self) -> None:
        if self.is_held:
            self.is_held = False
            self.released.set()
            self._at_hand.pauses.resumed()

    def _run_out_of_patience(self) -> None:
        self._patience = None
        if self.is_stopped and self.session is None:
            self._on_abandoned(self)
            self.debuggee.detach()

    def _lose_no_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
