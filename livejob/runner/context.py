"""What a handler is told about its run, and the exceptions that tell it to stop.

User code imports these as `livejob.Context`, `livejob.JobCancelled` and `livejob.JobTimedOut`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from livejob.clock import Clock
from livejob.runner.deadline import Deadline
from livejob.runner.stop import StopSource
from livejob.wire.ids import RunId


class JobCancelled(BaseException):
    """Raised in a handler when somebody cancelled its run: clean up and let it pass.

    Not an Exception, for the reason that KeyboardInterrupt and asyncio.CancelledError are none: handlers
    are full of `except Exception` around single items ("log it and go on"), which would take the request
    to stop for one more failed item. Code that catches it may finish what must not be left half done; the
    run is CANCELLED whatever the handler does then, and its process is killed when the grace is over.
    In an async handler asyncio.CancelledError arrives in its place.
    """


class JobTimedOut(JobCancelled):
    """Raised in a handler whose run has used up its timeout. The run is TIMED_OUT."""


@dataclass(frozen=True, slots=True)
class Context:
    """The run that a handler works for: its second parameter, if it takes one.

    run_id:      stays the same over all attempts of the run; good as an idempotency key.
    attempt:     1-based; more than 1 means that an earlier one came to no end.
    """

    run_id: RunId
    attempt: int
    job: str
    app: str
    stage: str
    _deadline: Deadline = field(repr=False, compare=False)
    _clock: Clock = field(repr=False, compare=False)
    _stop: StopSource = field(repr=False, compare=False)

    @property
    def deadline_ms(self) -> int:
        """Unix epoch milliseconds at which the attempt will be stopped. Moves while a debugger holds it."""
        return self._deadline.at_ms(self._clock.now_ms())

    def remaining_s(self) -> float:
        """Seconds until the attempt will be stopped; 0.0 when that time has come."""
        now_ms = self._clock.now_ms()
        return max(0.0, (self._deadline.at_ms(now_ms) - now_ms) / 1000)

    @property
    def is_cancelled(self) -> bool:
        """True once the attempt has been asked to stop, for whatever reason.

        For code that no exception reaches: a thread, or a loop that has caught JobCancelled.
        """
        return self._stop.reason() is not None

    def __str__(self) -> str:
        return f"{self.job} {self.run_id} attempt {self.attempt}"
