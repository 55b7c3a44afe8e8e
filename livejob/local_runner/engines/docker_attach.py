"""A worker's channel through the engine: one hijacked connection that carries stdin, stdout and stderr.

The event loop reads it itself (the `docker` package would block a thread per worker): an HTTP request
that the engine answers with a switch to Docker's stream format. Opened before the container starts, so
nothing it says is missed.
Source: Docker Engine API, 'Attach to a container', 'Hijacking'.
"""

from __future__ import annotations

import asyncio
from typing import cast

from livejob.errors import WorkerFailed
from livejob.local_runner.engines.docker_connection import CALL_TIMEOUT_S, unavailable
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint
from livejob.local_runner.engines.docker_stream import Demultiplexer, Stream, StreamError
from livejob.wire.limits import KIB, MIB

UNREAD_BYTES = 1 * MIB
"""How much output may wait for `receive` before the channel stops reading."""

LAST_WORDS_BYTES = 4 * KIB
"""How much of stderr is kept."""

_HEAD_BYTES = 64 * KIB
_HEAD_END = b"\r\n\r\n"
_UPGRADED = (101, 200)  # 200: engines that ignore the Upgrade header hijack all the same


async def open_channel(endpoint: DockerEndpoint, api_version: str, container_id: str) -> AttachChannel:
    """Attach to a created container that is to be a worker. Raises as `attach`."""
    channel = AttachChannel()
    await attach(channel, endpoint, api_version, container_id)
    return channel


async def attach(
    channel: AttachChannel, endpoint: DockerEndpoint, api_version: str, container_id: str
) -> None:
    """Open a new channel to a created container.

    Raises:
        EngineUnavailable: the engine does not answer.
        WorkerFailed: the engine refused.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await _connect(loop, endpoint, channel)
            try:
                channel.request(api_version, container_id)
                await channel.wait_open()
            except BaseException:
                channel.close()
                raise
    except OSError as error:  # TimeoutError is one
        raise unavailable(endpoint, error) from error


async def _connect(loop: asyncio.AbstractEventLoop, endpoint: DockerEndpoint, channel: AttachChannel) -> None:
    if endpoint.socket_path is not None:
        await loop.create_unix_connection(lambda: channel, endpoint.socket_path)
    else:
        host, port = endpoint.tcp_address
        await loop.create_connection(lambda: channel, host, port, ssl=endpoint.tls_context())


class AttachChannel(asyncio.Protocol):
    """The connection as the event loop drives it. At most one caller of `receive` at a time."""

    streams = "stdin=1&stdout=1&stderr=1"

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._has_news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._head = bytearray()
        self._demultiplexer = Demultiplexer()
        self._unread = bytearray()
        self._last_words = bytearray()
        self._is_kept_reading = False

    def request(self, api_version: str, container_id: str) -> None:
        """Ask for the container's streams."""
        self._transport.write(
            f"POST /v{api_version}/containers/{container_id}/attach"
            f"?stream=1&{self.streams} HTTP/1.1\r\n"
            "Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
        )

    async def wait_open(self) -> None:
        """Wait for the engine's consent.

        Raises:
            WorkerFailed: it refused.
            ConnectionError: the connection was lost.
        """
        await self._opened

    async def wait_closed(self) -> None:
        """Wait until nothing more can come."""
        await asyncio.shield(self._closed)

    async def send(self, data: bytes) -> None:
        """Write to the container's stdin; waits while the engine does not take more.

        Raises:
            ConnectionError: the channel is closed.
        """
        if self._closed.done() or self._transport.is_closing():
            raise ConnectionResetError("the channel is closed")
        self._transport.write(data)
        await self._may_write.wait()
        if self._closed.done():
            raise ConnectionResetError("the channel was closed meanwhile")

    async def receive(self) -> bytes:
        """Some bytes of stdout as they come; b"" once there is nothing more to come."""
        while not self._unread and not self._closed.done():
            self._has_news.clear()
            await self._has_news.wait()
        data = bytes(self._unread)
        self._unread.clear()
        self._transport.resume_reading()
        return data

    def keep_reading(self) -> None:
        """From here on never stop reading: the container is being ended, and its end must be heard."""
        self._is_kept_reading = True
        self._transport.resume_reading()

    @property
    def last_words(self) -> str:
        """The end of what the container has written to stderr."""
        return self._last_words.decode(errors="replace").strip()

    def close(self) -> None:
        """Let go at once; the container's stdin ends by that. Safe to call twice."""
        self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            stream_data = data if self._opened.done() else self._take_head(data)
            for stream, piece in self._demultiplexer.feed(stream_data):
                self._take(stream, piece)
        except StreamError as error:
            self._last_words += f"\nthe engine's stream is broken: {error}".encode()
            self._transport.abort()
        self._has_news.set()
        if len(self._unread) > UNREAD_BYTES and not self._is_kept_reading:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(ConnectionResetError("the engine closed the connection"))
        self._closed.set_result(None)
        self._has_news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def _take(self, stream: Stream, piece: bytes) -> None:
        if stream is Stream.STDERR:
            self._last_words = (self._last_words + piece)[-LAST_WORDS_BYTES:]
        else:
            self._unread += piece

    def _take_head(self, data: bytes) -> bytes:
        """Read the engine's HTTP answer; what follows it is the stream."""
        self._head += data
        head, end, rest = bytes(self._head).partition(_HEAD_END)
        if not end:
            if len(self._head) > _HEAD_BYTES:
                raise StreamError("an HTTP answer without an end")
            return b""
        words = head.split(None, 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        if status in _UPGRADED:
            self._opened.set_result(None)
            return rest
        text = rest.decode(errors="replace").strip()
        self._opened.set_exception(
            WorkerFailed(f"the engine refused the worker's channel ({status}): {text}", remedy="")
        )
        self._transport.abort()
        return b""
