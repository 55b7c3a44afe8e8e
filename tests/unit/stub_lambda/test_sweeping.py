"""The scheduled sweep: runs whose end no event has told, among the stores in memory."""

from __future__ import annotations

import pytest

from livejob.clock import EpochMs
from livejob.runs.model import Run
from livejob.stub_lambda.backend import BuildEnd, Trouble
from livejob.stub_lambda.sweeping import LOST_AFTER_S, OVERDUE_S
from livejob.wire.limits import LEASE_S
from livejob.wire.states import Input, State
from tests.support.reconciler_world import ReconcilerWorld
from tests.support.runs import a_change, a_run


@pytest.fixture
def world() -> ReconcilerWorld:
    return ReconcilerWorld()


def running(world: ReconcilerWorld, **fields: object) -> Run:
    """A run that its execution has, until its lease runs out."""
    run = world.submitted(**fields)
    now_ms = world.clock.now_ms()
    claim = a_change(
        Input.CLAIM,
        now_ms,
        owner=run.submitted_id,
        backend="codebuild",
        lease_until_ms=EpochMs(now_ms + round(LEASE_S * 1000)),
    )
    return world.runs.apply(run.id, claim)


def ended(world: ReconcilerWorld, run: Run) -> None:
    """Its execution has ended, and nobody has heard of it."""
    execution = run.submitted_id or str(run.owner)
    world.backend.ends[execution] = BuildEnd(execution, "FAILED", (Trouble("BUILD", "FAILED", "", "gone"),))


def test_nothing_is_done_where_all_is_well(world: ReconcilerWorld):
    """Runs that wait for their build, or whose heartbeats come, are left alone."""
    world.submitted()
    running(world)

    assert [] == world.sweep()


def test_run_whose_execution_never_began_is_closed(world: ReconcilerWorld):
    """The event of a build that got no machine was lost: the run fails by the build's own reason."""
    run = world.submitted()
    ended(world, run)
    world.clock.advance(OVERDUE_S + 1)

    [swept] = world.sweep()

    assert (State.QUEUED, State.FAILED) == (swept.before.state, swept.after.state)
    assert swept.after.failure is not None
    assert "BuildFailed" == swept.after.failure.type


def test_run_whose_execution_died_is_closed(world: ReconcilerWorld):
    """Its lease is over and its build has ended: the run does not wait for ever."""
    run = running(world)
    ended(world, run)
    world.clock.advance(LEASE_S + 1)

    [swept] = world.sweep()

    assert State.FAILED == swept.after.state


def test_retry_is_made_by_a_later_sweep(world: ReconcilerWorld):
    """A sweep waits for no pause: it gives the run back, and once it is overdue hands it over."""
    run = running(world, retries=1, backoff_s=30)
    ended(world, run)
    world.clock.advance(LEASE_S + 1)

    [first] = world.sweep()
    again = world.sweep()
    world.clock.advance(30 + OVERDUE_S + 1)
    [second] = world.sweep()

    assert (State.QUEUED, "") == (first.after.state, first.after.submitted_id)
    assert [] == again
    assert f"memory_{run.job}:{run.id}-2" == second.after.submitted_id
    assert 0.0 == world.slept_s


def test_run_of_a_silent_holder_is_lost_after_long(world: ReconcilerWorld):
    """A build that goes on without a word is stopped, so that nothing comes of it later."""
    run = running(world)
    world.clock.advance(LEASE_S + 1)
    early = world.sweep()
    world.clock.advance(LOST_AFTER_S)

    [swept] = world.sweep()

    assert [] == early
    assert State.LOST == swept.after.state
    assert [run.owner] == world.backend.stopped


def test_run_of_a_session_that_vanished_is_lost(world: ReconcilerWorld):
    """A developer's machine that never came back holds no run for ever; the backend is not asked."""
    run = world.runs.create(a_run(created_ms=world.clock.now_ms()))
    now_ms = world.clock.now_ms()
    lease_ms = EpochMs(now_ms + round(LEASE_S * 1000))
    world.runs.apply(run.id, a_change(Input.CLAIM, now_ms, owner="ses_1", lease_until_ms=lease_ms))
    world.clock.advance(LEASE_S + LOST_AFTER_S + 1)

    [swept] = world.sweep(takes_all=False)

    assert State.LOST == swept.after.state
    assert [] == world.backend.stopped


def test_run_that_nobody_was_asked_for_is_handed_over(world: ReconcilerWorld):
    """An invoker that died between record and build leaves a run behind: in production a build takes it."""
    run = world.runs.create(a_run(created_ms=world.clock.now_ms()))
    world.clock.advance(OVERDUE_S + 1)

    [swept] = world.sweep()

    assert (State.QUEUED, f"memory_{run.job}:{run.id}-1") == (swept.after.state, swept.after.submitted_id)


def test_run_that_waits_for_a_session_goes_on_waiting(world: ReconcilerWorld):
    """In a development stage a run may wait for its developer."""
    world.runs.create(a_run(created_ms=world.clock.now_ms()))
    world.clock.advance(OVERDUE_S + 1)

    assert [] == world.sweep(takes_all=False)


def test_run_that_has_waited_too_long_is_expired(world: ReconcilerWorld):
    """Where no session is attached, nobody else would say so."""
    run = world.runs.create(a_run(created_ms=world.clock.now_ms()))
    world.clock.advance((run.expires_ms - world.clock.now_ms()) / 1000 + 1)

    [swept] = world.sweep(takes_all=False)

    assert State.EXPIRED == swept.after.state


def test_trouble_with_one_run_does_not_end_the_sweep(world: ReconcilerWorld):
    """The one is told, the others are mended."""
    one, other = running(world), running(world)
    ended(world, other)
    world.backend.trouble_about = str(one.owner)
    world.clock.advance(LEASE_S + 1)

    swept = world.sweep()

    assert [other.id] == [each.after.id for each in swept]
    assert [f"{one.id}: the backend is away"] == world.troubles
