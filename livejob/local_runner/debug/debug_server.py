"""Debugs runs in an IDE that listens, as PyCharm's "Python Debug Server" does: each run connects to it.

    attempt's pydevd --bytes--> the daemon --connection of its own--> IDE      (by the worker's channel)

The daemon connects, so a container needs no network and opens no port. An IDE that does not listen, or takes
no further connection, is said once, and the run goes on without.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from livejob.local_runner.debug.loopback import is_own_connection
from livejob.local_runner.debug.paths import LocalPaths, WorkerPaths
from livejob.local_runner.debug.pydevd import GO, Follower, Lines, console_line
from livejob.local_runner.debugging import AttemptAtHand, AttemptDebugging, NoDebugging
from livejob.local_runner.events import Reporter, Warned
from livejob.wire.limits import KIB
from livejob.wire.worker import DEBUGGER_LATER, DEBUGGER_OPENS, DebuggerStart

LOOPBACK = "127.0.0.1"
CONNECT_S = 2.0
GREET_S = 3.0
"""How long an IDE may take to say its first word. PyCharm says it at once to whom it takes."""

LET_GO_S = 1.0
READ_BYTES = 64 * KIB


@dataclass(frozen=True, slots=True)
class DebugServerAddress:
    """Where the IDE listens. is_on_error: stop where a handler fails, even if the IDE does not ask for it."""

    host: str
    port: int
    is_on_error: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class DebugServerDebugging:
    """A `Debugging` by connections to an IDE."""

    def __init__(self, address: DebugServerAddress, local: LocalPaths, reporter: Reporter) -> None:
        self._address = address
        self._local = local
        self._reporter = reporter
        self._told = ""

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        return self._debugged(attempt)

    @asynccontextmanager
    async def _debugged(self, at_hand: AttemptAtHand) -> AsyncIterator[AttemptDebugging]:
        streams = await self._connect()
        if streams is None:
            yield NoDebugging()
            return
        order = {
            "paths": _pairs(self._local, at_hand),
            "on_error": self._address.is_on_error,
        }
        attempt = _ConnectedAttempt(at_hand, self._local, *streams)
        talking = asyncio.create_task(self._talk(attempt, order), name=f"debugger of {at_hand.run.id}")
        try:
            yield attempt
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            await attempt.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(self._address.host, self._address.port)
        except OSError as error:
            self._say(
                f"no debug server at {self._address} ({error.strerror or 'no answer'}): runs go on without"
            )
            return None
        own, peer = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        if peer[0] == LOOPBACK and not is_own_connection(peer, own):
            writer.close()
            self._say(f"what listens at {self._address} is another user's: runs go on without")
            return None
        return reader, writer

    async def _talk(self, attempt: _ConnectedAttempt, order: object) -> None:
        if await attempt.greet(order):
            self._told = ""
            await attempt.carry()
        else:
            self._say(f"the debug server at {self._address} is busy or no IDE: runs go on without")

    def _say(self, text: str) -> None:
        """Once, until an IDE was there again or the trouble is another one."""
        if text != self._told:
            self._told = text
            remedy = 'Start "livejob: debug server" in PyCharm; `livejob debug init` has written it.'
            self._reporter.report(Warned(text, remedy))


class _ConnectedAttempt:
    """One attempt and its connection."""

    start: DebuggerStart = "now"

    def __init__(
        self,
        at_hand: AttemptAtHand,
        local: LocalPaths,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._at_hand = at_hand
        self._local = local
        self._reader = reader
        self._writer = writer
        self._begun = asyncio.Event()
        self._moves = asyncio.Event()
        self._moves.set()
        self._lines = Lines()
        self._follower = Follower(self._stopped, self._continued)
        self._is_greeted = False

    def begin(self) -> None:
        self._begun.set()

    def take(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._writer.write(line)
            self._follower.take(line)

    def output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        if self._is_greeted:
            self._writer.write(console_line(stream, text))

    async def let_go(self) -> None:
        await self._end_what_it_reads()
        with suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_S):
                await self._moves.wait()

    async def greet(self, order: object) -> bool:
        """Wait for the IDE's first word and open the debugger with it; else the attempt goes on without."""
        await self._begun.wait()
        word = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(GREET_S):
                word = await self._reader.read(READ_BYTES)
        if not word:
            self._writer.close()
            await self._at_hand.send(DEBUGGER_LATER)
            return False
        self._is_greeted = True
        await self._at_hand.send(DEBUGGER_OPENS + json.dumps(order).encode() + b"\n" + word)
        return True

    async def carry(self) -> None:
        """Carry what the IDE says, until it has gone."""
        with suppress(ConnectionError):
            while data := await self._reader.read(READ_BYTES):
                await self._at_hand.send(data)
        self._is_greeted = False
        await self._end_what_it_reads()

    async def close(self) -> None:
        """The attempt has ended."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _end_what_it_reads(self) -> None:
        # It may still wait for the word to begin. At the end of what it reads pydevd lets all threads go.
        await self._at_hand.send(GO)
        await self._at_hand.send(b"")
        self._follower.end()

    def _stopped(self, path: str, line: int) -> None:
        self._moves.clear()
        self._at_hand.pauses.paused(f"paused at {self._local.shown(path)}:{line}")

    def _continued(self) -> None:
        self._moves.set()
        self._at_hand.pauses.resumed()


def _pairs(local: LocalPaths, at_hand: AttemptAtHand) -> list[tuple[str, str]]:
    hello = at_hand.worker
    worker = WorkerPaths(hello.task, hello.stdlib, at_hand.dependencies)
    mappings = [(each["localRoot"], each["remoteRoot"]) for each in local.mappings(worker)]
    return [(here, there) for here, there in mappings if here != there]
