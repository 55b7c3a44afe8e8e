"""The one port for debuggers, and the attempts that are under way.

    IDE --root session-------> breakpoints for all runs; hears of each run
    IDE --session of a run---> that run's debugger          (same port, same window)
    attempt --bytes----------> its DebuggedAttempt          (by the worker's channel)

One root at a time. Without one, attempts are not touched; with one, each has its breakpoints before its
first line. Listens on the loopback only, and takes only connections of its own user where the system says
whose they are.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

from livejob.errors import DebugPortTaken
from livejob.local_runner.asking import Asking, asking_nobody
from livejob.local_runner.debug.attempt import DebuggedAttempt
from livejob.local_runner.debug.client import DebugClient
from livejob.local_runner.debug.dap import DapError, Message
from livejob.local_runner.debug.loopback import is_own_connection
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.sessions import CAPABILITIES, AttemptSession, RootSession
from livejob.local_runner.debug.wanted import WantedRuns
from livejob.local_runner.debugging import AttemptAtHand, AttemptDebugging
from livejob.local_runner.events import (
    DebuggerAttached,
    DebuggerAwaited,
    DebuggerDetached,
    Reporter,
    Warned,
)
from livejob.runs.model import Run

HOST = "127.0.0.1"
CONFIGURE_S = 5.0
"""How long an attempt waits for an IDE that is attached and has not yet said all its breakpoints."""

WANTED_S = 30.0
"""How long a single run waits of which that is wanted."""

TELL_S = 5.0
"""How often it is said that a run waits for a debugger."""


@dataclass(frozen=True, slots=True)
class DebugSettings:
    """port:        0 for any free one.
    wait_s:      how long each run waits for a debugger before its first line; 0 for not at all.
    is_on_error: stop where a handler fails, even if the IDE does not ask for it.
    wanted:      runs of which each shall wait, whatever `wait_s` says; None where nobody can want that.
    asked:       asks a person, while runs wait, whether they shall go on without a debugger.
    """

    port: int
    wait_s: float = 0.0
    is_on_error: bool = False
    wanted: WantedRuns | None = None
    asked: Asking = asking_nobody

    def wait_s_of(self, run: Run) -> float:
        """How long this run waits for a debugger."""
        is_wanted = self.wanted is not None and self.wanted.take(run.key)
        return max(self.wait_s, WANTED_S if is_wanted else 0.0)


class DebugServer:
    """`open` before the session begins, `close` after its end. `port` is known once it is open."""

    def __init__(self, settings: DebugSettings, local: LocalPaths, reporter: Reporter) -> None:
        self.local = local
        self.port = settings.port
        self._settings = settings
        self._reporter = reporter
        self._numbers = itertools.count(1)
        self._attempts: dict[int, DebuggedAttempt] = {}
        self._root: RootSession | None = None
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_uncaught_wanted(self) -> bool:
        return self._settings.is_on_error

    async def open(self) -> None:
        """Listen.

        Raises:
            DebugPortTaken: somebody else does on this port.
        """
        try:
            self._server = await asyncio.start_server(self._connected, HOST, self._settings.port)
        except OSError as error:
            raise DebugPortTaken(
                f"port {self._settings.port} for debuggers cannot be opened: {error.strerror or error}",
                suggestion=self._settings.port + 1,
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections and end those that are."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def go_on(self) -> None:
        """Let the runs that wait for a debugger go on without."""
        for attempt in self._attempts.values():
            attempt.pass_by()

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        return self._debugged(attempt)

    @asynccontextmanager
    async def _debugged(self, at_hand: AttemptAtHand) -> AsyncIterator[AttemptDebugging]:
        wait_s = self._settings.wait_s_of(at_hand.run)
        is_awaited = self._root is not None or wait_s > 0
        attempt = DebuggedAttempt(
            next(self._numbers),
            at_hand,
            "now" if is_awaited else "later",
            self.local,
            self._begun,
            self._abandoned,
        )
        self._attempts[attempt.number] = attempt
        tasks = [asyncio.create_task(attempt.send_all(), name=f"debugger of {at_hand.run.id}")]
        if attempt.start == "now":
            tasks.append(
                asyncio.create_task(self._await_root(attempt, wait_s), name=f"wait of {at_hand.run.id}")
            )
        try:
            yield attempt
        finally:
            del self._attempts[attempt.number]
            attempt.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, attempt: DebuggedAttempt) -> None:
        if self._root is not None and self._root.is_ready:
            self._debug(attempt, self._root)

    def _debug(self, attempt: DebuggedAttempt, root: RootSession) -> None:
        attempt.attach(root.settings, self.is_uncaught_wanted)
        root.offer(attempt, self.port)

    async def _await_root(self, attempt: DebuggedAttempt, wait_s: float) -> None:
        """Let an attempt that waits for a debugger go on when it has waited long enough."""
        await attempt.begun.wait()
        if not attempt.is_held:
            return
        attempt.hold("waiting for a debugger")
        with self._settings.asked(self.go_on):
            await self._wait(attempt, wait_s if self._root is None else max(wait_s, CONFIGURE_S))
        attempt.pass_by()

    async def _wait(self, attempt: DebuggedAttempt, left_s: float) -> None:
        while attempt.is_held and left_s > 0:
            if self._root is None:
                address = f"{HOST}:{self.port}"
                self._reporter.report(DebuggerAwaited(attempt.run.id, attempt.run.job, address, left_s))
            step_s = min(TELL_S, left_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(step_s):
                    await attempt.released.wait()
            left_s -= step_s

    def _abandoned(self, attempt: DebuggedAttempt) -> None:
        self.warn(
            f"{attempt.run.id} stopped at {attempt.place or 'a breakpoint'}, and the debugger opened no "
            "session for it: it goes on",
            "The editor must follow subprocesses: VS Code does, with `subProcess` not switched off.",
        )

    # What sessions need.

    def root_ready(self, root: RootSession) -> None:
        self._reporter.report(DebuggerAttached(root.name))
        for attempt in list(self._attempts.values()):
            if attempt.begun.is_set():  # the others come by `_begun`
                self._debug(attempt, root)

    def settings_changed(self, command: str, arguments: Message) -> None:
        for attempt in self._attempts.values():
            # One that a session shows hears it from that session.
            if attempt.session is None and attempt.debuggee.is_attached:
                attempt.debuggee.configure(command, arguments, lambda response: None)

    def warn(self, text: str, remedy: str) -> None:
        self._reporter.report(Warned(text, remedy))

    # Connections.

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        client = DebugClient(reader, writer)
        try:
            if is_own_connection(writer.get_extra_info("peername"), writer.get_extra_info("sockname")):
                await self._serve(client)
        except DapError as error:
            self.warn(f"something that is no debugger connected to port {self.port}: {error}", "")
        except asyncio.CancelledError:
            return  # `close` ends it
        finally:
            client.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, client: DebugClient) -> None:
        messages = client.messages()
        session = await self._greet(client, messages)
        if session is None:
            return
        is_asked = False
        try:
            session.begin()
            async for message in messages:
                if message["type"] == "request" and not session.handle(message):
                    is_asked = True
                    return
        finally:
            self._left(session, is_asked)

    async def _greet(
        self, client: DebugClient, messages: AsyncIterator[Message]
    ) -> RootSession | AttemptSession | None:
        """Answer until it is known what the connection is for; None if for nothing."""
        initialize: Message = {}
        async for message in messages:
            match message.get("command"):
                case "initialize":
                    initialize = message.get("arguments") or {}
                    client.respond(message, CAPABILITIES)
                case "attach":
                    return self._begin(client, initialize, {"arguments": {}, **message})
                case "disconnect":
                    client.respond(message)
                    return None
                case _:
                    client.refuse(message, 'Use a configuration with "request": "attach".')
        return None

    def _begin(
        self, client: DebugClient, initialize: Message, attach: Message
    ) -> RootSession | AttemptSession | None:
        number = attach["arguments"].get("subProcessId")
        if number is None:
            if self._root is None:
                self._root = RootSession(client, initialize, attach, self)
                return self._root
            client.refuse(attach, f"{self._root.name} is attached already.")
            return None
        attempt = self._attempts.get(number)
        if attempt is None:
            # It has ended before the IDE came: nothing to complain about.
            client.respond(attach)
            client.event("terminated")
            return None
        if attempt.session is not None or not attempt.debuggee.is_attached:
            client.refuse(attach, f"{attempt.title} is not to be had.")
            return None
        return AttemptSession(client, attach, attempt, self)

    def _left(self, session: RootSession | AttemptSession, is_asked: bool) -> None:
        if isinstance(session, RootSession):
            self._root = None
            going = [each for each in self._attempts.values() if each.session is None]
        else:
            going = [session.attempt] if session.attempt.session is session else []
        paused = [each.run.id for each in going if each.is_stopped]
        for each in going:
            if not each.is_ended:
                each.abandon()
        if isinstance(session, RootSession):
            self._reporter.report(DebuggerDetached(session.name, paused))
        elif paused and not is_asked:
            self.warn(f"the debugger of {paused[0]} went away while it was paused: it goes on", "")
