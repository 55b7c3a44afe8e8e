"""Runs whose executions ended without a word: closed by name, tried again, or left alone."""

from __future__ import annotations

import pytest

from livejob.errors import BuildNotStarted
from livejob.runs.model import Run
from livejob.stub_lambda.backend import BuildEnd, Order, Trouble
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State
from tests.support.reconciler_world import ReconcilerWorld
from tests.support.runs import a_change, a_run

DEAD = Trouble("BUILD", "FAILED", "SINGLE_BUILD_CONTAINER_DEAD", "Build container found dead")
NO_IMAGE = Trouble("PROVISIONING", "FAILED", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "no such image")
NO_CODE = Trouble("DOWNLOAD_SOURCE", "FAILED", "CLIENT_ERROR", "AccessDenied")
KILLED = Trouble(
    "BUILD", "FAILED", "COMMAND_EXECUTION_ERROR", "Error while executing command: x. Reason: exit status 137"
)


@pytest.fixture
def world() -> ReconcilerWorld:
    return ReconcilerWorld()


@pytest.mark.parametrize(
    ("status", "trouble", "state", "failure"),
    [
        ("FAILED", DEAD, State.FAILED, FailureType.OUT_OF_MEMORY),
        ("FAILED", KILLED, State.FAILED, FailureType.OUT_OF_MEMORY),
        ("FAILED", NO_IMAGE, State.FAILED, FailureType.IMAGE_PULL_FAILED),
        ("FAILED", NO_CODE, State.FAILED, FailureType.SOURCE_FAILED),
        ("FAULT", None, State.FAILED, FailureType.BUILD_FAILED),
        ("STOPPED", None, State.FAILED, FailureType.BUILD_STOPPED),
        ("SUCCEEDED", None, State.FAILED, FailureType.BUILD_FAILED),
        ("TIMED_OUT", Trouble("BUILD", "TIMED_OUT", "", ""), State.TIMED_OUT, FailureType.TIMED_OUT),
        ("TIMED_OUT", Trouble("QUEUED", "TIMED_OUT", "", ""), State.FAILED, FailureType.QUEUE_EXPIRED),
    ],
)
@pytest.mark.parametrize("is_claimed", [False, True])
def test_an_open_run_is_closed_by_name(
    world: ReconcilerWorld, is_claimed: bool, status, trouble: Trouble | None, state: State, failure: str
):
    """Whatever ended the execution, before or after it took the run, has a name, a remedy and an attempt."""
    run = world.claimed() if is_claimed else world.submitted()

    after = world.end(run, status, *([trouble] if trouble else []))

    assert after is not None
    assert after.failure is not None
    assert (state, failure) == (after.state, after.failure.type)
    assert after.failure.remedy
    [attempt] = after.attempts
    assert (run.submitted_id or run.owner, state) == (attempt.owner, attempt.state)


def test_a_run_that_was_cancelled_is_cancelled(world: ReconcilerWorld):
    """An execution that ends after a cancel was asked for ends a cancelled run."""
    run = world.claimed()
    world.runs.apply(run.id, a_change(Input.ASK_CANCEL))

    after = world.end(run, "STOPPED")

    assert after is not None
    assert State.CANCELLED == after.state


def test_a_time_in_the_queue_that_is_over_expires_the_run(world: ReconcilerWorld):
    """CodeBuild's own queue timeout ends a run whose time in the queue is over."""
    run = world.submitted(expires_ms=world.clock.now_ms() + 1000)
    world.clock.advance(2)

    after = world.end(run, "TIMED_OUT", Trouble("QUEUED", "TIMED_OUT", "", ""))

    assert after is not None
    assert (State.EXPIRED, ()) == (after.state, after.attempts)


@pytest.mark.parametrize("is_claimed", [False, True])
def test_with_attempts_left_the_next_one_is_started(world: ReconcilerWorld, is_claimed: bool):
    """After its pause the run is handed over again, as the next attempt."""
    fields = {"retries": 1, "backoff_s": 60}
    run = world.claimed(**fields) if is_claimed else world.submitted(**fields)

    after = world.end(run, "FAILED", DEAD)

    assert after is not None
    assert (State.QUEUED, "codebuild") == (after.state, after.backend)
    assert 30 <= world.slept_s <= 60
    assert Order(run.id, 2, run.job) == world.backend.orders[after.submitted_id]
    assert [FailureType.OUT_OF_MEMORY] == [each.failure and each.failure.type for each in after.attempts]


def test_a_retry_that_the_runner_asked_for_is_started(world: ReconcilerWorld):
    """A runner that put its run back into the queue leaves the next attempt to whoever hears of its end."""
    run = world.claimed(retries=1)
    due_ms = world.clock.now_ms() + 20_000
    world.runs.apply(run.id, a_change(Input.REQUEUE, world.clock.now_ms(), due_ms=due_ms))

    after = world.end(run, "FAILED", build=str(run.owner))

    assert after is not None
    assert 20 == world.slept_s
    assert Order(run.id, 2, run.job) == world.backend.orders[after.submitted_id]


def test_a_run_that_is_cancelled_in_its_pause_is_not_started(world: ReconcilerWorld):
    """The record is looked at again when the pause is over."""
    run = world.claimed(retries=1)
    queued = world.runs.apply(
        run.id, a_change(Input.REQUEUE, world.clock.now_ms(), due_ms=world.clock.now_ms() + 20_000)
    )
    world.meanwhile = lambda: world.runs.apply(queued.id, a_change(Input.CANCEL))

    after = world.end(run, "FAILED", build=str(run.owner))

    assert after is not None
    assert State.CANCELLED == after.state
    assert 1 == len(world.backend.orders)


def test_an_event_that_comes_twice_changes_nothing_more(world: ReconcilerWorld):
    """The second event finds the run closed."""
    run = world.claimed()

    first = world.end(run, "FAILED", DEAD)
    second = world.end(run, "FAILED", DEAD)

    assert first == second


def test_an_event_that_comes_twice_starts_one_attempt(world: ReconcilerWorld):
    """The second event finds the next attempt handed over."""
    run = world.claimed(retries=3)

    first = world.end(run, "FAILED", DEAD)
    second = world.end(run, "FAILED", DEAD, build=str(run.owner))

    assert first == second
    assert 2 == len(world.backend.orders)


def test_a_run_that_ended_stays_as_it_is(world: ReconcilerWorld):
    """The usual end: the runner has recorded the outcome before its build ended."""
    run = world.claimed()
    ended = world.runs.apply(run.id, a_change(Input.SUCCEED))

    assert ended == world.end(run, "SUCCEEDED", build=str(run.owner))


def test_anothers_run_is_left_alone(world: ReconcilerWorld):
    """A second build for one attempt, which found nothing to do, says nothing about the run."""
    run = world.claimed()

    after = world.end(run, "SUCCEEDED", build="livejob-shop-prod_Resize:other")

    assert run == after


def test_a_run_of_a_session_is_left_alone(world: ReconcilerWorld):
    """A build whose run a session took first has ended without doing anything."""
    run = world.submitted()
    live = world.runs.apply(run.id, a_change(Input.CLAIM, world.clock.now_ms()))

    assert live == world.end(run, "SUCCEEDED")


def test_builds_of_others_are_none_of_ours(world: ReconcilerWorld):
    """A build that somebody started by hand, or whose record is gone, is said and left."""
    gone = a_run()

    started_by_hand = world.take(BuildEnd("project:1", "FAILED"), {})
    forgotten = world.end(gone, "FAILED", build="project:2")

    assert (None, None) == (started_by_hand, forgotten)
    assert [
        "project:1 was not started by livejob",
        f"there is no run {gone.id}",
    ] == world.troubles


def test_a_retry_that_the_backend_does_not_take_fails_the_run(world: ReconcilerWorld):
    """The reason is the record's, and the reconciler's log has it."""
    run: Run = world.claimed(retries=1)
    failure = Failure(FailureType.ACCOUNT_LIMIT, "too many builds", remedy="wait")
    world.backend.refusal = BuildNotStarted("too many builds", failure=failure)

    after = world.end(run, "FAILED", DEAD)

    assert after is not None
    assert (State.FAILED, failure) == (after.state, after.failure)
    assert ["too many builds"] == world.troubles
