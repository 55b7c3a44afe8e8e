"""Asking a stub for the end of a run, and for where it stands."""

from __future__ import annotations

import pytest

from livejob.errors import AwsUnreachable
from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Change, Document, Run
from livejob.stub_lambda.backend import Order
from livejob.stub_lambda.invoker import Refused
from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES, RESULT_URL_S
from livejob.wire.messages import Cancel
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State
from tests.support.runs import a_change, a_run, at, let
from tests.support.stub_world import StubWorld, failing_with


def a_world_with(*changes: Change, **fields) -> tuple[StubWorld, Run]:
    """A stage with one run to which all that has happened."""
    world = StubWorld()
    run = let(world.runs, world.runs.create(a_run(**fields)), *changes)
    return world, run


@pytest.mark.parametrize("name", ["runId", "jobId"])
def test_a_queued_run_is_cancelled_at_once(name: str):
    """A run that nobody has is over as soon as somebody says so."""
    world, run = a_world_with()

    answer = world.ask({"action": "cancel", name: run.id})

    assert {"runId": run.id, "status": "CANCELLED"} == answer
    assert FailureType.CANCELLED == world.runs.get(run.id).failure.type
    assert [] == world.rung


def test_a_running_run_is_asked_to_end():
    """Whoever has the run is told, in the record and by the bell; the run is not over yet."""
    world = StubWorld()
    session = world.attach()
    run = let(
        world.runs, world.runs.create(a_run()), a_change(Input.CLAIM, owner=session.id), a_change(Input.RUN)
    )

    answer = world.ask({"action": "cancel", "runId": run.id})

    assert {"runId": run.id, "status": "RUNNING"} == answer
    assert world.runs.get(run.id).cancel_asked
    assert [(session.id, Cancel(run.id))] == world.rung


def test_the_wish_is_recorded_though_the_bell_fails():
    """The record carries the wish; that nobody could be rung is in the log."""
    world = StubWorld()
    session = world.attach(failing_with(AwsUnreachable("no answer")))
    run = let(world.runs, world.runs.create(a_run()), a_change(Input.CLAIM, owner=session.id))

    answer = world.ask({"action": "cancel", "runId": run.id})

    assert "CLAIMED" == answer["status"]
    assert world.runs.get(run.id).cancel_asked
    assert [f"{session.id} could not be rung: no answer"] == world.log[0]["troubles"]


def test_a_run_that_has_ended_stays_as_it_is():
    """Cancelling what is over is no error."""
    world, run = a_world_with(a_change(Input.CLAIM), a_change(Input.SUCCEED))

    assert {"runId": run.id, "status": "SUCCEEDED"} == world.ask({"action": "cancel", "runId": run.id})
    assert run == world.runs.get(run.id)


def test_a_run_that_is_claimed_while_it_is_cancelled():
    """When somebody takes the run at that moment, that one is told."""

    class ClaimedMeanwhile(MemoryRunStore):
        def apply(self, run_id: RunId, change: Change) -> Run:
            if change.input is Input.CANCEL:
                super().apply(run_id, a_change(Input.CLAIM))
            return super().apply(run_id, change)

    world = StubWorld()
    world.runs = ClaimedMeanwhile()
    run = world.runs.create(a_run())

    answer = world.ask({"action": "cancel", "runId": run.id})

    assert "CLAIMED" == answer["status"]
    assert world.runs.get(run.id).cancel_asked
    assert [("ses_a", Cancel(run.id))] == world.rung


@pytest.mark.parametrize(("is_container", "stopped"), [(True, ["build:1"]), (False, [])])
def test_only_a_command_that_runs_is_stopped(is_container: bool, stopped: list[str]):
    """A function reads the wish and cleans up; a command in an image cannot, so its build is stopped."""
    claim = a_change(Input.CLAIM, owner="build:1", backend="codebuild")
    world, run = a_world_with(claim, a_change(Input.RUN), is_container=is_container)
    world.backend.orders["build:1"] = Order(run.id, 1, run.job)

    answer = world.ask({"action": "cancel", "runId": run.id})

    assert {"runId": run.id, "status": "RUNNING"} == answer
    assert stopped == world.backend.stopped


def test_status_of_a_run_that_waits():
    """A run that nobody has is told with what is known of it."""
    world, run = a_world_with()

    expected = {
        "runId": run.id,
        "job": "Resize",
        "status": "QUEUED",
        "attempt": 0,
        "backend": None,
        "createdMs": run.created_ms,
        "startedMs": None,
        "endedMs": None,
        "failure": None,
        "log": "",
        "leaseOver": False,
    }
    assert expected == world.ask({"action": "status", "runId": run.id})


def test_status_of_a_run_that_succeeded():
    """A small result comes with the status."""
    world, run = a_world_with(
        a_change(Input.CLAIM, at(1)),
        a_change(Input.RUN, at(2), log="file://mias-laptop/log"),
        a_change(Input.SUCCEED, at(3), result=Document(13, inline=b'{"width":300}')),
    )

    expected = {
        "runId": run.id,
        "job": "Resize",
        "status": "SUCCEEDED",
        "attempt": 1,
        "backend": "live",
        "createdMs": run.created_ms,
        "startedMs": at(2),
        "endedMs": at(3),
        "failure": None,
        "log": "file://mias-laptop/log",
        "leaseOver": False,
        "result": {"width": 300},
    }
    assert expected == world.ask({"action": "status", "runId": run.id})


@pytest.mark.parametrize(("data", "value"), [(b"null", None), (b"0", 0), (b"false", False), (b'""', "")])
def test_a_result_that_is_false_is_there(data: bytes, value: object):
    """A result that Python takes for false is told as it is."""
    world, run = a_world_with(
        a_change(Input.CLAIM), a_change(Input.SUCCEED, result=Document(len(data), inline=data))
    )

    answer = world.ask({"action": "status", "runId": run.id})

    assert value == answer["result"]
    assert type(value) is type(answer["result"])


def test_a_large_result_is_linked():
    """A result that lies apart is told by a link that works for a while."""
    world = StubWorld()
    run = world.runs.create(a_run())
    result = world.documents.store("results", run.id, b" " * (INLINE_DOCUMENT_BYTES + 1))
    let(world.runs, run, a_change(Input.CLAIM), a_change(Input.SUCCEED, result=result))

    answer = world.ask({"action": "status", "runId": run.id})

    assert f"memory:///results/{run.id}.json?expires={RESULT_URL_S}" == answer["resultUrl"]
    assert "result" not in answer


def test_status_of_a_run_that_failed():
    """A failure is told with all that is recorded of it."""
    failure = Failure("ValueError", "too wide", "Traceback ...", "narrow it")
    world, run = a_world_with(a_change(Input.CLAIM), a_change(Input.FAIL, failure=failure))

    answer = world.ask({"action": "status", "runId": run.id})

    expected = {"type": "ValueError", "message": "too wide", "trace": "Traceback ...", "remedy": "narrow it"}
    assert expected == answer["failure"]
    assert "FAILED" == answer["status"]
    assert "result" not in answer


def test_status_of_a_run_whose_owner_is_silent():
    """A lease that is over is told; the state is what is recorded."""
    world, run = a_world_with(a_change(Input.CLAIM), a_change(Input.RUN))
    world.clock.advance(3600)

    answer = world.ask({"action": "status", "runId": run.id})

    assert ("RUNNING", True) == (answer["status"], answer["leaseOver"])


@pytest.mark.parametrize("action", ["status", "cancel"])
def test_an_unknown_run_is_an_error(action: str):
    """A run that does not exist is said so."""
    nobody = "run_" + "0" * 32

    with pytest.raises(Refused, match=f"^LJ-301: .*{nobody}"):
        StubWorld().ask({"action": action, "runId": nobody})


@pytest.mark.parametrize("action", ["status", "cancel"])
def test_a_run_of_another_job_is_none_of_its_business(action: str):
    """Who may invoke one job's invoker learns and changes nothing of another job's runs."""
    world, run = a_world_with(job="Ship")

    with pytest.raises(Refused, match=f"^LJ-301: there is no run {run.id} of Resize"):
        world.ask({"action": action, "runId": run.id})

    assert State.QUEUED == world.runs.get(run.id).state
