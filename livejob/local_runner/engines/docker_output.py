"""What a command writes, through the engine: an attach channel that keeps stdout and stderr apart."""

from __future__ import annotations

from typing import Literal

from livejob.local_runner.engines.docker_attach import AttachChannel
from livejob.local_runner.engines.docker_stream import Stream

_NAMES: dict[Stream, Literal["stdout", "stderr"]] = {Stream.STDOUT: "stdout", Stream.STDERR: "stderr"}


class OutputChannel(AttachChannel):
    """Of a container whose stdin is empty. `receive_pieces` takes the place of `receive`."""

    streams = "stdout=1&stderr=1"

    def __init__(self) -> None:
        super().__init__()
        self._lengths: list[tuple[Stream, int]] = []

    async def receive_pieces(self) -> list[tuple[Literal["stdout", "stderr"], bytes]]:
        """What has come since the last call, in order; [] once there is nothing more to come."""
        data = await self.receive()
        lengths, self._lengths = self._lengths, []
        pieces, at = [], 0
        for stream, length in lengths:
            pieces.append((_NAMES[stream], data[at : at + length]))
            at += length
        return pieces

    def _take(self, stream: Stream, piece: bytes) -> None:
        if stream not in _NAMES:
            return
        self._unread += piece
        if self._lengths and self._lengths[-1][0] is stream:
            self._lengths[-1] = (stream, self._lengths[-1][1] + len(piece))
        else:
            self._lengths.append((stream, len(piece)))
