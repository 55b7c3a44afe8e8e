"""One attempt of a container job: its command in a container beside a sidecar.

Gives what a worker's link gives. Knows nothing of records, pools or timeouts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from livejob.errors import LivejobError, WorkerFailed
from livejob.local_runner.containers.command_end import command_ended, not_started
from livejob.local_runner.engines.commands import Command, CommandEngine, CommandSpec
from livejob.local_runner.sources.listing import Listing
from livejob.local_runner.supervisor.environment import EndpointAddress
from livejob.local_runner.waiting import wait_first
from livejob.local_runner.worker_link import AttemptSink, WorkerLink, WorkerLost
from livejob.wire.worker import (
    DeadlineMoved,
    DebuggerBytes,
    Ended,
    Hello,
    Output,
    StartAttempt,
    Started,
    StopAttempt,
)


@dataclass(frozen=True, slots=True)
class CommandOrder:
    """What a command's spec depends on beside its job: one attempt, in one image, beside one sidecar.

    debug_port: at which the debugger of its debug command is to listen; None for the command itself.
    """

    start: StartAttempt
    credentials: EndpointAddress
    image: str
    beside: str
    debug_port: int | None = None


MakeSpec = Callable[[CommandOrder], CommandSpec]


class CommandDebugger(Protocol):
    """Lets editors attach to commands; see `debugger`."""

    def attempt(self, start: StartAttempt, sidecar: WorkerLink) -> AbstractAsyncContextManager[int | None]:
        """For the time of an attempt; where in the sidecar's network its debugger is to listen, if at all."""
        ...


class ContainerLink:
    """Owns a command from its start to its end; the sidecar is only used. `run` is called once."""

    dependencies: Path | None = None
    hello = Hello(python="", pid=0)

    def __init__(
        self,
        sidecar: WorkerLink,
        image: str,
        commands: CommandEngine,
        make_spec: MakeSpec,
        debugger: CommandDebugger,
    ) -> None:
        self._debugger = debugger
        self.sidecar = sidecar
        self._image = image
        self._commands = commands
        self._make_spec = make_spec
        self._command: Command | None = None
        self._stop: StopAttempt | None = None
        self._is_killed = False
        self._killing: asyncio.Task[None] | None = None

    async def prepare(self, sources: Listing) -> None:
        """Nothing of the source is pushed: it is in the image."""

    async def give_sources(self, sources: Listing) -> None:
        """As `prepare`."""

    async def tell_attempt(self, message: DebuggerBytes | DeadlineMoved) -> None:
        """A command neither has a debugger that speaks through the channel, nor asks for its time."""

    async def run(self, start: StartAttempt, sink: AttemptSink) -> Ended | WorkerLost:
        async with self._debugger.attempt(start, self.sidecar) as debug_port:
            return await self._run(start, sink, debug_port)

    async def _run(
        self, start: StartAttempt, sink: AttemptSink, debug_port: int | None
    ) -> Ended | WorkerLost:
        try:
            granted = await self.sidecar.grant_credentials()
            address = EndpointAddress(granted.uri, granted.token)
            spec = self._make_spec(CommandOrder(start, address, self._image, self.sidecar.id, debug_port))
            command = await self._commands.start(spec)
        except LivejobError as error:
            return not_started(start, error.message, error.remedy)
        try:
            return await self._follow(command, spec, start, sink)
        except asyncio.CancelledError:
            await asyncio.shield(_end(command))
            raise
        finally:
            await self._finish()

    async def stop_attempt(self, stop: StopAttempt) -> None:
        if self._stop is None:
            self._stop = stop
        if self._command is not None:
            await self._terminate(self._command, stop.grace_s)

    async def kill(self) -> None:
        self._is_killed = True
        if self._command is not None:
            await _end(self._command)

    async def _follow(
        self, command: Command, spec: CommandSpec, start: StartAttempt, sink: AttemptSink
    ) -> Ended | WorkerLost:
        self._command = command
        sink(Started(start.run_id, start.attempt, pid=0))
        if self._is_killed:
            await command.kill()
        elif self._stop is not None:
            await self._terminate(command, self._stop.grace_s)
        alone = asyncio.ensure_future(self.sidecar.wait_lost())
        ending = asyncio.ensure_future(command.wait_ended())
        try:
            await _pass_on(command, start, sink)
            await wait_first(ending, alone)
            if not ending.done():
                await _end(command)
            return command_ended(start, await ending, self._stop, spec.memory_bytes)
        finally:
            alone.cancel()
            ending.cancel()
            await asyncio.gather(alone, ending, return_exceptions=True)

    async def _terminate(self, command: Command, grace_s: float) -> None:
        if self._killing is not None:
            return
        self._killing = asyncio.create_task(_kill_later(command, grace_s), name=f"grace of {command.id}")
        try:
            await command.terminate()
        except WorkerFailed:
            # It cannot be asked, so it gets no grace either.
            await command.kill()

    async def _finish(self) -> None:
        if self._killing is not None:
            self._killing.cancel()
            await asyncio.gather(self._killing, return_exceptions=True)
        await self.sidecar.revoke_credentials()


async def _pass_on(command: Command, start: StartAttempt, sink: AttemptSink) -> None:
    while pieces := await command.receive():
        for stream, body in pieces:
            sink(Output(start.run_id, start.attempt, stream, body))


async def _kill_later(command: Command, grace_s: float) -> None:
    await asyncio.sleep(grace_s)
    await command.kill()


async def _end(command: Command) -> None:
    await command.kill()
    await command.wait_ended()
