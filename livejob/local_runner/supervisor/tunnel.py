"""The supervisor's end of the bytes between an attempt's debugger and the daemon.

A socket pair: the child inherits the far end, so nothing listens anywhere and nobody else can connect.
Never blocks. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from livejob.local_runner.supervisor.loop import Loop
from livejob.wire.limits import KIB

READ_BYTES = 64 * KIB


class Tunnel:
    """From the fork of an attempt until its end."""

    def __init__(self) -> None:
        """Raises OSError where there is no descriptor to be had."""
        self._near, self.far = socket.socketpair()
        # A descriptor of its own for writing: the loop has one callback for each.
        self._writing = self._near.dup()
        self._near.setblocking(False)
        self._writing.setblocking(False)
        self._pending = bytearray()
        self._is_taking = False
        self._is_waiting = False
        self._is_ending = False

    def take_output(self, loop: Loop, take: Callable[[bytes], None]) -> None:
        """Give what the debugger says to `take` as it comes, until `leave_output`."""
        if not self._is_taking:
            self._is_taking = True
            loop.watch(self._near.fileno(), lambda: self._read(loop, take))

    def leave_output(self, loop: Loop) -> None:
        """Leave what it says where it is: it has to wait."""
        if self._is_taking:
            self._is_taking = False
            loop.unwatch(self._near.fileno())

    def write(self, loop: Loop, data: bytes) -> None:
        """Give bytes to the debugger, as soon as it takes them; b"" ends what it reads."""
        self._pending += data
        self._is_ending = self._is_ending or not data
        self._flush(loop)

    def close(self, loop: Loop) -> None:
        """The attempt has ended."""
        loop.unwatch(self._near.fileno())
        loop.unwatch(self._writing.fileno())
        self.release()

    def release(self) -> None:
        """Close the supervisor's descriptors, in this process."""
        self._near.close()
        self._writing.close()

    def _read(self, loop: Loop, take: Callable[[bytes], None]) -> None:
        try:
            data = self._near.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # the process has gone
            data = b""
        if data:
            take(data)
        else:
            loop.unwatch(self._near.fileno())

    def _flush(self, loop: Loop) -> None:
        try:
            while self._pending:
                del self._pending[: self._writing.send(self._pending)]
            if self._is_ending:
                self._writing.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:  # nobody is there to read it any more
            self._pending.clear()
        if self._pending and not self._is_waiting:
            loop.watch(self._writing.fileno(), lambda: self._flush(loop), is_write=True)
        elif self._is_waiting and not self._pending:
            loop.unwatch(self._writing.fileno())
        self._is_waiting = bool(self._pending)
