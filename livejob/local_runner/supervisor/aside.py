"""A process beside the attempts: something to try out while the worker has nothing to do.

At most one at a time, and none while an attempt runs: an attempt has the worker for itself. Whoever tries
something out must bear that it is broken off.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable

from livejob.clock import Clock
from livejob.local_runner.supervisor.loop import Loop
from livejob.runner.processes import end_children, kill, kill_group

READ_BYTES = 64 * 1024

Fork = Callable[[Callable[[], int]], int]
Child = Callable[[int], None]
"""Runs in the process; what it writes into the descriptor comes back to who began it."""


class Aside:
    """Owns the process from its fork until it has been killed or has ended."""

    def __init__(
        self,
        loop: Loop,
        fork: Fork,
        release: Callable[[], None],
        kept: Callable[[], int | None],
        clock: Clock,
    ) -> None:
        """`release` closes in the child what is the supervisor's own.

        kept: pid of the other child that may live beside it.
        """
        self._loop = loop
        self._fork = fork
        self._release = release
        self._kept = kept
        self._clock = clock
        self._pid: int | None = None
        self._reading = -1
        self._data = bytearray()
        self._finished: Callable[[bytes], None] = lambda data: None
        self.give_up_s: float | None = None

    @property
    def is_busy(self) -> bool:
        return self._pid is not None

    def begin(self, child: Child, finished: Callable[[bytes], None], patience_s: float) -> None:
        """Fork; `finished` gets what the child has written when it has ended or `patience_s` is over.

        Raises:
            OSError: no process to be had.
        """
        reading, writing = os.pipe()
        try:
            self._pid = self._fork(lambda: self._in_child(child, reading, writing))
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._reading, self._finished = reading, finished
        self._data.clear()
        self.give_up_s = self._clock.monotonic_s() + patience_s
        self._loop.watch(reading, self._read)

    def heed_patience(self) -> None:
        """Break it off when it has taken too long; what it has written until then counts."""
        if self.give_up_s is not None and self.give_up_s <= self._clock.monotonic_s():
            self._end()

    def break_off(self) -> None:
        """End it now; nobody hears of it."""
        self._finished = lambda data: None
        self._end()

    def _read(self) -> None:
        try:
            data = os.read(self._reading, READ_BYTES)
        except BlockingIOError:
            return
        self._data += data
        if not data:
            self._end()

    def _end(self) -> None:
        if self._pid is None:
            return
        self._loop.unwatch(self._reading)
        os.close(self._reading)
        kill_group(self._pid, signal.SIGKILL)
        kill(self._pid)
        self._pid, self.give_up_s = None, None
        # Nothing of it may stay.
        end_children(kept=self._kept())
        self._finished(bytes(self._data))

    def _in_child(self, child: Child, reading: int, writing: int) -> int:
        os.close(reading)
        self._release()
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        child(writing)
        return 0


def scratch_file() -> int:
    """A file without a name: takes any output, which a pipe that nobody reads would not."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("output")
    fd, path = tempfile.mkstemp()
    os.unlink(path)  # noqa: PTH108
    return fd
