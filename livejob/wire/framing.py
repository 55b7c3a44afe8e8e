"""Frames on a worker's one channel (its stdin and stdout): sans-IO, bytes in and frames out.

    frame  = length(4, big endian) head_length(4, big endian) head body
    head   = UTF-8 JSON object {"kind": ..., fields}
    length = bytes after itself

Both sides ship together (the worker runs the daemon's own copy of this package), so frames carry no
version: `Hello` says it once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from livejob.wire.limits import FRAME_BYTES

_LENGTHS = struct.Struct(">II")

Head = dict[str, object]


class FrameError(Exception):
    """The bytes are not frames: the channel is lost, nothing after it can be trusted."""


def encode_frame(head: Head, body: bytes = b"") -> bytes:
    """One frame's bytes.

    Raises:
        FrameError: larger than FRAME_BYTES.
    """
    head_bytes = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    length = 4 + len(head_bytes) + len(body)
    if length > FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes, more than {FRAME_BYTES}")
    return b"".join((_LENGTHS.pack(length, len(head_bytes)), head_bytes, body))


class FrameReader:
    """Takes bytes as they come, gives whole frames as (head, body)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Head, bytes]]:
        """Take `data`; yield each frame that is now complete.

        Raises:
            FrameError: the stream is not frames.
        """
        self._buffer += data
        while (frame := self._take()) is not None:
            yield frame

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that has not yet arrived whole; not 0 at the end means it was cut off."""
        return len(self._buffer)

    def _take(self) -> tuple[Head, bytes] | None:
        if len(self._buffer) < _LENGTHS.size:
            return None
        length, head_length = _LENGTHS.unpack_from(self._buffer)
        if length > FRAME_BYTES or head_length + 4 > length:
            raise FrameError(f"impossible lengths {length}, {head_length}")
        end = 4 + length
        if len(self._buffer) < end:
            return None
        head_end = _LENGTHS.size + head_length
        head = _parse_head(bytes(self._buffer[_LENGTHS.size : head_end]))
        with memoryview(self._buffer) as view:
            # One copy of what may be a hundred megabytes, not two.
            body = bytes(view[head_end:end])
        del self._buffer[:end]
        return head, body


def _parse_head(data: bytes) -> Head:
    try:
        head = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FrameError("a head that is not JSON") from error
    if not isinstance(head, dict):
        raise FrameError("a head that is no object")
    return head
