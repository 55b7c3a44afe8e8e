"""What can end a build from outside: StopBuild, its timeout, and the end of the host."""

from __future__ import annotations

import threading

from livejob.clock import Clock
from livejob.local_aws.build_host.phases import FAILED, STOPPED, TIMED_OUT, BuildInterrupted, Result

TICK_S = 0.1
"""How long a wait may last before this is asked again."""

TIMED_OUT_RESULT = Result(TIMED_OUT, "BUILD_TIMED_OUT", "Build has timed out. ")


class Interrupts:
    """Asked by the build's thread between steps and waits; told by any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._deadline_s: float | None = None
        self._status_when_late = FAILED

    def stop(self) -> None:
        """StopBuild was called."""
        self._stop.set()

    def set_timeout(self, timeout_s: float, build_status: str) -> None:
        """From now on at most so long. `build_status` is what the build has when that is over.

        A build that was queued too long is TIMED_OUT, one that ran too long is FAILED with a phase that
        is TIMED_OUT: so it is with real builds, although the API knows the status for both.
        """
        self._deadline_s = self._clock.monotonic_s() + timeout_s
        self._status_when_late = build_status

    def check(self) -> None:
        """Return while the build may go on.

        Raises:
            BuildInterrupted: it may not.
        """
        if self._stop.is_set():
            raise BuildInterrupted(STOPPED, Result(STOPPED))
        if self._deadline_s is not None and self._clock.monotonic_s() >= self._deadline_s:
            raise BuildInterrupted(self._status_when_late, TIMED_OUT_RESULT)
