"""Keeps the lease of a run from a thread of its own, and says when the record wants its end.

A thread, because a call that hangs must not keep the runner from its timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from livejob.build_runner.record import BuildRecord
from livejob.errors import AwsError
from livejob.runner.stop import StopReason

Tell = Callable[[StopReason], None]
"""Called with CANCEL when a cancel is recorded, with SHUTDOWN when the run is no longer this build's."""


class Heartbeat:
    """Beats every `every_s` seconds, and at once when it is asked to look.

    is_disowned: the record says that the run is somebody else's, or has ended.
    """

    def __init__(self, record: BuildRecord, every_s: float, say: Callable[[str], None]) -> None:
        self._record = record
        self._every_s = every_s
        self._say = say
        self._wake = threading.Event()
        self._is_over = False
        self._fallback: StopReason | None = None
        self.is_disowned = False

    @contextmanager
    def beating(self, tell: Tell) -> Iterator[None]:
        """Beat while the block runs."""
        thread = threading.Thread(target=self._beat, args=(tell,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._is_over = True
            self._wake.set()
            thread.join()

    def look(self, fallback: StopReason) -> None:
        """Look now; tell `fallback` if the record gives no other reason. Safe in a signal handler."""
        self._fallback = fallback
        self._wake.set()

    def _beat(self, tell: Tell) -> None:
        while True:
            self._wake.wait(self._every_s)
            self._wake.clear()
            if self._is_over:
                return
            fallback, self._fallback = self._fallback, None
            reason = self._asked() or fallback
            if reason is not None:
                tell(reason)

    def _asked(self) -> StopReason | None:
        try:
            run = self._record.heartbeat()
        except AwsError as error:
            # The lease holds for several heartbeats more.
            self._say(f"the lease could not be renewed: {error.message}")
            return None
        if run is None:
            self.is_disowned = True
            return StopReason.SHUTDOWN
        return StopReason.CANCEL if run.cancel_asked else None
