"""What a supervisor does for the command beside its worker, in its network: credentials, streams.

Never blocks. Knows nothing of the command, and nothing of what the bytes mean.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from livejob.local_runner.supervisor.endpoint import HOST, CredentialsEndpoint
from livejob.local_runner.supervisor.loop import Loop
from livejob.wire.beside import (
    BesideMessage,
    CredentialsGranted,
    GrantCredentials,
    OpenStream,
    RevokeCredentials,
    StreamBytes,
    StreamClosed,
    StreamOpened,
)
from livejob.wire.framing import FrameError
from livejob.wire.limits import KIB
from livejob.wire.worker import CredentialsReply, WorkerMessage

READ_BYTES = 64 * KIB


class Beside:
    """Owns the streams; the endpoint is the supervisor's."""

    def __init__(
        self, loop: Loop, endpoint: CredentialsEndpoint, send: Callable[[WorkerMessage], None]
    ) -> None:
        self._loop = loop
        self._endpoint = endpoint
        self._send = send
        self._streams: dict[int, _Stream] = {}

    def obey(self, message: CredentialsReply | BesideMessage) -> None:
        """Do what the daemon says."""
        match message:
            case CredentialsReply():
                self._endpoint.answer(message)
            case GrantCredentials():
                address = self._endpoint.grant()
                self._send(CredentialsGranted(address.uri, address.token))
            case RevokeCredentials():
                self._endpoint.revoke()
            case OpenStream(stream, port):
                self._streams[stream] = _Stream(stream, port, self._loop, self._tell)
            case StreamBytes(stream, data):
                if stream in self._streams:
                    self._streams[stream].write(data)
            case StreamClosed(stream):
                if stream in self._streams:
                    self._streams.pop(stream).close()
            case _:
                raise FrameError(f"{type(message).__name__} is not for a supervisor")

    def _tell(self, message: StreamOpened | StreamBytes | StreamClosed) -> None:
        if isinstance(message, StreamClosed):
            self._streams.pop(message.stream, None)
        self._send(message)


class _Stream:
    """One connection, from the attempt to make it."""

    def __init__(
        self,
        number: int,
        port: int,
        loop: Loop,
        tell: Callable[[StreamOpened | StreamBytes | StreamClosed], None],
    ) -> None:
        self._number = number
        self._loop = loop
        self._tell = tell
        self._pending = bytearray()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        # A descriptor of its own for writing: the loop has one callback for each.
        self._writing = self._socket.dup()
        self._writing.setblocking(False)
        self._is_open = False
        self._is_waiting = True
        self._socket.connect_ex((HOST, port))
        loop.watch(self._writing.fileno(), self._flush, is_write=True)

    def write(self, data: bytes) -> None:
        """Give bytes to it, as soon as it takes them."""
        self._pending += data
        if not self._is_waiting:
            self._flush()

    def close(self) -> None:
        self._loop.unwatch(self._socket.fileno())
        self._loop.unwatch(self._writing.fileno())
        self._socket.close()
        self._writing.close()

    def _end(self) -> None:
        self.close()
        self._tell(StreamClosed(self._number))

    def _opened(self) -> bool:
        """Whether it is; ends it when it is not to be had."""
        if self._is_open:
            return True
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or not _has_peer(self._socket):
            self._end()
            return False
        self._is_open = True
        self._loop.watch(self._socket.fileno(), self._read)
        self._tell(StreamOpened(self._number))
        return True

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # the other end has gone
            data = b""
        if data:
            self._tell(StreamBytes(self._number, data))
        else:
            self._end()

    def _flush(self) -> None:
        if not self._opened():
            return
        try:
            while self._pending:
                del self._pending[: self._writing.send(self._pending)]
        except BlockingIOError:
            pass
        except OSError:  # the other end has gone
            self._end()
            return
        if self._pending and not self._is_waiting:
            self._loop.watch(self._writing.fileno(), self._flush, is_write=True)
        elif self._is_waiting and not self._pending:
            self._loop.unwatch(self._writing.fileno())
        self._is_waiting = bool(self._pending)


def _has_peer(connection: socket.socket) -> bool:
    with suppress(OSError):
        connection.getpeername()
        return True
    return False
