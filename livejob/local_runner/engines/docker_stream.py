"""Docker's multiplexed stream, sans-IO: bytes in, (stream, bytes) out.

    frame  = stream(1) 0 0 0 length(4, big endian) payload
    stream = 0 stdin (echoed), 1 stdout, 2 stderr

Source: Docker Engine API, 'Attach to a container', 'Stream format'. The attach channel feeds it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

_HEADER = struct.Struct(">B3xI")


class Stream(IntEnum):
    """Which of a container's streams a piece of output comes from."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2


class StreamError(Exception):
    """The bytes are not Docker's stream format: nothing after them can be trusted."""


class Demultiplexer:
    """Takes bytes as they come; gives payload as soon as it is there, without waiting for whole frames."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = Stream.STDOUT
        self._left_bytes = 0

    def feed(self, data: bytes) -> Iterator[tuple[Stream, bytes]]:
        """Take `data`; yield what of it is payload, in order.

        Raises:
            StreamError: a header that Docker does not send.
        """
        while data:
            if self._left_bytes:
                piece, data = data[: self._left_bytes], data[self._left_bytes :]
                self._left_bytes -= len(piece)
                yield self._stream, piece
            else:
                data = self._take_header(data)

    def _take_header(self, data: bytes) -> bytes:
        """Consume what is missing of the next header; the rest of `data`."""
        missing = _HEADER.size - len(self._header)
        self._header += data[:missing]
        if len(self._header) == _HEADER.size:
            number, self._left_bytes = _HEADER.unpack(self._header)
            self._stream, self._header = _stream(number), b""
        return data[missing:]


def _stream(number: int) -> Stream:
    try:
        return Stream(number)
    except ValueError:
        raise StreamError(f"a frame of stream {number}, which is none of a container's") from None
