"""pdb at the daemon's own terminal: runs that stop take turns at it.

A run that stops stands still at once, its timeout too, and waits until the terminal is free. It has the
terminal while somebody steps through it, and gives it back when it goes on, ends, or a step takes long.
Knows nothing of how a terminal is read and written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, suppress
from typing import Literal, Protocol

from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debugging import AttemptAtHand, AttemptDebugging
from livejob.local_runner.waiting import wait_first
from livejob.runs.model import Run
from livejob.wire.framing import FrameError, FrameReader
from livejob.wire.terminal import (
    Asked,
    LetGo,
    Said,
    Stopped,
    TerminalMessage,
    Typed,
    WentOn,
    decode,
    encode,
)
from livejob.wire.worker import DebuggerStart

STEP_S = 2.0
"""How long a step may take before others may have the terminal."""

LET_GO_S = 1.0
"""How long an attempt that is let go may take to move."""


class Conversation(Protocol):
    """A terminal while one run has it."""

    def write(self, text: str) -> None:
        """Show whole lines."""
        ...

    async def ask(self, prompt: str) -> str:
        """The next line that the person types, with its end; "" for the end of input (Ctrl-D)."""
        ...


class Terminal(Protocol):
    """A person at a keyboard."""

    def given_to(self, run: Run, place: str) -> AbstractContextManager[Conversation]:
        """The run stands at `place` and has the terminal for the block. One at a time."""
        ...


class TerminalDebugging:
    """A `Debugging`. is_on_error: stop where a handler fails, too."""

    def __init__(self, terminal: Terminal, local: LocalPaths, *, is_on_error: bool) -> None:
        self._terminal = terminal
        self._local = local
        self._is_on_error = is_on_error
        self._turn = asyncio.Lock()

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        return self._debugged(attempt)

    @asynccontextmanager
    async def _debugged(self, at_hand: AttemptAtHand) -> AsyncIterator[AttemptDebugging]:
        attempt = _AttemptInTerminal(at_hand, self._local, is_on_error=self._is_on_error)
        talking = asyncio.create_task(
            attempt.talk(self._terminal, self._turn), name=f"terminal of {at_hand.run.id}"
        )
        try:
            yield attempt
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


class _AttemptInTerminal:
    """One attempt's side of it: what it says waits in an inbox until it has the terminal."""

    start: DebuggerStart = "later"

    def __init__(self, at_hand: AttemptAtHand, local: LocalPaths, *, is_on_error: bool) -> None:
        self._at_hand = at_hand
        self._local = local
        self._is_on_error = is_on_error
        self._reader = FrameReader()
        self._inbox: asyncio.Queue[TerminalMessage] = asyncio.Queue()
        self._moves = asyncio.Event()
        self._moves.set()

    def begin(self) -> None:
        """It will say when it stops."""

    def take(self, data: bytes) -> None:
        # Somebody in its process wrote into the descriptor: nothing can be understood any more.
        with suppress(FrameError):
            for head, _ in self._reader.feed(data):
                self._note(decode(head))

    def output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """The terminal has it from the session's reporter."""

    async def let_go(self) -> None:
        await self._at_hand.send(encode(LetGo()))
        with suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_S):
                await self._moves.wait()

    async def talk(self, terminal: Terminal, turn: asyncio.Lock) -> None:
        """Show each stop, one after the other, until cancelled."""
        while True:
            message = await self._inbox.get()
            if not isinstance(message, Stopped):
                continue  # of a stop that is over, or that nobody wants
            if not self._is_wanted(message):
                await self._at_hand.send(encode(LetGo()))
                continue
            async with turn:
                if not self._moves.is_set():
                    with terminal.given_to(self._at_hand.run, self._place(message)) as conversation:
                        await self._converse(conversation)

    def _note(self, message: TerminalMessage) -> None:
        """What must not wait for the terminal."""
        if isinstance(message, Stopped) and self._is_wanted(message):
            self._moves.clear()
            self._at_hand.pauses.paused(f"paused at {self._place(message)}")
        elif isinstance(message, WentOn):
            self._moves.set()
            self._at_hand.pauses.resumed()
        self._inbox.put_nowait(message)

    async def _converse(self, conversation: Conversation) -> None:
        while True:
            patience_s = STEP_S if self._moves.is_set() else None
            try:
                async with asyncio.timeout(patience_s):
                    message = await self._inbox.get()
            except TimeoutError:
                return
            match message:
                case Said(text):
                    conversation.write(text)
                case Asked(prompt):
                    await self._answer(conversation, prompt)
                case WentOn(is_stepping=False):
                    return

    async def _answer(self, conversation: Conversation, prompt: str) -> None:
        """Unless it goes on by itself meanwhile: it was cancelled, or the session ends."""
        asking = asyncio.create_task(conversation.ask(prompt))
        moving = asyncio.create_task(self._moves.wait())
        try:
            await wait_first(asking, moving)
            if asking.done():
                await self._at_hand.send(encode(Typed(asking.result())))
        finally:
            asking.cancel()
            moving.cancel()
            await asyncio.gather(asking, moving, return_exceptions=True)

    def _is_wanted(self, stopped: Stopped) -> bool:
        return stopped.why == "line" or self._is_on_error

    def _place(self, stopped: Stopped) -> str:
        return f"{self._local.shown(stopped.path)}:{stopped.line}"
