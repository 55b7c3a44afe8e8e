"""What a change does to a run: the one statement of it, pure.

The memory store applies it as it stands. The DynamoDB store says the same in an update expression; the
contract suite and a property test hold the two together.
"""

from __future__ import annotations

from dataclasses import replace

from livejob.errors import Bug, StateConflict
from livejob.runs import attempts
from livejob.runs.deadlines import queue_deadline_ms
from livejob.runs.model import Change, Run
from livejob.wire.outcome import Failure
from livejob.wire.states import HELD, Input, State, states_before, step

_DEEDS = {
    Input.SUBMIT: "be handed to a backend",
    Input.CLAIM: "be claimed",
    Input.START: "start",
    Input.RUN: "run",
    Input.HEARTBEAT: "be kept alive",
    Input.ASK_CANCEL: "be cancelled",
    Input.SUCCEED: "succeed",
    Input.FAIL: "fail",
    Input.TIME_OUT: "time out",
    Input.CANCEL: "be cancelled",
    Input.LOSE: "be given up as lost",
    Input.EXPIRE: "expire",
    Input.SKIP: "be skipped",
    Input.REQUEUE: "go back to the queue",
}


def changed(run: Run, change: Change) -> Run:
    """The run after `change`.

    Raises:
        StateConflict: the state table, a guard or a deadline does not allow it.
        Bug: the change itself is incomplete.
    """
    check_complete(change)
    if not _is_allowed(run, change):
        raise conflict(run, change)
    after = replace(
        run,
        state=step(run.state, change.input),
        log=run.log if change.log is None else change.log,
    )
    match change.input:
        case Input.SUBMIT:
            return replace(
                after,
                backend=change.backend,
                submitted_id=str(change.owner),
                submitted_ms=change.now_ms,
            )
        case Input.CLAIM:
            return _claimed(after, change)
        case Input.START | Input.RUN | Input.HEARTBEAT:
            return _kept(after, change)
        case Input.ASK_CANCEL:
            return replace(after, cancel_asked=True)
        case Input.REQUEUE:
            return _requeued(after, change)
        case _:
            return _ended(after, change)


def check_complete(change: Change) -> None:
    """Refuse a claim that does not say who claims, for which backend and until when; a hand-over likewise.

    Raises:
        Bug: so it is.
    """
    if change.input is Input.CLAIM and None in (change.owner, change.backend, change.lease_until_ms):
        raise Bug("a claim needs an owner, a backend and a lease")
    if change.input is Input.SUBMIT and None in (change.owner, change.backend):
        raise Bug("a hand-over needs a backend and its id of the execution")


def conflict(run: Run, change: Change) -> StateConflict:
    """The error for a change that `run`, as it stands, does not allow. Names both."""
    return StateConflict(
        f"{run.id} cannot {_DEEDS[change.input]}: {_why_not(run, change)}", run_id=run.id, run=run
    )


def guards_owner(change: Change) -> bool:
    """True when `change.owner` is a guard. With a claim it is who claims, with a hand-over the new id."""
    return change.owner is not None and change.input not in (Input.CLAIM, Input.SUBMIT)


def recorded_failure(change: Change) -> Failure | None:
    """The change's failure, cut to what a record holds."""
    return change.failure.clipped() if change.failure else None


def _is_allowed(run: Run, change: Change) -> bool:
    return (
        run.state in states_before(change.input)
        and not (guards_owner(change) and run.owner != change.owner)
        and change.attempt in (None, run.attempt_number)
        and (change.input is not Input.CLAIM or run.is_due(change.now_ms))
        # A heartbeat may have come since the caller looked.
        and (change.input is not Input.LOSE or run.is_lease_over(change.now_ms))
        and (change.input is not Input.EXPIRE or run.is_expired(change.now_ms))
    )


def _why_not(run: Run, change: Change) -> str:
    if run.state not in states_before(change.input):
        held = f" by {run.owner}" if run.state in HELD else ""
        return f"it is {run.state}{held}"
    if guards_owner(change) and run.owner != change.owner:
        return f"{run.owner} holds it, not {change.owner}"
    if change.attempt not in (None, run.attempt_number):
        return f"it is in attempt {run.attempt_number}, not {change.attempt}"
    if change.input is Input.CLAIM and not run.is_due(change.now_ms):
        return "the pause before its next attempt is not over"
    if change.input is Input.LOSE:
        return "its lease has not run out"
    if change.input is Input.EXPIRE:
        return "its time in the queue is not over"
    return "it was changed at the same time"


def _claimed(after: Run, change: Change) -> Run:
    assert change.owner is not None and change.backend is not None  # check_complete saw to it
    return replace(
        after,
        owner=change.owner,
        backend=change.backend,
        lease_until_ms=change.lease_until_ms,
        submitted_id="",
        submitted_ms=None,
        due_ms=None,
        bundle=change.bundle or "",
        attempts=attempts.opened(
            after.attempts,
            change.owner,
            change.backend,
            change.now_ms,
            attempts.Wait(after.waiting_since_ms, after.submitted_ms),
        ),
    )


def _kept(after: Run, change: Change) -> Run:
    lease_until_ms = change.lease_until_ms or after.lease_until_ms
    if change.input is not Input.RUN:
        note = after.note if change.note is None else change.note
        return replace(after, lease_until_ms=lease_until_ms, note=note)
    return replace(
        after,
        lease_until_ms=lease_until_ms,
        started_ms=after.started_ms or change.now_ms,
        attempts=attempts.started(after.attempts, change.now_ms),
    )


def _requeued(after: Run, change: Change) -> Run:
    return replace(
        after,
        owner=None,
        backend=None,
        lease_until_ms=None,
        note="",
        due_ms=change.due_ms,
        expires_ms=queue_deadline_ms(change.due_ms or change.now_ms, change.queue_s),
        attempts=attempts.closed(
            after.attempts, State.QUEUED, change.now_ms, recorded_failure(change), change.exit_code
        ),
    )


def _ended(after: Run, change: Change) -> Run:
    failure = recorded_failure(change)
    return replace(
        after,
        lease_until_ms=None,
        note="",
        ended_ms=change.now_ms,
        result=change.result,
        failure=failure,
        attempts=attempts.closed(after.attempts, after.state, change.now_ms, failure, change.exit_code),
    )
