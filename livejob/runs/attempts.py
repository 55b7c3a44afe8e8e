"""How the list of a run's attempts grows: opened by a claim, started, closed by an end.

Pure. `transition` uses it on a run in memory, `records` to read the attempts out of a stored history,
so both come to the same list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from livejob.clock import EpochMs
from livejob.runs.model import Attempt, Backend
from livejob.wire.outcome import Failure
from livejob.wire.states import State

Attempts = tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """What came before an attempt; see `Attempt`."""

    due_ms: EpochMs
    submitted_ms: EpochMs | None = None


def opened(attempts: Attempts, owner: str, backend: Backend, now_ms: EpochMs, wait: Wait) -> Attempts:
    """With one more attempt, held by `owner`."""
    attempt = Attempt(
        number=len(attempts) + 1,
        backend=backend,
        owner=owner,
        claimed_ms=now_ms,
        due_ms=wait.due_ms,
        submitted_ms=wait.submitted_ms,
    )
    return (*attempts, attempt)


def started(attempts: Attempts, now_ms: EpochMs) -> Attempts:
    """With the present attempt's handler running since `now_ms`."""
    return (*attempts[:-1], replace(attempts[-1], started_ms=now_ms))


def closed(
    attempts: Attempts, state: State, now_ms: EpochMs, failure: Failure | None, exit_code: int | None
) -> Attempts:
    """With the present attempt ended, by which the run came to `state`.

    Unchanged when no attempt goes on: a run may end in the queue, before any claim or between two.
    """
    if not attempts or attempts[-1].ended_ms is not None:
        return attempts
    last = replace(attempts[-1], ended_ms=now_ms, state=state, failure=failure, exit_code=exit_code)
    return (*attempts[:-1], last)
