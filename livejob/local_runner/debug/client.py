"""One connection of an IDE: messages in and out. Knows nothing of what they mean."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress

from livejob.local_runner.debug.dap import DapReader, Message, encode
from livejob.wire.limits import KIB, MIB

READ_BYTES = 64 * KIB
UNREAD_BYTES = 64 * MIB
"""An IDE that leaves so much unread does not live any more."""


class DebugClient:
    """Takes over the streams. Sending never waits and raises nothing: whether it lives, `messages` says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)

    async def messages(self) -> AsyncIterator[Message]:
        """What it sends, until it closes.

        Raises:
            DapError: it speaks something else.
        """
        reader = DapReader()
        with suppress(ConnectionError):
            while data := await self._reader.read(READ_BYTES):
                for message in reader.feed(data):
                    yield message

    def respond(self, request: Message, body: Message | None = None) -> None:
        """The request is done."""
        self._answer(request, {"success": True, "body": body or {}})

    def refuse(self, request: Message, reason: str) -> None:
        """The request cannot be done; an IDE shows the reason."""
        error = {"id": 1, "format": reason, "showUser": True}
        self._answer(request, {"success": False, "message": reason, "body": {"error": error}})

    def forward(self, request: Message, response: Message) -> None:
        """The answer that somebody else gave."""
        names = ("success", "message", "body")
        self._answer(request, {name: response[name] for name in names if name in response})

    def event(self, name: str, body: Message | None = None) -> None:
        self._send({"type": "event", "event": name, "body": body or {}})

    def request(self, command: str, arguments: Message) -> None:
        """Ask something of the IDE; its answer does not matter."""
        self._send({"type": "request", "command": command, "arguments": arguments})

    def close(self) -> None:
        """Close when all is sent."""
        self._writer.close()

    def _answer(self, request: Message, fields: Message) -> None:
        known = {"request_seq": request.get("seq", 0), "command": request.get("command", "")}
        self._send({"type": "response", **known, **fields})

    def _send(self, message: Message) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(encode({"seq": next(self._numbers), **message}))
        if self._writer.transport.get_write_buffer_size() > UNREAD_BYTES:
            self._writer.transport.abort()
