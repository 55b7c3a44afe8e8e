"""The jobs of a session follow what is deployed while it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.local_runner.events import JobsChanged
from livejob.project.specs import JobSpec
from livejob.wire.states import State
from tests.support.job_specs import a_job, jobs_of
from tests.support.sessions import LiveSession, live_session

JOBS = """
import time
from pathlib import Path
from livejob import job

@job
def wait(payload):
    print("begun")
    while not Path(payload).exists():
        time.sleep(0.002)
    return "done"
"""
GREETING = """
from livejob import job

@job
def greet(payload):
    return f"hello {payload}"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "src"
    app.mkdir()
    (app / "jobs.py").write_text(JOBS)
    return app


def known(session: LiveSession) -> dict[str, JobSpec]:
    """The jobs that the session works for, as they are defined."""
    return {name: job.spec for name, job in session.catalog.items()}


async def test_a_new_job_is_executed_when_it_is_deployed(app: Path):
    """Before, its runs are nobody's here; from then on they are executed, with one that came too early."""
    async with live_session(app) as session:
        (app / "greeting.py").write_text(GREETING)
        early = session.stage.queue("Greet", "early")
        session.ring(early, "Greet")
        jobs = {**known(session), **jobs_of(a_job("Greet", handler="greeting.greet"))}

        await session.catalog.adopt(jobs)
        late = await session.wait_ended(session.call("Greet", "late"))
        session.ring(early, "Greet")  # as a sweep does
        first = await session.wait_ended(early)

        assert ["hello late", "hello early"] == [session.result(late), session.result(first)]


async def test_a_run_of_a_removed_job_goes_on_to_its_end(app: Path, tmp_path: Path):
    """The session takes no more runs of it; the one that runs is not touched."""
    async with live_session(app) as session:
        run_id = session.call("Wait", str(tmp_path / "go"))
        await session.wait_output(run_id, "begun")

        await session.catalog.adopt(jobs_of(a_job("Greet", handler="greeting.greet")))
        (tmp_path / "go").touch()
        run = await session.wait_ended(run_id)

        assert (State.SUCCEEDED, "done") == (run.state, session.result(run))
        assert ["Greet"] == list(session.catalog)


async def test_what_only_a_deployment_lets_take_effect_is_not_told_as_applied(app: Path):
    """More retries are no news for the next attempt; a longer timeout is."""
    async with live_session(app) as session:
        job = known(session)["Wait"]

        await session.catalog.follow(jobs_of(a_job("Wait", handler=job.handler, retries=3)))
        before = session.witness.of(JobsChanged)
        await session.catalog.follow(jobs_of(a_job("Wait", handler=job.handler, retries=3, timeout_s=5)))

        assert ([], [["Wait"]]) == (before, [list(each.applied) for each in session.witness.of(JobsChanged)])
