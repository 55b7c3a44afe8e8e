"""After a save the changed jobs are imported once on trial: what is broken shows before any run meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.local_runner.events import RunStarted, SourceMended, SourceProblem, SourceSaved
from livejob.wire.states import State
from tests.support.sessions import LiveSession, live_session

JOBS = """
from livejob import job
import prices

@job
def greet(payload):
    return prices.VALUE

@job
def other(payload):
    return "other"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "src"
    app.mkdir()
    (app / "jobs.py").write_text(JOBS)
    (app / "prices.py").write_text("VALUE = 1\n")
    return app


async def warm(session: LiveSession) -> None:
    """Have an idle worker that has imported the job."""
    await session.wait_ended(session.call("Greet"))


async def test_an_import_error_shows_at_the_save(app: Path):
    """File, line, text and caret of what fails, once; and that it is mended."""
    async with live_session(app) as session:
        await warm(session)
        (app / "prices.py").write_text("import json\n\nVALUE = json.loads('{')\n")
        problem = await session.witness.wait_event(SourceProblem)
        (app / "prices.py").write_text("VALUE = 2\n")
        mended = await session.witness.wait_event(SourceMended)
        run = await session.wait_ended(session.call("Greet"))

    assert "prices.py:3" == problem.where
    assert "JSONDecodeError" in problem.message
    assert "VALUE = json.loads('{')" in problem.detail
    assert "^" in problem.detail
    assert "prices.py" == mended.path
    assert (State.SUCCEEDED, 2) == (run.state, session.result(run))
    assert 1 == len(session.witness.of(SourceProblem))


async def test_a_handler_that_is_gone_shows(app: Path):
    """A function that was renamed away is named, though the file is without a fault."""
    async with live_session(app) as session:
        await warm(session)
        (app / "prices.py").write_text("import jobs\ndel jobs.job\nVALUE = 1\n")

        problem = await session.witness.wait_event(SourceProblem)

    assert "AttributeError" in problem.message or "NameError" in problem.message


async def test_what_the_import_prints_is_shown_with_its_error(app: Path):
    """The last lines that a failing import has printed stand with it."""
    async with live_session(app) as session:
        await warm(session)
        (app / "prices.py").write_text("print('loading prices')\nraise RuntimeError('no prices')\n")

        problem = await session.witness.wait_event(SourceProblem)

    assert ("prices.py:2", "printed: loading prices") == (problem.where, problem.detail.splitlines()[-1])


async def test_an_import_that_ends_its_process_says_nothing(app: Path, tmp_path: Path):
    """os._exit in a module spoils only the trial; a good save after it is checked again."""
    async with live_session(app) as session:
        await warm(session)
        (app / "prices.py").write_text(
            f"import os, pathlib\npathlib.Path({str(tmp_path / 'mark')!r}).touch()\nos._exit(3)\n"
        )
        await session.witness.wait_event(SourceSaved)
        await session.wait_until((tmp_path / "mark").exists)
        (app / "prices.py").write_text("raise RuntimeError('checked')\n")

        problem = await session.witness.wait_event(SourceProblem)

    assert "checked" in problem.message


async def test_a_run_does_not_wait_for_the_trial(app: Path, tmp_path: Path):
    """An attempt ends the trial of an import that hangs."""
    async with live_session(app) as session:
        await warm(session)
        mark = tmp_path / "mark"
        (app / "prices.py").write_text(
            f"import pathlib, time\nmark = pathlib.Path({str(mark)!r})\n"
            "if not mark.exists():\n    mark.touch()\n    time.sleep(600)\nVALUE = 3\n"
        )
        await session.wait_until(mark.exists)

        run = await session.wait_ended(session.call("Greet"))

    assert 3 == session.result(run)
    assert 2 == len(session.witness.of(RunStarted))


async def test_a_syntax_error_is_said_once(app: Path):
    """What the parser has said is not said again as an import error."""
    async with live_session(app) as session:
        await warm(session)
        (app / "prices.py").write_text("VALUE = (\n")
        await session.witness.wait_event(SourceProblem)
        (app / "prices.py").write_text("VALUE = 5\n")
        await session.witness.wait_event(SourceMended)
        run = await session.wait_ended(session.call("Greet"))

    assert 5 == session.result(run)
    assert 1 == len(session.witness.of(SourceProblem))


async def test_it_can_be_turned_off(app: Path, tmp_path: Path):
    """With check_on_save = false a save imports nothing."""
    async with live_session(app, is_checking=False) as session:
        await warm(session)
        mark = tmp_path / "mark"
        (app / "prices.py").write_text(
            f"import pathlib\npathlib.Path({str(mark)!r}).open('a').write('x')\nVALUE = 4\n"
        )
        await session.witness.wait_event(SourceSaved)
        run = await session.wait_ended(session.call("Greet"))

    assert ("x", 4) == (mark.read_text(), session.result(run))
