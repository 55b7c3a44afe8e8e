"""The credential endpoint: HTTP on the loopback, as every AWS SDK asks it, answered by the daemon.

One GET of one path with one token, of the present attempt only. It forwards the question and gives back
what the daemon says; it never looks into credentials and keeps none.
Source: AWS SDKs and Tools reference, "Container credential provider".
"""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from itertools import count

from livejob.local_runner.supervisor.environment import EndpointAddress
from livejob.local_runner.supervisor.loop import Loop
from livejob.wire.limits import KIB
from livejob.wire.worker import CredentialsReply

HOST = "127.0.0.1"
REQUEST_BYTES = 8 * KIB
CONNECTION_COUNT = 64
_END_OF_HEAD = b"\r\n\r\n"


class CredentialsEndpoint:
    """Listens for as long as the worker lives; answers only between `grant` and `revoke`."""

    def __init__(self, loop: Loop, ask: Callable[[int], None]) -> None:
        """`ask` puts the question of a given number to the daemon; the reply comes by `answer`."""
        self._loop = loop
        self._ask = ask
        self._numbers = count(1)
        self._path = ""
        self._token = b""  # empty while there is no attempt
        self._received: dict[socket.socket, bytes] = {}
        self._waiting: dict[int, socket.socket] = {}
        self._listener = socket.create_server((HOST, 0), backlog=CONNECTION_COUNT)
        self._listener.setblocking(False)
        loop.watch(self._listener.fileno(), self._accept)

    def grant(self) -> EndpointAddress:
        """A new address and token, for an attempt that begins."""
        port = self._listener.getsockname()[1]
        token = secrets.token_urlsafe(32)
        self._path, self._token = f"/credentials/{secrets.token_urlsafe(8)}", token.encode()
        return EndpointAddress(f"http://{HOST}:{port}{self._path}", token)

    def revoke(self) -> None:
        """The attempt has ended: its token is worth nothing any more, its questions are dropped."""
        self._token = b""
        for connection in list(self._received):
            self._drop(connection)
        self._waiting.clear()

    def answer(self, reply: CredentialsReply) -> None:
        """Give the daemon's reply to who asked; nothing if that one has gone."""
        connection = self._waiting.pop(reply.request, None)
        if connection is None or connection not in self._received:
            return
        if reply.error:
            self._respond(connection, HTTPStatus.INTERNAL_SERVER_ERROR, reply.error)
        else:
            self._respond(connection, HTTPStatus.OK, reply.document, "application/json")

    def close(self) -> None:
        """Close every descriptor, in this process."""
        for each in (self._listener, *self._received):
            each.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has gone already, or this process has no descriptor left
            return
        if len(self._received) >= CONNECTION_COUNT:
            connection.close()
            return
        connection.setblocking(False)
        self._received[connection] = b""
        self._loop.watch(connection.fileno(), lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(REQUEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        received = self._received[connection] + data
        self._received[connection] = received
        if not data:
            self._drop(connection)
        elif len(received) > REQUEST_BYTES:
            self._respond(connection, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif _END_OF_HEAD in received and connection not in self._waiting.values():
            self._request(connection, received.partition(_END_OF_HEAD)[0].decode("latin-1"))

    def _request(self, connection: socket.socket, head: str) -> None:
        refusal = self._refusal(head)
        if refusal is not None:
            self._respond(connection, refusal)
            return
        number = next(self._numbers)
        self._waiting[number] = connection
        self._ask(number)

    def _refusal(self, head: str) -> HTTPStatus | None:
        request, *headers = head.split("\r\n")
        method, path, *_ = [*request.split(" "), "", ""]
        if path != self._path:
            return HTTPStatus.NOT_FOUND
        if method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED
        given = _header(headers, "authorization")
        if not self._token or not hmac.compare_digest(given, self._token):
            return HTTPStatus.UNAUTHORIZED
        return None

    def _respond(
        self, connection: socket.socket, status: HTTPStatus, text: str = "", kind: str = "text/plain"
    ) -> None:
        body = (text or status.phrase).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with suppress(OSError):  # who asked has gone
            # Smaller than a socket's buffer: it is taken whole or not at all.
            connection.send(head.encode() + body)
        self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._loop.unwatch(connection.fileno())
        self._received.pop(connection, None)
        connection.close()


def _header(lines: list[str], name: str) -> bytes:
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip().encode("latin-1")
    return b""
