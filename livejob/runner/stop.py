"""How an attempt is told to stop: a reason in a place that both sides see, and a signal as its doorbell.

Whoever runs the attempt's process writes the reason into a `StopSlot` and sends SIGTERM. `StopSignal`
turns that into an exception in the handler. A SIGTERM without a reason is somebody else's, and does what
it does to every process. Knows nothing of runs and of what their end means.
"""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType
from typing import Protocol


class StopReason(StrEnum):
    """Why an attempt has to stop."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"  # the session that runs it is stopped


class StopSource(Protocol):
    """Where the attempt looks for the reason to stop."""

    def reason(self) -> StopReason | None:
        """None as long as it may go on. The same from the first reason on. Never raises."""
        ...


_REASONS = tuple(StopReason)
_SIGTERM = (signal.SIGTERM,)


class StopSlot:
    """One byte of memory that a process shares with its children.

    A pipe would do, but a handler can close its descriptors, and a process that the handler forks would
    read away what was meant for the handler.
    """

    def __init__(self, fd: int = -1) -> None:
        """`fd`: of a file of one byte, 0, for a process that is started and not forked."""
        self._byte = mmap.mmap(fd, 1)

    def ask(self, reason: StopReason) -> None:
        """Write the reason; the first one counts."""
        if self._byte[0] == 0:
            self._byte[0] = 1 + _REASONS.index(reason)

    def reason(self) -> StopReason | None:
        value = self._byte[0]
        return _REASONS[value - 1] if value else None


class StopSignal:
    """Turns the first SIGTERM that has a reason into one call of the present listener.

    Later ones do nothing: the handler is cleaning up, and an exception in the midst of that would undo
    the good of it. Lives in the main thread of the attempt's process.
    """

    def __init__(self, source: StopSource) -> None:
        self._source = source
        self._listener: Callable[[StopReason], None] | None = None
        self._is_delivered = False

    def install(self) -> None:
        """Take over SIGTERM. Processes that the handler forks get it back as it was."""
        signal.signal(signal.SIGTERM, self._on_signal)
        # Blocked over the fork: Python drops what arrives between it and the child's first step.
        os.register_at_fork(
            before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _SIGTERM),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGTERM),
            after_in_child=self._give_back,
        )

    def reason(self) -> StopReason | None:
        """As the source has it."""
        return self._source.reason()

    @contextmanager
    def told_to(self, listener: Callable[[StopReason], None]) -> Iterator[None]:
        """Within the block `listener` is called, in the main thread, between two of its bytecodes.

        What it raises is raised in the code that runs there. A reason that came before the block is
        delivered at its begin. The innermost block counts.
        """
        outer, self._listener = self._listener, listener
        try:
            self._deliver()
            yield
        finally:
            self._listener = outer

    def _deliver(self) -> None:
        reason = self._source.reason()
        if reason is None or self._listener is None or self._is_delivered:
            return
        self._is_delivered = True
        self._listener(reason)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._source.reason() is None:
            # Not from us: it does what it does to every process.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self._deliver()

    def _give_back(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGTERM)
