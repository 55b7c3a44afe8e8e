"""An editor attaches once, and every run of the session appears in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.local_runner.debug.server import DebugSettings
from tests.support.dap import Editor, attached
from tests.support.engine_fixtures import EngineUnderTest
from tests.support.sessions import LiveSession, live_session

SOURCE = """\
import json
from livejob import job

@job
def resize(payload):
    width = payload["width"]
    area = width * 10
    return {"area": area, "text": json.dumps([area])}
"""
WIDTH, AREA, RETURN = 6, 7, 8


@pytest.fixture
def app(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(SOURCE)
    (source / "livejob.toml").write_text('app = "shop"\n')
    return source


@pytest.fixture
async def session(app: Path, engine: EngineUnderTest) -> AsyncIterator[LiveSession]:
    """A session with --debug on any free port, on each engine in turn."""
    debug = DebugSettings(port=0)
    async with live_session(app, engine=engine.engine, image=engine.image, debug=debug) as session:
        yield session


@pytest.fixture
async def editor(session: LiveSession) -> AsyncIterator[Editor]:
    assert session.debug is not None
    async with attached(session.debug.port) as editor:
        yield editor


async def test_a_breakpoint_stops_the_run_where_it_was_set(
    app: Path, session: LiveSession, editor: Editor
) -> None:
    """A run stops at a breakpoint of a local file; its variables can be read, changed and computed with."""
    await editor.break_at(app / "jobs.py", AREA)
    run_id = session.call("Resize", {"width": 3})
    run = await editor.next_run()
    frame = await run.wait_stopped()
    variables = await run.variables(frame)
    await run.set_variable(frame, "width", "5")
    computed = await run.evaluate(frame, "width + 1")
    await run.go_on()
    ended = await session.wait_ended(run_id)

    assert (str(app / "jobs.py"), AREA, "resize") == (frame.path, frame.line, frame.function)
    assert "3" == variables["width"]
    assert "6" == computed
    assert {"area": 50, "text": "[50]"} == session.result(ended)
    assert f"Resize {run_id[-6:]}" == run.name
