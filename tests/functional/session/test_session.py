"""A session takes runs, executes them on this machine and records what came of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from livejob.clock import EpochMs
from livejob.errors import SessionHeld
from livejob.local_runner.events import (
    JobsChanged,
    RunEnded,
    SourceMended,
    SourceProblem,
    SourceSaved,
    Stopping,
)
from livejob.runs.model import Change
from livejob.wire.messages import Start
from livejob.wire.states import Input, State
from tests.support.runs import a_change, let
from tests.support.sessions import LiveSession, Stage, live_session

JOBS = """
import os, time
from pathlib import Path
from livejob import JobCancelled, job

@job
def greet(payload):
    print("hello", payload["name"])
    return {"greeting": f"hello {payload['name']}"}

@job
def fail(payload):
    raise ValueError("no such album")

@job(timeout="1 second")
def too_long(payload):
    print("begun")
    time.sleep(60)

@job
def wait_for_file(payload):
    print("begun")
    while not Path(payload["path"]).exists():
        time.sleep(0.005)
    return answer()

def answer():
    return "old"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(JOBS)
    return source


async def test_a_run_is_executed_and_recorded(app: Path):
    """A run that the bridge announces ends SUCCEEDED, with result, output and times."""
    async with live_session(app) as session:
        run = await session.wait_ended(session.call("Greet", {"name": "Mia"}))

        assert State.SUCCEEDED == run.state
        assert {"greeting": "hello Mia"} == session.result(run)
        assert "hello Mia\n" == session.output(run.id)
        assert run.log.startswith("file://")
        assert run.started_ms is not None and run.ended_ms is not None


async def test_a_handler_that_raises_is_recorded_with_its_trace(app: Path):
    """The exception's class, text and the user's own frames are in the record."""
    async with live_session(app) as session:
        run = await session.wait_ended(session.call("Fail"))

        assert State.FAILED == run.state
        assert run.failure is not None
        assert ("ValueError", "no such album") == (run.failure.type, run.failure.message)
        assert "jobs.py" in run.failure.trace


async def test_a_run_that_fails_is_tried_again(app: Path):
    """With retries left the session makes the next attempt itself, after the pause."""
    stage = Stage()
    run_id = stage.queue("Fail", retries=1, backoff_s=0)
    async with live_session(app, stage) as session:
        run = await session.wait_ended(run_id)

    assert State.FAILED == run.state
    assert [State.QUEUED, State.FAILED] == [attempt.state for attempt in run.attempts]
    assert {"ValueError"} == {attempt.failure.type for attempt in run.attempts if attempt.failure}


async def test_a_run_between_two_attempts_is_taken_when_it_is_due(app: Path):
    """A session that attaches in the pause before a retry takes the run when that is over."""
    stage = Stage()
    run_id = stage.queue("Greet", {"name": "Mia"})
    now_ms = stage.clock.now_ms()
    let(
        stage.runs,
        stage.runs.get(run_id),
        a_change(Input.CLAIM, now_ms),
        a_change(Input.REQUEUE, now_ms, due_ms=now_ms + 1000),
    )
    async with live_session(app, stage) as session:
        run = await session.wait_ended(run_id)

    assert State.SUCCEEDED == run.state
    assert run.attempts[1].claimed_ms >= now_ms + 1000


async def test_a_run_beyond_its_timeout_is_stopped(app: Path):
    """A run that takes longer than its timeout ends TIMED_OUT and says which timeout."""
    async with live_session(app) as session:
        run = await session.wait_ended(session.call("TooLong"))

        assert State.TIMED_OUT == run.state
        assert run.failure is not None and "timeout of 1 s" in run.failure.message


async def test_a_running_run_is_cancelled_by_a_message(app: Path, tmp_path: Path):
    """Cancel over the bridge ends the handler and records CANCELLED."""
    async with live_session(app) as session:
        run_id = session.call("WaitForFile", {"path": str(tmp_path / "never")})
        await session.wait_output(run_id, "begun")

        session.cancel(run_id)

        assert State.CANCELLED == (await session.wait_ended(run_id)).state


async def test_a_run_whose_announcement_was_lost_is_found(app: Path):
    """A run that was queued while nobody heard is taken when the session comes up."""
    stage = Stage()
    run_id = stage.queue("Greet", {"name": "Mia"})
    async with live_session(app, stage) as session:
        assert State.SUCCEEDED == (await session.wait_ended(run_id)).state


async def test_a_run_announced_twice_runs_once(app: Path):
    """A doubled message starts one attempt."""
    async with live_session(app) as session:
        session.stage.hub.duplicate_next(3)
        run_id = session.call("Greet", {"name": "Mia"})
        again = session.call("Greet", {"name": "Kim"})

        runs = [await session.wait_ended(each) for each in (run_id, again)]

        assert [1, 1] == [run.attempt_number for run in runs]
        assert 2 == len(session.witness.of(RunEnded))


async def test_what_was_missed_while_the_bridge_was_down_is_swept(app: Path):
    """A run queued during an outage is taken when the bridge is up again."""
    async with live_session(app) as session:
        session.stage.hub.cut(session.me.id)
        run_id = session.stage.queue("Greet", {"name": "Mia"})

        session.stage.hub.mend(session.me.id)

        assert State.SUCCEEDED == (await session.wait_ended(run_id)).state


async def test_a_command_that_a_build_is_to_run_is_left_to_it(app: Path):
    """A function's build finds that a session was faster; a container job's cannot."""
    stage = Stage()
    ids = [stage.queue("Greet", {"name": "Mia"}, is_container=is_container) for is_container in (True, False)]
    for run_id in ids:
        stage.runs.apply(run_id, a_change(Input.SUBMIT))
    async with live_session(app, stage) as session:
        taken = await session.wait_ended(ids[1])

        assert [State.QUEUED, State.SUCCEEDED] == [stage.runs.get(ids[0]).state, taken.state]


async def test_a_run_that_waited_too_long_expires(app: Path):
    """A queued run past its time is EXPIRED, not executed."""
    stage = Stage()
    run_id = stage.queue("Greet", {"name": "Mia"}, expires_ms=1)
    async with live_session(app, stage) as session:
        run = await session.wait_ended(run_id)

        assert State.EXPIRED == run.state
        assert 0 == run.attempt_number


async def test_a_run_whose_holder_fell_silent_is_lost(app: Path):
    """A run held by a session whose lease is over becomes LOST at the next session's sweep."""
    stage = Stage()
    run_id = stage.queue("Greet", {"name": "Mia"})
    claim = Change(Input.CLAIM, EpochMs(1), owner="ses_dead", backend="live", lease_until_ms=EpochMs(2))
    stage.runs.apply(run_id, claim)
    async with live_session(app, stage) as session:
        run = await session.wait_ended(run_id)

        assert State.LOST == run.state
        assert run.failure is not None and "LeaseExpired" == run.failure.type


async def test_the_next_run_has_the_saved_code(app: Path, tmp_path: Path):
    """After a save the next run answers with the new code; a run in flight keeps the old."""
    async with live_session(app) as session:
        go = tmp_path / "go"
        old_id = session.call("WaitForFile", {"path": str(go)})
        await session.wait_output(old_id, "begun")
        (app / "jobs.py").write_text(JOBS.replace('"old"', '"new"'))
        await session.witness.wait_event(SourceSaved)
        go.touch()

        new = await session.wait_ended(session.call("WaitForFile", {"path": str(go)}))
        old = await session.wait_ended(old_id)

        assert ["old", "new"] == [session.result(old), session.result(new)]


async def test_a_syntax_error_is_shown_at_the_save_and_recorded_by_a_run(app: Path):
    """The save shows file, line and caret; a run fails by name; mending is said."""
    async with live_session(app) as session:
        (app / "jobs.py").write_text(JOBS + "\ndef broken(:\n")
        problem = await session.witness.wait_event(SourceProblem)
        run = await session.wait_ended(session.call("Greet", {"name": "Mia"}))
        (app / "jobs.py").write_text(JOBS)
        await session.witness.wait_event(SourceMended)
        mended = await session.wait_ended(session.call("Greet", {"name": "Mia"}))

        assert f"jobs.py:{JOBS.count(chr(10)) + 2}" == problem.where
        assert "^" in problem.detail
        assert run.failure is not None and "HandlerSyntaxError" == run.failure.type
        assert State.SUCCEEDED == mended.state


async def test_a_changed_timeout_takes_effect_with_the_next_attempt(app: Path):
    """Settings of a job follow a save without a restart; a new job is a deployment's business."""
    async with live_session(app) as session:
        text = JOBS.replace('"1 second"', '"2 seconds"') + "\n@job\ndef more(payload): ...\n"
        (app / "jobs.py").write_text(text)

        changed = await session.witness.wait_event(JobsChanged)

        assert ["TooLong"] == list(changed.applied)


async def test_runs_beyond_the_cap_wait_and_go_back_to_the_queue_at_the_end(app: Path, tmp_path: Path):
    """With a cap of one the second run waits; at the session's end it is QUEUED again, the first FAILED."""
    async with live_session(app, changes={"concurrency": 1}) as session:
        first = session.call("WaitForFile", {"path": str(tmp_path / "never")})
        await session.wait_output(first, "begun")
        second = session.call("WaitForFile", {"path": str(tmp_path / "never")})
        await session.wait_run(second, lambda run: run.state is State.CLAIMED)

        await session.stop()

        runs = [session.stage.runs.get(each) for each in (first, second)]
        assert [State.FAILED, State.QUEUED] == [run.state for run in runs]
        assert runs[0].failure is not None and "SessionStopped" == runs[0].failure.type
        assert [1] == [event.returned for event in session.witness.of(Stopping)]
        assert [] == list(session.stage.sessions.live(session.stage.clock.now_ms()))


async def test_a_run_that_ends_within_the_drain_succeeds(app: Path, tmp_path: Path):
    """Stopping lets running attempts finish for the drain's time."""
    async with live_session(app, drain_s=30) as session:
        go = tmp_path / "go"
        run_id = session.call("WaitForFile", {"path": str(go)})
        await session.wait_output(run_id, "begun")
        session.daemon.stop()
        await session.witness.wait_event(Stopping)

        go.touch()
        await session.serving

        assert State.SUCCEEDED == session.stage.runs.get(run_id).state


async def test_a_second_session_of_the_same_developer_is_told_who_holds_the_stage(app: Path):
    """Two starts on one stage: the second names owner, host and process, and offers to take over."""
    async with live_session(app) as session:
        with pytest.raises(SessionHeld) as caught:
            async with live_session(app, session.stage, me=session.stage.session(pid=1, host="laptop")):
                pass

        assert f"mia is attached to this stage already: desk, process {os.getpid()}" in str(caught.value)
        assert "--takeover" in caught.value.remedy


async def test_a_takeover_ends_the_older_session(app: Path):
    """With takeover the new session has the stage and the old one drains and ends."""
    async with live_session(app) as old:
        me = old.stage.session(host="laptop")
        async with live_session(app, old.stage, me=me, is_takeover=True) as new:
            await old.serving

            run = await new.wait_ended(new.call("Greet", {"name": "Mia"}))

            assert me.id == run.owner or me.id == run.attempts[-1].owner
            assert ["taken over"] == [event.reason for event in old.witness.of(Stopping)]


async def test_the_session_of_a_dead_process_is_replaced_without_asking(app: Path):
    """After kill -9 the next start on the same machine needs no takeover."""
    stage = Stage()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    stage.sessions.attach(stage.session(pid=child))
    async with live_session(app, stage) as session:
        live = session.stage.sessions.live(session.stage.clock.now_ms())

        assert [session.me.id] == [each.id for each in live]


async def test_a_worker_that_is_killed_fails_its_run_by_name(app: Path, tmp_path: Path):
    """A worker that goes away under an attempt gives FAILED WorkerFailed; the next run has a new one."""
    async with live_session(app) as session:
        run_id = session.call("WaitForFile", {"path": str(tmp_path / "never")})
        await session.wait_output(run_id, "begun")
        os.kill(_supervisor(), signal.SIGKILL)
        run = await session.wait_ended(run_id)

        after = await session.wait_ended(session.call("Greet", {"name": "Mia"}))

        assert run.failure is not None and "WorkerFailed" == run.failure.type
        assert State.SUCCEEDED == after.state


async def test_a_message_for_a_job_that_is_not_here_is_left_alone(app: Path):
    """A run of an unknown job stays QUEUED for a session that knows it."""
    async with live_session(app) as session:
        run_id = session.stage.queue("Elsewhere")
        session.stage.hub.ring(session.me.id, Start(run_id, "Elsewhere"))
        await _round_trip(session)

        assert State.QUEUED == session.stage.runs.get(run_id).state


async def _round_trip(session: LiveSession) -> None:
    """Until all that was rung before has been heard."""
    await session.wait_ended(session.call("Greet", {"name": "Mia"}))


def _supervisor() -> int:
    """The pid of the one supervisor that this process has started."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    [pid] = [pid for pid in children if b"supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return int(pid)
