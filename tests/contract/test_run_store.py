"""What every run store does: memory, and DynamoDB in the emulator with authorization on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from livejob.errors import Bug, RunNotFound, StateConflict
from livejob.runs.model import Attempt, Change, Document, Run
from livejob.runs.store import RunStore
from livejob.wire.ids import RunId
from livejob.wire.limits import QUEUE_TTL_S, RUN_TTL_S, TRACE_CHARS
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import TRANSITIONS, Input, State
from tests.support.runs import T0, a_change, a_job_name, a_run, at, let

WAYS: dict[State, list[Input]] = {
    State.QUEUED: [],
    State.CLAIMED: [Input.CLAIM],
    State.STARTING: [Input.CLAIM, Input.START],
    State.RUNNING: [Input.CLAIM, Input.RUN],
    State.SUCCEEDED: [Input.CLAIM, Input.RUN, Input.SUCCEED],
    State.FAILED: [Input.CLAIM, Input.RUN, Input.FAIL],
    State.TIMED_OUT: [Input.CLAIM, Input.RUN, Input.TIME_OUT],
    State.CANCELLED: [Input.CANCEL],
    State.LOST: [Input.CLAIM, Input.LOSE],
    State.EXPIRED: [Input.EXPIRE],
    State.SKIPPED: [Input.SKIP],
}
"""How a run comes to each state."""

AFTER_ALL = QUEUE_TTL_S + 1.0
"""By then every lease and every time in the queue is over."""


def test_new_run_is_read_back(runs: RunStore):
    """A run reads as it was created."""
    run = a_run(a_job_name())

    created = runs.create(run)

    assert run == created
    assert run == runs.get(run.id)


def test_run_with_payload_apart_is_read_back(runs: RunStore):
    """A payload that lies in the bucket keeps its key and its size."""
    run = a_run(a_job_name(), payload=Document(100_000, key="payloads/run_1.json"), key="order-7")

    runs.create(run)

    assert run == runs.get(run.id)


def test_unknown_run_is_not_found(runs: RunStore):
    """Reading or changing a run that does not exist says so."""
    nobody = RunId("run_" + "0" * 32)

    with pytest.raises(RunNotFound, match=nobody):
        runs.get(nobody)
    with pytest.raises(RunNotFound, match=nobody):
        runs.apply(nobody, a_change(Input.CLAIM))


def test_run_created_twice_stays_as_it_is(runs: RunStore):
    """Creating a run again does not undo what has happened to it since."""
    run = a_run(a_job_name())
    runs.create(run)
    claimed = runs.apply(run.id, a_change(Input.CLAIM))

    again = runs.create(run)

    assert claimed == again
    assert claimed == runs.get(run.id)


def test_second_run_with_a_key_is_the_first(runs: RunStore):
    """An idempotency key that is in use gives the run that holds it, as it stands."""
    job = a_job_name()
    first = runs.create(a_run(job, key="order-7"))
    claimed = runs.apply(first.id, a_change(Input.CLAIM))

    second = a_run(job, created_ms=at(1), key="order-7")
    answered = runs.create(second)

    assert claimed == answered
    with pytest.raises(RunNotFound):
        runs.get(second.id)


def test_a_run_that_exists_is_not_written_over_with_a_key(runs: RunStore):
    """Creating a run again, this time with a key, gives the run as it stands."""
    job = a_job_name()
    run = runs.create(a_run(job))
    claimed = runs.apply(run.id, a_change(Input.CLAIM))

    again = runs.create(replace(run, key="order-7"))

    assert claimed == again == runs.get(run.id)


def test_a_key_belongs_to_one_job(runs: RunStore):
    """Two jobs may use the same idempotency key."""
    first = runs.create(a_run(a_job_name(), key="order-7"))
    second = runs.create(a_run(a_job_name(), key="order-7"))

    assert first.id != second.id
    assert second == runs.get(second.id)


def test_a_key_outlives_its_runs_end(runs: RunStore):
    """A key stays in use after its run has ended, and is free again after its time."""
    job = a_job_name()
    first = runs.create(a_run(job, key="order-7"))
    runs.apply(first.id, a_change(Input.CANCEL, at(1)))

    soon = runs.create(a_run(job, created_ms=at(60), key="order-7"))
    late = runs.create(a_run(job, created_ms=at(RUN_TTL_S + 1), key="order-7"))

    assert first.id == soon.id
    assert first.id != late.id
    assert late == runs.get(late.id)


def test_of_simultaneous_runs_with_one_key_one_is_created(runs: RunStore):
    """Sixteen callers with one key at the same time get one and the same run."""
    job = a_job_name()

    created = in_parallel(lambda _: runs.create(a_run(job, key="order-7")))

    assert 1 == len({run.id for run in created})
    assert [created[0].id] == [run.id for run in runs.recent_runs(job, 50)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", Input)
def test_every_cell_of_the_state_table(runs: RunStore, state: State, what: Input):
    """In every state every input leads where the state table says, or is refused and changes nothing."""
    way = [a_change(each, at(n * AFTER_ALL)) for n, each in enumerate(WAYS[state], start=1)]
    run = let(runs, runs.create(a_run(a_job_name())), *way)
    change = a_change(what, at(9 * AFTER_ALL))

    if (state, what) in TRANSITIONS:
        after = runs.apply(run.id, change)
        assert TRANSITIONS[state, what] == after.state
        assert after == runs.get(run.id)
    else:
        with pytest.raises(StateConflict, match=f"{run.id}.*{state}") as refused:
            runs.apply(run.id, change)
        assert run == refused.value.context["run"]
        assert run == runs.get(run.id)


def test_life_of_a_run_that_succeeds(runs: RunStore):
    """From the claim to the result every step is in the record."""
    run = runs.create(a_run(a_job_name()))

    ended = let(
        runs,
        run,
        a_change(Input.CLAIM, at(1), owner="ses_a"),
        a_change(Input.START, at(2), lease_until_ms=at(32)),
        a_change(Input.RUN, at(3), lease_until_ms=at(33), log="file://mias-laptop/log"),
        a_change(Input.HEARTBEAT, at(13), lease_until_ms=at(43)),
        a_change(Input.SUCCEED, at(20), result=Document(4, inline=b"null"), exit_code=0),
    )

    attempt = Attempt(1, "live", "ses_a", at(1), T0, None, at(3), at(20), State.SUCCEEDED, exit_code=0)
    expected = replace(
        run,
        state=State.SUCCEEDED,
        owner="ses_a",
        backend="live",
        attempts=(attempt,),
        result=Document(4, inline=b"null"),
        started_ms=at(3),
        ended_ms=at(20),
        log="file://mias-laptop/log",
    )
    assert expected == ended
    assert expected == runs.get(run.id)


def test_life_of_a_run_that_is_tried_again(runs: RunStore):
    """A run given back to the queue keeps what happened, and its next attempt starts anew."""
    run = runs.create(a_run(a_job_name()))
    why = Failure("ValueError", "too wide", "Traceback ...", "narrow it")

    queued = let(
        runs,
        run,
        a_change(Input.CLAIM, at(1), owner="ses_a"),
        a_change(Input.RUN, at(2)),
        a_change(Input.REQUEUE, at(3), failure=why, exit_code=1),
    )
    failed = let(
        runs,
        run,
        a_change(Input.CLAIM, at(4), owner="ses_b"),
        a_change(Input.FAIL, at(5), failure=replace(why, message="still too wide"), exit_code=-9),
    )

    first = Attempt(1, "live", "ses_a", at(1), T0, None, at(2), at(3), State.QUEUED, why, exit_code=1)
    second_failure = replace(why, message="still too wide")
    second = Attempt(
        2, "live", "ses_b", at(4), at(3), None, None, at(5), State.FAILED, second_failure, exit_code=-9
    )
    expected = replace(run, expires_ms=at(3 + QUEUE_TTL_S), attempts=(first,), started_ms=at(2))
    assert expected == queued
    assert (first, second) == failed.attempts
    assert second_failure == failed.failure
    assert failed == runs.get(run.id)


def test_life_of_a_run_in_a_backend(runs: RunStore):
    """A run that is handed to a backend says so while it waits; its attempt knows since when."""
    run = runs.create(a_run(a_job_name(), retries=2, backoff_s=5, queue_s=600))

    submitted = runs.apply(run.id, a_change(Input.SUBMIT, at(1), owner="project:1"))
    claimed = runs.apply(
        run.id,
        a_change(Input.CLAIM, at(9), owner="project:1", backend="codebuild", bundle="0123abcd"),
    )

    expected = replace(run, backend="codebuild", submitted_id="project:1", submitted_ms=at(1))
    assert expected == submitted
    attempt = Attempt(1, "codebuild", "project:1", at(9), T0, at(1))
    assert ((attempt,), "0123abcd", "", None) == (
        claimed.attempts,
        claimed.bundle,
        claimed.submitted_id,
        claimed.submitted_ms,
    )
    assert claimed == runs.get(run.id)


def test_a_run_that_is_to_wait_cannot_be_claimed(runs: RunStore):
    """Nobody can claim a run in the pause between two attempts; its time in the queue begins after it."""
    run = runs.create(a_run(a_job_name()))
    waiting = let(
        runs,
        run,
        a_change(Input.SUBMIT, at(0), owner="project:1"),
        a_change(Input.CLAIM, at(1)),
        a_change(Input.REQUEUE, at(2), due_ms=at(30), queue_s=60),
    )

    with pytest.raises(StateConflict, match=f"{run.id}.*the pause before its next attempt is not over"):
        runs.apply(run.id, a_change(Input.CLAIM, at(29.9)))
    claimed = runs.apply(run.id, a_change(Input.CLAIM, at(30)))

    assert (at(30), at(90), None, None) == (
        waiting.due_ms,
        waiting.expires_ms,
        waiting.backend,
        waiting.submitted_ms,
    )
    assert claimed.due_ms is None
    assert (at(30), None) == (claimed.attempts[1].due_ms, claimed.attempts[1].submitted_ms)
    assert claimed == runs.get(run.id)


def test_run_that_fails_in_the_queue_has_no_attempt(runs: RunStore):
    """An end in the queue, also between two attempts, is nobody's attempt."""
    run = runs.create(a_run(a_job_name()))
    queued = let(runs, run, a_change(Input.CLAIM, at(1)), a_change(Input.REQUEUE, at(2)))

    failed = runs.apply(run.id, a_change(Input.FAIL, at(3), failure=Failure(FailureType.NO_SESSION, "none")))

    assert queued.attempts == failed.attempts
    assert Failure(FailureType.NO_SESSION, "none") == failed.failure


def test_a_hand_over_says_to_whom(runs: RunStore):
    """A hand-over without the backend's id is livejob's own fault, and nothing is written."""
    run = runs.create(a_run(a_job_name()))

    with pytest.raises(Bug):
        runs.apply(run.id, a_change(Input.SUBMIT, owner=None))

    assert run == runs.get(run.id)


def test_of_sixteen_claims_one_wins(runs: RunStore):
    """A run is claimed by one of many who try at the same time, and the others hear who."""
    run = runs.create(a_run(a_job_name()))

    outcomes = in_parallel(lambda number: attempt_to(runs, run, a_change(Input.CLAIM, owner=f"ses_{number}")))

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Run)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, StateConflict)]
    assert winner == runs.get(run.id)
    assert [winner.owner] * 15 == [loser.context["run"].owner for loser in losers]
    assert all(str(winner.owner) in loser.message for loser in losers)


def test_of_two_cancels_one_wins(runs: RunStore):
    """A queued run is cancelled once."""
    run = runs.create(a_run(a_job_name()))

    outcomes = in_parallel(lambda number: attempt_to(runs, run, a_change(Input.CANCEL, at(number))), count=2)

    assert [Run, StateConflict] == sorted((type(outcome) for outcome in outcomes), key=lambda t: t.__name__)


def test_cancel_may_be_asked_twice(runs: RunStore):
    """Asking for the end of a run leaves its state and can be repeated."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM), a_change(Input.RUN))

    asked = let(runs, run, a_change(Input.ASK_CANCEL, at(1)), a_change(Input.ASK_CANCEL, at(2)))

    assert replace(run, cancel_asked=True) == asked


def test_a_wish_to_cancel_survives_the_queue(runs: RunStore):
    """A run that goes back to the queue is still to be cancelled."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM), a_change(Input.ASK_CANCEL))

    queued = runs.apply(run.id, a_change(Input.REQUEUE))

    assert queued.cancel_asked


@pytest.mark.parametrize("what", [Input.RUN, Input.HEARTBEAT, Input.SUCCEED, Input.FAIL, Input.REQUEUE])
def test_a_word_from_an_earlier_attempt_changes_nothing(runs: RunStore, what: Input):
    """What an earlier attempt still has to say is refused, also when the owner is the same."""
    run = let(
        runs,
        runs.create(a_run(a_job_name())),
        a_change(Input.CLAIM, owner="ses_a"),
        a_change(Input.REQUEUE),
        a_change(Input.CLAIM, owner="ses_a"),
    )

    with pytest.raises(StateConflict, match="attempt 2, not 1"):
        runs.apply(run.id, a_change(what, at(1), owner="ses_a", attempt=1, lease_until_ms=at(99)))

    assert run == runs.get(run.id)


@pytest.mark.parametrize("what", [Input.RUN, Input.HEARTBEAT, Input.SUCCEED, Input.FAIL, Input.REQUEUE])
def test_a_word_from_another_session_changes_nothing(runs: RunStore, what: Input):
    """Only who holds a run may tell of it."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM, owner="ses_a"))

    with pytest.raises(StateConflict, match="ses_a holds it, not ses_b"):
        runs.apply(run.id, a_change(what, at(1), owner="ses_b", attempt=1))

    assert run == runs.get(run.id)


def test_a_heartbeat_prolongs_the_lease(runs: RunStore):
    """A heartbeat changes the lease and nothing else."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM), a_change(Input.RUN))

    after = runs.apply(run.id, a_change(Input.HEARTBEAT, at(10), lease_until_ms=at(40)))

    assert replace(run, lease_until_ms=at(40)) == after


def test_a_note_lasts_until_it_is_taken_away(runs: RunStore):
    """What a holder says of its run stays through heartbeats without a word, until an empty one."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM), a_change(Input.RUN))

    noted = runs.apply(run.id, a_change(Input.HEARTBEAT, at(1), note="paused at jobs.py:3"))
    kept = runs.apply(run.id, a_change(Input.HEARTBEAT, at(2)))
    taken_away = runs.apply(run.id, a_change(Input.HEARTBEAT, at(3), note=""))

    assert ["paused at jobs.py:3", "paused at jobs.py:3", ""] == [noted.note, kept.note, taken_away.note]
    assert taken_away == runs.get(run.id)


@pytest.mark.parametrize("end", [Input.SUCCEED, Input.REQUEUE, Input.LOSE])
def test_a_note_ends_with_the_attempt(runs: RunStore, end: Input):
    """A run that is held no more has no note."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM), a_change(Input.RUN))
    runs.apply(run.id, a_change(Input.HEARTBEAT, at(1), note="paused at jobs.py:3"))

    after = runs.apply(run.id, a_change(end, at(AFTER_ALL)))

    assert "" == after.note
    assert after == runs.get(run.id)


def test_a_run_with_a_lease_is_not_lost(runs: RunStore):
    """Whoever finds a lease over may be late: a heartbeat that came before saves the run."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM, T0))
    runs.apply(run.id, a_change(Input.HEARTBEAT, at(29), lease_until_ms=at(59)))

    with pytest.raises(StateConflict, match="lease has not run out"):
        runs.apply(run.id, a_change(Input.LOSE, at(31)))
    lost = runs.apply(run.id, a_change(Input.LOSE, at(60)))

    assert State.LOST == lost.state
    assert lost.lease_until_ms is None


def test_a_run_in_time_does_not_expire(runs: RunStore):
    """A run expires in the queue only after its time there."""
    run = runs.create(a_run(a_job_name()))

    with pytest.raises(StateConflict, match="time in the queue is not over"):
        runs.apply(run.id, a_change(Input.EXPIRE, at(QUEUE_TTL_S)))
    expired = runs.apply(run.id, a_change(Input.EXPIRE, at(QUEUE_TTL_S + 1)))

    assert State.EXPIRED == expired.state


def test_a_claim_without_a_lease_is_a_bug(runs: RunStore):
    """A claim that nobody could ever find over is not written."""
    run = runs.create(a_run(a_job_name()))

    with pytest.raises(Bug, match="lease"):
        runs.apply(run.id, Change(Input.CLAIM, T0, owner="ses_a", backend="live"))

    assert run == runs.get(run.id)


def test_a_failure_is_cut_to_what_a_record_holds(runs: RunStore):
    """A trace of a megabyte and text that is no Unicode are recorded all the same."""
    run = let(runs, runs.create(a_run(a_job_name())), a_change(Input.CLAIM))
    failure = Failure("OSError", "no file 'caf\udce9'", "x" * 1_000_000 + "the end")

    failed = runs.apply(run.id, a_change(Input.FAIL, failure=failure))

    assert failed.failure is not None
    assert r"no file 'caf\udce9'" == failed.failure.message
    assert TRACE_CHARS == len(failed.failure.trace)
    assert failed.failure.trace.endswith("the end")
    assert failed == runs.get(run.id)


def test_open_runs_are_those_that_have_not_ended(runs: RunStore):
    """The open runs of a job come oldest first; ended ones and those of other jobs are not among them."""
    job = a_job_name()
    queued, running, ended, again = (runs.create(a_run(job, created_ms=at(n))) for n in (3, 1, 2, 0))
    runs.create(a_run(a_job_name()))
    running = let(runs, running, a_change(Input.CLAIM), a_change(Input.RUN))
    let(runs, ended, a_change(Input.CANCEL))
    again = let(runs, again, a_change(Input.CLAIM), a_change(Input.REQUEUE))

    assert [again, running, queued] == runs.open_runs(job)


def test_open_runs_of_all_jobs_come_together(runs: RunStore):
    """Whoever sweeps a stage finds what has not ended, of whichever job, oldest first."""
    one, other, ended = (runs.create(a_run(a_job_name(), created_ms=at(n))) for n in (2, 1, 0))
    let(runs, ended, a_change(Input.CANCEL))

    found = [run for run in runs.all_open_runs() if run.id in (one.id, other.id, ended.id)]

    assert [other, one] == found


def test_recent_runs_come_newest_first(runs: RunStore):
    """A job's runs come newest first, open or not, as many as asked for."""
    job = a_job_name()
    made = [runs.create(a_run(job, created_ms=at(n))) for n in (2, 0, 1)]
    ended = runs.apply(made[2].id, a_change(Input.CANCEL))

    assert [made[0], ended, made[1]] == runs.recent_runs(job, 10)
    assert [made[0], ended] == runs.recent_runs(job, 2)


def test_many_open_runs_are_all_found(runs: RunStore):
    """More runs than one batch of reads holds come complete and in order."""
    job = a_job_name()
    made = [runs.create(a_run(job, created_ms=at(n))) for n in range(120)]

    assert made == runs.open_runs(job)


def in_parallel(act, count: int = 16) -> list:
    """`act(0)` to `act(count - 1)`, all at the same time; what they return."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))


def attempt_to(runs: RunStore, run: Run, change: Change) -> Run | StateConflict:
    """The run after the change, or the refusal."""
    try:
        return runs.apply(run.id, change)
    except StateConflict as refused:
        return refused
