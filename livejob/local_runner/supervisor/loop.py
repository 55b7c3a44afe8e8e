"""Waits for descriptors to become ready and calls back. One thread, no tasks: the supervisor forks."""

from __future__ import annotations

import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

Callback = Callable[[], None]


class Loop:
    """Callbacks by descriptor and direction."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, callback: Callback, *, is_write: bool = False) -> None:
        """Call back whenever `fd` is readable (or writable), until `unwatch`. Not twice for one fd."""
        self._selector.register(fd, selectors.EVENT_WRITE if is_write else selectors.EVENT_READ, callback)

    def unwatch(self, fd: int) -> None:
        """No error when it is not watched."""
        with suppress(KeyError):
            self._selector.unregister(fd)

    def run_once(self, timeout_s: float | None) -> bool:
        """Wait until something is ready and call back; False when nothing was within `timeout_s`."""
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            # An earlier callback of this round may have unwatched it.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        return bool(ready)

    def close(self) -> None:
        """Close the descriptor, in this process."""
        self._selector.close()


class Wakeups:
    """Signals as bytes on a descriptor. Installs handlers, so there is one in a process."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _do_nothing) for number in numbers}

    def fileno(self) -> int:
        return self._read.fileno()

    def take(self) -> set[int]:
        """The signals that have come since the last call."""
        try:
            return set(self._read.recv(4096))
        except BlockingIOError:
            return set()

    def close(self) -> None:
        """Give the signals back to what they did before and close the descriptors, in this process."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._read.close()
        self._write.close()


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """The byte on the wakeup descriptor is the message."""
