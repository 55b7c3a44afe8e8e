"""The worker's end of its one channel: frames in and out on descriptors that nothing else uses.

Never blocks: what cannot be written stays in `pending_bytes`, by which its owner decides when to take
nothing more from the attempt. Knows nothing of what the messages mean.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from livejob.wire.framing import FrameReader
from livejob.wire.limits import KIB
from livejob.wire.worker import WorkerMessage, decode, encode

CHUNK_BYTES = 256 * KIB


class ChannelEnded(Exception):
    """The daemon has closed its end, or is gone."""


class Channel:
    """Reads messages from one descriptor and writes them to another; owns both."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self._reader = FrameReader()
        self._pending: deque[memoryview] = deque()
        self.pending_bytes = 0

    def receive(self) -> Iterator[WorkerMessage]:
        """The messages that have arrived whole since the last call; to be called when it is readable.

        Raises:
            ChannelEnded: no more will come.
            FrameError: what came is no message; nothing after it can be trusted.
        """
        try:
            data = os.read(self.read_fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise ChannelEnded from error
        if not data:
            raise ChannelEnded
        for head, body in self._reader.feed(data):
            yield decode(head, body)

    def send(self, message: WorkerMessage) -> None:
        """Write a message, as far as that goes without waiting; `flush` writes the rest.

        Raises:
            ChannelEnded: nobody reads any more.
        """
        data = encode(message)
        self._pending.append(memoryview(data))
        self.pending_bytes += len(data)
        self.flush()

    def flush(self) -> None:
        """Write what is pending, as far as that goes without waiting.

        Raises:
            ChannelEnded: nobody reads any more.
        """
        while self._pending:
            try:
                written = os.write(self.write_fd, self._pending[0])
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelEnded from error
            self.pending_bytes -= written
            rest = self._pending[0][written:]
            if rest:
                self._pending[0] = rest
            else:
                self._pending.popleft()

    def close(self) -> None:
        """Close both descriptors, in this process."""
        for fd in (self.read_fd, self.write_fd):
            with suppress(OSError):
                os.close(fd)


def take_over_stdio() -> Channel:
    """Make a channel of this process's stdin and stdout, and put others in their place.

    Afterwards stdin is empty and stdout goes where stderr goes, so that nothing that is printed by
    accident gets between the frames.
    """
    # Above the standard descriptors, and not inherited by what is executed later.
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Channel(read_fd, write_fd)
