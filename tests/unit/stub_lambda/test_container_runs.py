"""Runs of container jobs, of which only their executions' beginnings and ends are known."""

from __future__ import annotations

import pytest

from livejob.runs.model import Document, Run
from livejob.stub_lambda.backend import BuildEnd, Trouble
from livejob.stub_lambda.sweeping import OVERDUE_S
from livejob.wire.outcome import FailureType
from livejob.wire.states import Input, State
from tests.support.reconciler_world import LOG, ReconcilerWorld
from tests.support.runs import a_change

NO_IMAGE = Trouble("PROVISIONING", "FAILED", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "no such image")
TOO_LONG = Trouble("BUILD", "TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out. ")


def exit_status(code: int, phase: str = "BUILD") -> Trouble:
    """As CodeBuild tells of a command that did not end with 0."""
    message = f"Error while executing command: sh x. Reason: exit status {code}"
    return Trouble(phase, "FAILED", "COMMAND_EXECUTION_ERROR", message)


@pytest.fixture
def world() -> ReconcilerWorld:
    return ReconcilerWorld()


def begun(world: ReconcilerWorld, **fields: object) -> Run:
    """A run whose execution has begun."""
    run = world.begin(world.submitted(is_container=True, **fields))
    assert run is not None
    return run


def test_payload_goes_with_the_order(world: ReconcilerWorld):
    """The backend gets the payload of a container job, because no runner is there to fetch it."""
    container, function = world.submitted(is_container=True), world.submitted()

    orders = [world.backend.orders[each.submitted_id] for each in (container, function)]

    assert [container.payload, None] == [each.payload for each in orders]


def test_a_beginning_is_recorded(world: ReconcilerWorld):
    """The run is RUNNING, its execution's, with log and image; the lease lasts as long as it may run."""
    run = world.submitted(is_container=True)

    after = world.begin(run)

    assert after is not None
    assert (State.RUNNING, run.submitted_id, "codebuild") == (after.state, after.owner, after.backend)
    assert (LOG, "image:0", world.clock.now_ms()) == (after.log, after.bundle, after.started_ms)
    assert not after.is_lease_over(world.clock.now_ms() + 3_600_000)
    assert after.is_lease_over(world.clock.now_ms() + 2 * 3_600_000)


@pytest.mark.parametrize("is_begun", [True, False])
@pytest.mark.parametrize(
    ("status", "trouble", "expected"),
    [
        ("SUCCEEDED", None, (State.SUCCEEDED, None, 0)),
        ("FAILED", exit_status(3), (State.FAILED, FailureType.COMMAND_FAILED, 3)),
        ("FAILED", exit_status(137), (State.FAILED, FailureType.OUT_OF_MEMORY, 137)),
        ("FAILED", exit_status(127, "PRE_BUILD"), (State.FAILED, FailureType.BUILD_FAILED, None)),
        ("FAILED", NO_IMAGE, (State.FAILED, FailureType.IMAGE_PULL_FAILED, None)),
        ("FAILED", TOO_LONG, (State.TIMED_OUT, FailureType.TIMED_OUT, None)),
        ("STOPPED", None, (State.FAILED, FailureType.BUILD_STOPPED, None)),
        ("FAULT", None, (State.FAILED, FailureType.BUILD_FAILED, None)),
    ],
)
def test_an_end_is_recorded(
    world: ReconcilerWorld, is_begun: bool, status, trouble: Trouble | None, expected
):
    """State, failure and exit code are the command's, also when its end is told of before its beginning."""
    run = begun(world) if is_begun else world.submitted(is_container=True)

    after = world.end(run, status, *([trouble] if trouble else []))

    assert after is not None
    [attempt] = after.attempts
    assert expected == (attempt.state, after.failure and after.failure.type, attempt.exit_code)
    assert (attempt.state, LOG) == (after.state, after.log)


def test_a_command_has_null_as_its_result(world: ReconcilerWorld):
    """A run that succeeded has a result, as that of a function that returns nothing."""
    after = world.end(begun(world), "SUCCEEDED")

    assert after is not None
    assert Document(4, inline=b"null") == after.result


def test_a_beginning_that_was_not_told_of_is_made_up_for(world: ReconcilerWorld):
    """When the end comes first, the run has run for as long as CodeBuild says that its commands did."""
    run = world.submitted(is_container=True)
    world.clock.advance(60)

    after = world.end(run, "SUCCEEDED", busy_s=20)

    assert after is not None
    assert after.started_ms == world.clock.now_ms() - 20_000
    assert "image:0" == after.bundle


def test_words_that_come_late_or_twice_change_nothing(world: ReconcilerWorld):
    """The end counts, whatever is told of afterwards."""
    run = begun(world)
    ended = world.end(run, "FAILED", exit_status(3))

    later = [world.begin(run), world.end(run, "SUCCEEDED"), world.begin(run)]

    assert [ended] * 3 == later


def test_an_end_that_meets_its_beginning_is_recorded(world: ReconcilerWorld):
    """Both events of a short command are taken at the same time: whichever writes first, the run ends."""
    run = world.submitted(is_container=True)
    world.runs.before_next_change = lambda: world.begin(run)

    after = world.end(run, "SUCCEEDED", busy_s=0)

    assert after is not None
    assert State.SUCCEEDED == after.state
    assert 1 == after.attempt_number


def test_an_execution_without_a_run_is_stopped(world: ReconcilerWorld):
    """The run was cancelled while its execution was being started: the command must not go on."""
    run = world.submitted(is_container=True)
    world.runs.apply(run.id, a_change(Input.CANCEL))

    after = world.begin(run)

    assert after is not None
    assert State.CANCELLED == after.state
    assert [run.submitted_id] == world.backend.stopped


def test_a_second_execution_of_an_attempt_is_stopped(world: ReconcilerWorld):
    """The first one that begins has the run."""
    run = begun(world)
    second = "livejob-shop-prod_Resize:2"

    world.begin(run, build=second)

    assert [f"{second} has no run to execute, and is stopped"] == world.troubles
    assert run.owner == world.runs.get(run.id).owner


def test_a_function_speaks_for_itself(world: ReconcilerWorld):
    """The beginning of a build that has a runner is nobody's business."""
    run = world.submitted()

    after = world.begin(run)

    assert run == after
    assert [] == world.backend.stopped


def test_a_cancelled_command_is_cancelled(world: ReconcilerWorld):
    """An execution that was stopped after a cancel ends a cancelled run."""
    run = begun(world, retries=1)
    world.runs.apply(run.id, a_change(Input.ASK_CANCEL))

    after = world.end(run, "STOPPED")

    assert after is not None
    assert State.CANCELLED == after.state


def test_a_command_that_was_done_before_the_cancel_has_succeeded(world: ReconcilerWorld):
    """A cancel that comes too late changes nothing."""
    run = begun(world)
    world.runs.apply(run.id, a_change(Input.ASK_CANCEL))

    after = world.end(run, "SUCCEEDED")

    assert after is not None
    assert State.SUCCEEDED == after.state


def test_a_command_that_failed_is_tried_again(world: ReconcilerWorld):
    """The next attempt begins with the payload too, and the record has both exit codes."""
    run = begun(world, retries=1, backoff_s=1)

    again = world.end(run, "FAILED", exit_status(3))
    assert again is not None
    world.begin(again, attempt=2)
    after = world.end(again, "SUCCEEDED", attempt=2)

    assert after is not None
    assert (State.SUCCEEDED, [3, 0]) == (after.state, [each.exit_code for each in after.attempts])
    assert run.payload == world.backend.orders[again.submitted_id].payload


def test_an_end_of_which_no_event_tells_is_swept(world: ReconcilerWorld):
    """No heartbeat comes from a command, so its build is asked about although its lease goes on."""
    run = begun(world)
    world.backend.ends[str(run.owner)] = BuildEnd(str(run.owner), "FAILED", (exit_status(3),), LOG)

    [swept] = world.sweep()

    assert (State.FAILED, 3) == (swept.after.state, swept.after.attempts[0].exit_code)


def test_a_command_that_goes_on_is_left_alone_by_a_sweep(world: ReconcilerWorld):
    """Also when the word of its beginning was lost, and its time in the queue seems to be over."""
    begun(world)
    silent = world.submitted(is_container=True, expires_ms=world.clock.now_ms() + 1000)
    world.clock.advance(OVERDUE_S + 1)

    assert [] == world.sweep()
    assert State.QUEUED == world.runs.get(silent.id).state
