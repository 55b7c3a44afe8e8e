"""Workers are ready before they are needed, and start while the run is claimed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from livejob.clock import EpochMs
from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Change, Run
from livejob.wire.ids import RunId
from livejob.wire.states import Input, State
from tests.support.counting_engine import CountingEngine
from tests.support.sessions import Stage, live_session

JOBS = """
import os
import time
from pathlib import Path
from livejob import job

@job
def seldom(payload):
    return None

@job
def lasting(payload):
    while not Path(payload).exists():
        time.sleep(0.01)

@job
def often(payload):
    return os.getppid()
"""

PATIENCE_S = 20.0


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "src"
    app.mkdir()
    (app / "jobs.py").write_text(JOBS)
    return app


class SlowRecord(MemoryRunStore):
    """A record in which nothing is claimed before a worker has been launched."""

    def __init__(self, is_launched: threading.Event) -> None:
        super().__init__()
        self._is_launched = is_launched

    def apply(self, run_id: RunId, change: Change) -> Run:
        if change.input is Input.CLAIM:
            assert self._is_launched.wait(PATIENCE_S), "no worker is on its way"
        return super().apply(run_id, change)


async def test_the_next_session_has_a_worker_of_a_job_that_was_used(app: Path):
    """A job that was run in the last session has its worker at the start of the next one, which takes it."""
    async with live_session(app) as session:
        await session.wait_ended(session.call("Often"))
    engine = CountingEngine()
    async with live_session(app, engine=engine) as session:
        await session.wait_until(engine.is_launched.is_set)
        run = await session.wait_ended(session.call("Often"))

    assert ["Often"] == engine.jobs
    assert State.SUCCEEDED == run.state


async def test_a_first_session_starts_no_worker(app: Path):
    """Without a run before, nothing is started before it is needed."""
    engine = CountingEngine()
    async with live_session(app, engine=engine) as session:
        await session.wait_ended(session.call("Seldom"))

    assert ["Seldom"] == engine.jobs


async def test_a_worker_starts_while_the_run_is_claimed(app: Path):
    """The launch does not wait for the claim."""
    engine = CountingEngine()
    async with live_session(app, Stage(runs=SlowRecord(engine.is_launched)), engine=engine) as session:
        run = await session.wait_ended(session.call("Often"))

    assert (State.SUCCEEDED, ["Often"]) == (run.state, engine.jobs)


async def test_another_worker_stands_ready_while_a_run_lasts(app: Path, tmp_path: Path):
    """A second run at the same time takes a worker that is there already."""
    engine = CountingEngine()
    async with live_session(app, engine=engine) as session:
        first = session.call("Lasting", str(tmp_path / "end"))
        await session.wait_until(lambda: len(engine.jobs) == 2)
        second = await session.wait_ended(session.call("Lasting", "/"))
        (tmp_path / "end").touch()
        run = await session.wait_ended(first)

    assert [State.SUCCEEDED, State.SUCCEEDED] == [second.state, run.state]
    assert ["Lasting", "Lasting"] == engine.jobs


async def test_the_place_of_a_run_that_somebody_else_has_is_given_back(app: Path):
    """When the claim fails, what was reserved for it is there for the next run."""
    async with live_session(app, changes={"concurrency": 1}) as session:
        taken = session.stage.queue("Often")
        now_ms = session.stage.clock.now_ms()
        claim = Change(
            Input.CLAIM, now_ms, owner="ses_x", backend="live", lease_until_ms=EpochMs(now_ms + 3_600_000)
        )
        session.stage.runs.apply(taken, claim)
        session.ring(taken, "Often")
        run = await session.wait_ended(session.call("Often"))

    assert State.SUCCEEDED == run.state
