"""A job may ask for its running runs to begin anew when its source is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.local_runner.events import RunStarted, SourceSaved
from livejob.wire.states import State
from tests.support.sessions import live_session

JOBS = """
import time
from pathlib import Path
from livejob import job
from prices import VALUE

@job{arguments}
def wait(payload):
    print("begun", VALUE)
    while VALUE == 1 and not Path(payload).exists():
        time.sleep(0.002)
    return VALUE
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "src"
    app.mkdir()
    (app / "jobs.py").write_text(JOBS.format(arguments='(on_save="restart")'))
    (app / "prices.py").write_text("VALUE = 1\n")
    return app


async def test_a_running_run_begins_anew(app: Path, tmp_path: Path):
    """The save ends the first attempt, the second has the new code; both are in the record."""
    async with live_session(app) as session:
        run_id = session.call("Wait", str(tmp_path / "never"))
        await session.wait_output(run_id, "begun 1")
        (app / "prices.py").write_text("VALUE = 2\n")

        run = await session.wait_ended(run_id)

    assert (State.SUCCEEDED, 2, 2) == (run.state, session.result(run), run.attempt_number)
    assert [1, 2] == [event.attempt for event in session.witness.of(RunStarted)]


async def test_a_save_elsewhere_leaves_it_alone(app: Path, tmp_path: Path):
    """Once it is known what the job loads, a file that it does not load restarts nothing."""
    gate = tmp_path / "gate"
    gate.touch()
    async with live_session(app) as session:
        await session.wait_ended(session.call("Wait", str(gate)))
        gate.unlink()
        run_id = session.call("Wait", str(gate))
        await session.wait_output(run_id, "begun 1")
        (app / "elsewhere.py").write_text("")
        await session.witness.wait_event(SourceSaved)
        gate.touch()

        run = await session.wait_ended(run_id)

    assert (State.SUCCEEDED, 1) == (run.state, run.attempt_number)


async def test_without_the_wish_a_run_finishes(app: Path, tmp_path: Path):
    """By default a save restarts nothing."""
    (app / "jobs.py").write_text(JOBS.format(arguments=""))
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        run_id = session.call("Wait", str(gate))
        await session.wait_output(run_id, "begun 1")
        (app / "prices.py").write_text("VALUE = 2\n")
        await session.witness.wait_event(SourceSaved)
        gate.touch()

        run = await session.wait_ended(run_id)

    assert (1, 1) == (session.result(run), run.attempt_number)
