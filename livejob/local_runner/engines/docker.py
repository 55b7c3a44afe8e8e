"""Workers as containers of Docker, Podman or Colima: Lambda's paths, limits and user around a supervisor.

What a container looks like is in `docker_container`, as whom it runs in `docker_user`, its channel in
`docker_attach`. This module only orders the engine's calls: create, attach, start; wait, inspect, remove.
A container is removed by whoever waits for its end; what a killed daemon leaves has stopped by itself
(its stdin ended) and is found by its labels.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

from livejob.errors import EngineUnavailable, WorkerFailed
from livejob.local_runner.engines import docker_calls as calls
from livejob.local_runner.engines.docker_attach import AttachChannel, open_channel
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_container import mounts
from livejob.local_runner.engines.docker_user import Host, User, choose_user, owner_of, refuse_unreadable
from livejob.local_runner.engines.port import EngineInfo, WorkerExit, WorkerSpec
from livejob.local_runner.threads import ThreadGateway
from livejob.wire.ids import SessionId


class DockerEngine:
    """Makes workers in one engine. Takes over `connection` and `gateway`, which `close` closes.

    network: of the workers: "none", "host", "bridge" or the name of a network.
    """

    def __init__(self, connection: DockerConnection, gateway: ThreadGateway, network: str) -> None:
        self._connection = connection
        self._gateway = gateway
        self._network = network
        self._host: Host | None = None

    async def check(self) -> EngineInfo:
        return await self._gateway.call(self._connection.call, partial(calls.engine_info, self._network))

    async def launch(self, spec: WorkerSpec) -> DockerWorker:
        """As the port says.

        Raises:
            SourceUnreadable: the worker's user could not read what is mounted.
        """
        created = await self._create(spec)
        worker = None
        try:
            channel = await open_channel(self._connection.endpoint, created.api_version, created.id)
            worker = DockerWorker(created.id, channel, self._connection, self._gateway)
            await self._gateway.call(self._connection.call, partial(calls.start, created.id))
        except BaseException:
            if worker is not None:
                worker.close_channel()
            await asyncio.shield(self._discard(created.id))
            raise
        return worker

    async def sweep(self, app: str, stage: str, live: frozenset[SessionId]) -> int:
        return await self._gateway.call(self._connection.call, partial(calls.sweep, app, stage, live))

    async def close(self) -> None:
        await self._gateway.call(self._connection.close)
        self._gateway.close()

    async def _create(self, spec: WorkerSpec) -> calls.Created:
        """Create the container. When the caller is cancelled meanwhile, it is removed again."""
        creation = asyncio.ensure_future(self._gateway.call(self._create_blocking, spec))
        try:
            return await asyncio.shield(creation)
        except asyncio.CancelledError:
            await self._discard((await creation).id)
            raise

    def _create_blocking(self, spec: WorkerSpec) -> calls.Created:
        try:
            user = choose_user(self._known_host(), owner_of(spec.source))
            refuse_unreadable(mounts(spec).values(), user)
        except OSError as error:
            raise WorkerFailed(f"a directory of the worker is not there: {error}", remedy="") from error
        return self._connection.call(partial(calls.create, spec, user, self._network))

    def _known_host(self) -> Host:
        if self._host is None:
            is_rootless = self._connection.call(calls.is_rootless)
            self._host = Host(sys.platform, User(os.getuid(), os.getgid()), is_rootless)
        return self._host

    async def _discard(self, container_id: str) -> None:
        """Remove a container that came to nothing; where the engine is away, the next sweep does."""
        try:
            await self._gateway.call(self._connection.call, partial(calls.remove, container_id))
        except EngineUnavailable:
            return


class DockerWorker:
    """A running container and its channel."""

    def __init__(
        self, container_id: str, channel: AttachChannel, connection: DockerConnection, gateway: ThreadGateway
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

    async def send(self, data: bytes) -> None:
        try:
            await self._channel.send(data)
        except ConnectionError as error:
            raise WorkerFailed(
                f"the worker {self.id} does not listen any more: {error}", remedy=""
            ) from error

    async def receive(self) -> bytes:
        return await self._channel.receive()

    async def wait_ended(self) -> WorkerExit:
        """As the port says. A container whose channel has ended and that goes on is killed."""
        await self._channel.wait_closed()
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name=f"end of worker {self.id}")
        # Shielded: a waiter that gives up must not leave the container half seen and half removed.
        return await asyncio.shield(self._ending)

    async def kill(self) -> None:
        self._is_killed = True
        self._channel.keep_reading()
        try:
            await self._gateway.call(self._connection.call, partial(calls.kill, self._container_id))
        except EngineUnavailable:
            # Nobody is there to kill it; without a channel the supervisor ends by itself.
            self._channel.close()
        await self.wait_ended()

    def close_channel(self) -> None:
        """Let go of a container that never started."""
        self._channel.close()

    async def _end(self) -> WorkerExit:
        """See how the container ended, and remove it."""
        try:
            state = await self._gateway.call(
                self._connection.call, partial(calls.last_state, self._container_id)
            )
            await self._gateway.call(self._connection.call, partial(calls.remove, self._container_id))
        except EngineUnavailable as error:
            return WorkerExit(None, is_out_of_memory=False, detail=f"the engine went away: {error.message}")
        finally:
            self._channel.close()
        if state is None:
            return WorkerExit(None, is_out_of_memory=False, detail="somebody else removed the container")
        # The engine also sets OOMKilled when a child of the supervisor was the victim, long before.
        is_out_of_memory = state.is_out_of_memory and state.exit_code == calls.KILLED and not self._is_killed
        return WorkerExit(state.exit_code, is_out_of_memory, self._channel.last_words or state.error)
