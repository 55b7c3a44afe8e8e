"""`livejob start --debug-server`, everything real but the IDE: a deployed job stops in it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import QUICKSTART, copy_app, live_command
from tests.support.pycharm import debug_server

VERSION = "252.23892.515"


@pytest.fixture(params=["process", "docker"])
def engine(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """Name and environment of each engine in turn."""
    if request.param == "process":
        return request.param, {}
    docker: DockerUnderTest = request.getfixturevalue("docker")
    return request.param, {"DOCKER_HOST": docker.endpoint.url}


async def test_a_deployed_job_stops_in_pycharm(tmp_path: Path, engine: tuple[str, dict[str, str]]):
    """The run connects to the IDE with the pydevd of its version, and stands at a local path."""
    name, environment = engine
    directory = copy_app(QUICKSTART, tmp_path)
    source = directory / "src" / "reports.py"
    line = next(at for at, text in enumerate(source.read_text().splitlines(), 1) if "key = " in text)

    async with debug_server() as pycharm:
        pycharm.break_at(source, line)
        options = ("--engine", name, "--debug-server", str(pycharm.port), "--pydevd", VERSION)
        starting = live_command(directory, *options, environment=environment)
        command = await asyncio.to_thread(starting.__enter__)
        try:
            payload = {"month": "2026-11"}
            running = asyncio.create_task(asyncio.to_thread(command.run_json, "MonthlyReport", payload))
            run = await pycharm.next_run()
            stopped = await run.wait_suspended()
            held = await asyncio.to_thread(command.wait_event, "RunHeld")
            run.resume(stopped)
            ended = await running
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)

    assert (str(source), line) == (stopped.frames[0].path, stopped.frames[0].line)
    assert f"paused at reports.py:{line}" == held["note"]
    assert VERSION == run.version
    assert "SUCCEEDED" == ended["state"]
