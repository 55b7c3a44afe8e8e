"""`livejob start --debug`, everything real: an editor attaches, and a deployed job stops."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dap import attached
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import QUICKSTART, LiveCommand, copy_app, live_command


@pytest.fixture(params=["process", "docker"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveCommand]:
    """A session of the quickstart with --debug."""
    environment = {}
    if request.param == "docker":
        docker: DockerUnderTest = request.getfixturevalue("docker")
        environment["DOCKER_HOST"] = docker.endpoint.url
    directory = copy_app(QUICKSTART, tmp_path)
    options = ("--engine", request.param, "--debug", str(free_port()))
    with live_command(directory, *options, environment=environment) as running:
        yield running


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_deployed_job_stops_at_a_breakpoint(command: LiveCommand):
    """An editor configured by `livejob debug init` stops a deployed job, which runs under its role."""
    port = int(command.wait_event("Ready")["debug"].partition(":")[2])
    command.livejob("debug", "init", "--port", str(port), "--workspace", ".")
    launch = json.loads((command.directory / ".vscode/launch.json").read_text())
    [configuration] = launch["configurations"]
    source = command.directory / "src" / "reports.py"
    line = next(at for at, text in enumerate(source.read_text().splitlines(), 1) if "key = " in text)

    async with attached(port, **configuration) as editor:
        await editor.break_at(source, line)
        running = asyncio.create_task(
            asyncio.to_thread(command.run_json, "MonthlyReport", {"month": "2026-11"})
        )
        run = await editor.next_run()
        frame = await run.wait_stopped()
        variables = await run.variables(frame)
        held = await asyncio.to_thread(command.wait_event, "RunHeld")
        listed = await asyncio.to_thread(command.livejob, "runs")
        await run.go_on()
        ended = await running

    assert (str(source), line, "monthly_report") == (frame.path, frame.line, frame.function)
    assert "livejob-quickstart-e2e-MonthlyReport-job" in variables["me"]
    assert f"paused at reports.py:{line}" == held["note"]
    assert f"paused at reports.py:{line}" in listed.out
    assert "SUCCEEDED" == ended["state"]


async def test_one_run_waits_for_a_debugger(command: LiveCommand):
    """`livejob run --debug` starts a run that waits, and goes on when an editor has attached."""
    port = int(command.wait_event("Ready")["debug"].partition(":")[2])
    running = asyncio.create_task(asyncio.to_thread(command.run_json, "Divide", {"a": 6, "b": 3}, "--debug"))
    awaited = await asyncio.to_thread(command.wait_event, "DebuggerAwaited")

    async with attached(port) as editor:
        await editor.next_run()
        ended = await running

    assert ended["id"] == awaited["run_id"]
    assert 2.0 == ended["result"]
