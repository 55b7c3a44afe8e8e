"""Commands as containers of Docker, Podman or Colima, each beside the container of a worker.

The order of the engine's calls: create, put the files in, attach, start; read, inspect, remove. No port is
published and nothing of this machine is mounted. A killed daemon leaves nothing that runs: the worker ends
with its channel, and the kernel ends the rest of its process table; the container is found by its labels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from docker.api.client import APIClient

from livejob.errors import EngineUnavailable
from livejob.local_runner.engines import docker_calls as calls
from livejob.local_runner.engines import docker_command_calls as command_calls
from livejob.local_runner.engines.commands import CommandSpec, Stream
from livejob.local_runner.engines.docker_attach import attach
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_output import OutputChannel
from livejob.local_runner.engines.port import WorkerExit
from livejob.local_runner.threads import ThreadGateway

LOOK_AGAIN_S = (0.01, 0.05, 0.2, 1.0)
"""Pauses between looks at a container whose output has ended; the last one repeats.

A command may close its output and go on. (The engine's own wait would hold a thread for hours.)
"""


class DockerCommands:
    """Starts commands in the engine of `connection`, which its owner closes, and the gateway too."""

    def __init__(self, connection: DockerConnection, gateway: ThreadGateway) -> None:
        self._connection = connection
        self._gateway = gateway

    async def start(self, spec: CommandSpec) -> CommandContainer:
        created = await self._create(spec)
        channel = OutputChannel()
        try:
            await attach(channel, self._connection.endpoint, created.api_version, created.id)
            await self._gateway.call(self._connection.call, partial(calls.start, created.id))
        except BaseException:
            channel.close()
            await asyncio.shield(self._discard(created.id))
            raise
        return CommandContainer(created.id, channel, self._connection, self._gateway)

    async def discard_image(self, image: str) -> None:
        await self._gateway.call(self._connection.call, partial(command_calls.discard_image, image))

    async def _create(self, spec: CommandSpec) -> calls.Created:
        """Create the container with its files; removed again when the caller is cancelled meanwhile."""
        creation = asyncio.ensure_future(
            self._gateway.call(self._connection.call, partial(command_calls.create_filled, spec))
        )
        try:
            return await asyncio.shield(creation)
        except asyncio.CancelledError:
            await self._discard((await creation).id)
            raise

    async def _discard(self, container_id: str) -> None:
        """Remove a container that came to nothing; where the engine is away, the next sweep does."""
        try:
            await self._gateway.call(self._connection.call, partial(calls.remove, container_id))
        except EngineUnavailable:
            return


class CommandContainer:
    """A running container and its output."""

    def __init__(
        self, container_id: str, channel: OutputChannel, connection: DockerConnection, gateway: ThreadGateway
    ) -> None:
        self._container_id = container_id
        self._channel = channel
        self._connection = connection
        self._gateway = gateway
        self._is_killed = False
        self._ending: asyncio.Task[WorkerExit] | None = None

    @property
    def id(self) -> str:
        return self._container_id[:12]

    async def receive(self) -> Sequence[tuple[Stream, bytes]]:
        return await self._channel.receive_pieces()

    async def wait_ended(self) -> WorkerExit:
        await self._channel.wait_closed()
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name=f"end of command {self.id}")
        # Shielded: a waiter that gives up must not leave the container half seen and half removed.
        return await asyncio.shield(self._ending)

    async def terminate(self) -> None:
        self._channel.keep_reading()
        await self._ask(partial(command_calls.terminate, self._container_id))

    async def kill(self) -> None:
        self._is_killed = True
        self._channel.keep_reading()
        await self._ask(partial(calls.kill, self._container_id))

    async def _ask(self, call: Callable[[APIClient], None]) -> None:
        try:
            await self._gateway.call(self._connection.call, call)
        except EngineUnavailable:
            # `wait_ended` says the same; what runs in the engine ends with its worker.
            self._channel.close()

    async def _end(self) -> WorkerExit:
        """See how the container ended, and remove it."""
        try:
            state = await self._last_state()
            await self._gateway.call(self._connection.call, partial(calls.remove, self._container_id))
        except EngineUnavailable as error:
            return WorkerExit(None, is_out_of_memory=False, detail=f"the engine went away: {error.message}")
        finally:
            self._channel.close()
        if state is None:
            return WorkerExit(None, is_out_of_memory=False, detail="somebody else removed the container")
        # Without a kill of ours it was the kernel's, of the command itself or of what its shell waited for.
        is_out_of_memory = state.is_out_of_memory and state.exit_code == calls.KILLED and not self._is_killed
        return WorkerExit(state.exit_code, is_out_of_memory, state.error)

    async def _last_state(self) -> calls.State | None:
        """How it ended, once it has; None when the container is gone."""
        looks = 0
        while True:
            look = partial(command_calls.look, self._container_id)
            is_running, state = await self._gateway.call(self._connection.call, look)
            if not is_running:
                return state
            await asyncio.sleep(LOOK_AGAIN_S[min(looks, len(LOOK_AGAIN_S) - 1)])
            looks += 1
