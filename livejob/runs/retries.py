"""Whether a failed attempt is followed by another one, and when. Pure: the one statement of it.

Asked by whoever records an end: a build's runner, a session, and the reconciler for those that died without
a word. The policy lies in the run itself, so all of them come to the same answer.
"""

from __future__ import annotations

from dataclasses import replace

from livejob.clock import EpochMs
from livejob.runs.model import Change, Run
from livejob.wire.limits import BACKOFF_MAX_S
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input

RETRIED_ENDS = frozenset({Input.FAIL, Input.TIME_OUT})

FINAL_FAILURES = frozenset(
    {
        FailureType.HANDLER_NOT_FOUND,
        FailureType.HANDLER_SYNTAX_ERROR,
        FailureType.RESULT_NOT_SERIALIZABLE,
        FailureType.RESULT_TOO_LARGE,
        FailureType.CANCELLED,
        FailureType.SESSION_STOPPED,
        FailureType.BUILD_STOPPED,
        FailureType.QUEUE_EXPIRED,
        FailureType.NO_SESSION,
    }
)
"""What the same code with the same payload would come to again, or somebody wanted to be so."""


def closing(run: Run, end: Change, share: float) -> Change:
    """The change that records `end`: itself, or in its place the return to the queue for another attempt.

    share: a random number from 0 up to 1, so that runs which failed together do not come back together.
    """
    if not has_retry(run, end.input, end.failure):
        return end
    pause_ms = round(pause_s(run.backoff_s, _failed_count(run) + 1, share) * 1000)
    return replace(
        end,
        input=Input.REQUEUE,
        due_ms=EpochMs(end.now_ms + pause_ms),
        queue_s=run.queue_s,
    )


def has_retry(run: Run, what: Input, failure: Failure | None) -> bool:
    """Whether an attempt of the run that ends so is followed by another."""
    return (
        what in RETRIED_ENDS
        and not run.cancel_asked
        and _failed_count(run) < run.retries
        and (failure is None or failure.type not in FINAL_FAILURES)
    )


def pause_s(backoff_s: int, failed_count: int, share: float) -> float:
    """Seconds after so many failed attempts (1 or more): doubled with each, by up to half shorter."""
    longest_s = min(backoff_s << min(failed_count - 1, 30), BACKOFF_MAX_S)
    return longest_s * (1 - share / 2)


def _failed_count(run: Run) -> int:
    """How many attempts have failed before the present one; those given back without a failure have not."""
    return sum(1 for each in run.attempts if each.ended_ms is not None and each.failure is not None)
