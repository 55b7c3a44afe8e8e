"""The only reader of time.

Epoch milliseconds go into records and messages; monotonic seconds measure durations and deadlines.
Whoever needs time takes a `Clock`, so a test can step it.
"""

from __future__ import annotations

import time
from typing import NewType, Protocol

EpochMs = NewType("EpochMs", int)


class Clock(Protocol):
    """Reads the wall clock and the monotonic clock. Never raises."""

    def now_ms(self) -> EpochMs:
        """Unix epoch milliseconds, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> EpochMs:
        return EpochMs(time.time_ns() // 1_000_000)

    def monotonic_s(self) -> float:
        return time.monotonic()


class SteppedClock:
    """A clock that stands still until `advance` is called: for tests, the user's and ours."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = start_ms
        self._elapsed_s = 0.0

    def now_ms(self) -> EpochMs:
        return EpochMs(self._start_ms + round(self._elapsed_s * 1000))

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds` (>= 0)."""
        self._elapsed_s += seconds
