"""Messages of the Debug Adapter Protocol on a stream of bytes: sans-IO.

Source: Debug Adapter Protocol, "Base protocol".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from livejob.wire.limits import KIB, MIB

Message = dict[str, Any]
"""Request, response or event, as JSON has it. `Any`: most of what passes is none of ours to know."""

HEADER_BYTES = KIB
MESSAGE_BYTES = 32 * MIB

_END_OF_HEADER = b"\r\n\r\n"
_LENGTH = b"content-length:"


class DapError(Exception):
    """The bytes are no messages: the connection is lost, nothing after it can be trusted."""


def encode(message: Message) -> bytes:
    """One message's bytes."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class DapReader:
    """Takes bytes as they come, gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take `data`; yield each message that is now complete.

        Raises:
            DapError: the stream is something else. A browser's request is refused at its first line.
        """
        self._buffer += data
        while (message := self._take()) is not None:
            yield message

    def _take(self) -> Message | None:
        if not self._buffer:
            return None
        if not _LENGTH.startswith(bytes(self._buffer[: len(_LENGTH)]).lower()):
            raise DapError(f"no header of a message: {bytes(self._buffer[:40])!r}")
        end = self._buffer.find(_END_OF_HEADER)
        if end < 0:
            if len(self._buffer) > HEADER_BYTES:
                raise DapError("a header without end")
            return None
        begin = end + len(_END_OF_HEADER)
        length = _length(bytes(self._buffer[:end]))
        if len(self._buffer) < begin + length:
            return None
        body = bytes(self._buffer[begin : begin + length])
        del self._buffer[: begin + length]
        return _parse(body)


def _length(header: bytes) -> int:
    text = header[len(_LENGTH) :].split(b"\r\n")[0].strip()
    if not text.isdigit() or int(text) > MESSAGE_BYTES:
        raise DapError(f"an impossible length: {text[:20]!r}")
    return int(text)


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DapError("a message that is not JSON") from error
    if not isinstance(message, dict) or message.get("type") not in ("request", "response", "event"):
        raise DapError("a message of no known type")
    return message
