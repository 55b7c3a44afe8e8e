"""A port of this machine's loopback that leads to a port on a sidecar's: the way of an editor to a debugger.

The bytes go through the sidecar's channel, so nothing is published and every engine will do. Takes
connections of the developer's own user only, where the system tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from livejob.local_runner.debug.loopback import is_own_connection
from livejob.local_runner.worker_link import StreamMessage
from livejob.wire.beside import OpenStream, StreamBytes, StreamClosed, StreamOpened
from livejob.wire.limits import KIB

HOST = "127.0.0.1"
READ_BYTES = 64 * KIB

LISTENING_S = 30.0
"""How long an editor may be there before the command has its debugger listen."""

LOOK_AGAIN_S = 0.1


class StreamLink(Protocol):
    """What is needed of a `WorkerLink`."""

    on_stream: Callable[[StreamMessage], None] | None

    async def send_stream(self, message: OpenStream | StreamBytes | StreamClosed) -> None: ...


@contextlib.asynccontextmanager
async def forwarded(link: StreamLink, inside: int, wanted: int) -> AsyncIterator[int]:
    """Lead `wanted`, or another port if that is taken, to the port `inside`; says which."""
    forward = PortForward(link, inside)
    server = await _listen(forward.serve, wanted)
    link.on_stream = forward.take
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await forward.close()
        link.on_stream = None


class PortForward:
    """The connections of one port. Each is a task of the server's, and a stream of the link's."""

    def __init__(self, link: StreamLink, inside: int) -> None:
        self._link = link
        self._inside = inside
        self._numbers = itertools.count(1)
        self._arrived: dict[int, asyncio.Queue[StreamMessage]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody has connected."""
        task = asyncio.create_task(self._serve(reader, writer), name=f"debugger of port {self._inside}")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    def take(self, message: StreamMessage) -> None:
        """Something has come from the other side."""
        if message.stream in self._arrived:
            self._arrived[message.stream].put_nowait(message)

    async def close(self) -> None:
        """End all connections."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer, own = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            if not is_own_connection(peer, own):
                return
            number = await self._open()
            if number is not None:
                await self._pump(number, reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _open(self) -> int | None:
        """A stream to the debugger, once it listens; None when it never does."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + LISTENING_S
        while loop.time() < until_s:
            number = next(self._numbers)
            arrived = self._arrived[number] = asyncio.Queue[StreamMessage]()
            await self._link.send_stream(OpenStream(number, self._inside))
            if isinstance(await arrived.get(), StreamOpened):
                return number
            del self._arrived[number]
            await asyncio.sleep(LOOK_AGAIN_S)
        return None

    async def _pump(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = asyncio.ensure_future(self._pump_there(number, reader))
        back = asyncio.ensure_future(self._pump_back(number, writer))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            del self._arrived[number]
            await self._link.send_stream(StreamClosed(number))

    async def _pump_there(self, number: int, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(READ_BYTES):
            await self._link.send_stream(StreamBytes(number, data))

    async def _pump_back(self, number: int, writer: asyncio.StreamWriter) -> None:
        while isinstance(message := await self._arrived[number].get(), StreamBytes):
            writer.write(message.body)
            await writer.drain()


async def _listen(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None], wanted: int
) -> asyncio.Server:
    try:
        return await asyncio.start_server(serve, HOST, wanted)
    except OSError:  # another run's, or somebody else's
        return await asyncio.start_server(serve, HOST, 0)
