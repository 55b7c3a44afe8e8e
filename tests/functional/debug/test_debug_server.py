"""Runs connect to an IDE that listens as PyCharm's debug server does, with PyCharm's own pydevd."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from livejob.errors import DependenciesUnusable
from livejob.local_runner.debug.debug_server import DebugServerAddress, DebugServerDebugging
from livejob.local_runner.debug.package import pydevd_for
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.local_runner.events import Warned
from livejob.project.dependencies import TargetPython
from livejob.wire.states import State
from tests.support.engine_fixtures import EngineUnderTest
from tests.support.pycharm import debug_server
from tests.support.sessions import LiveSession, Witness, live_session

VERSION = "252.23892.515"

SOURCE = """\
import multiprocessing, time
from livejob import job
import albums

@job
def resize(payload):
    width = payload["width"]
    print("resizing")
    area = albums.area(width)
    return area

@job(timeout="1 second")
def quick(payload, context):
    began = time.monotonic()
    return [time.monotonic() - began, context.remaining_s()]

@job
def tripped(payload):
    answer = 42
    breakpoint()
    return answer

def doubled(number):
    double = number * 2
    breakpoint()
    return double

@job
def forking(payload):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(doubled, [21])

@job
def fail(payload):
    album = payload["album"]
    raise ValueError(f"no album {album}")
"""

ALBUMS = """\
def area(width):
    factor = 10
    return width * factor
"""

OpenSession = Callable[..., AbstractAsyncContextManager[LiveSession]]


def line_of(text: str) -> int:
    [number] = [number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line]
    return number


@pytest.fixture(scope="session")
def pydevd() -> WorkerDebugger:
    """PyCharm's pydevd, installed once on this machine; without an index skips, but not in CI."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "livejob" / "test-packages"
    python = TargetPython(".".join(platform.python_version_tuple()[:2]), Path(sys.executable))
    try:
        return pydevd_for(python, VERSION, cache)
    except DependenciesUnusable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no package index: {error.message}")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(SOURCE)
    (source / "livejob.toml").write_text('app = "shop"\n')
    return source


@pytest.fixture
def dependencies(tmp_path: Path) -> Path:
    directory = tmp_path / "dependencies"
    directory.mkdir()
    (directory / "albums.py").write_text(ALBUMS)
    return directory


@pytest.fixture
def open_session(
    app: Path, dependencies: Path, engine: EngineUnderTest, pydevd: WorkerDebugger
) -> OpenSession:
    """Opens a session with --debug-server, on each engine in turn."""

    def opened(port: int, **address: Any) -> AbstractAsyncContextManager[LiveSession]:
        witness = Witness()
        where = DebugServerAddress("127.0.0.1", port, **address)
        return live_session(
            app,
            engine=engine.engine,
            image=engine.image,
            dependencies=dependencies,
            debugging=DebugServerDebugging(where, LocalPaths(app), witness),
            debugger=pydevd,
            witness=witness,
        )

    return opened


async def test_a_run_stops_in_pycharm(app: Path, dependencies: Path, open_session: OpenSession) -> None:
    """A breakpoint of a local file is met; the stack has local paths, and a step leads into a dependency."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("area = "))
        run_id = session.call("Resize", {"width": 3})
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()
        width = await run.evaluate(stopped, "width")
        inside = await run.step_into(stopped)
        run.resume(inside)
        ended = await session.wait_ended(run_id)

        stack = [(each.path, each.line, each.function) for each in stopped.frames]
        assert VERSION == run.version
        assert [(str(app / "jobs.py"), line_of("area = "), "resize")] == stack
        assert "3" == width
        assert (str(dependencies / "albums.py"), 2) == (inside.frames[0].path, inside.frames[0].line)
        assert 30 == session.result(ended)
        assert "resizing\n" in run.console


async def test_a_run_in_pycharm_is_paused(app: Path, open_session: OpenSession) -> None:
    """While a run stands still its record says where, and its timeout stands still too."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("return [time"))
        run_id = session.call("Quick")
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()
        paused = await session.wait_run(run_id, lambda run: run.note != "")
        await run.evaluate(stopped, "time.sleep(1.5)")
        run.resume(stopped)
        ended = await session.wait_ended(run_id)

        took_s, left_s = session.result(ended)
        assert (State.RUNNING, f"paused at jobs.py:{line_of('return [time')}") == (paused.state, paused.note)
        assert took_s > 1.5
        assert left_s > 0


async def test_breakpoint_stops_in_pycharm(app: Path, open_session: OpenSession) -> None:
    """`breakpoint()` in the user's code stops there."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        run_id = session.call("Tripped")
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()
        run.resume(stopped)
        ended = await session.wait_ended(run_id)

        assert (str(app / "jobs.py"), "tripped") == (stopped.frames[0].path, stopped.frames[0].function)
        assert 42 == session.result(ended)


async def test_a_run_stops_in_pycharm_where_it_fails(open_session: OpenSession) -> None:
    """With --debug-on-error a run stops where it raised, with its variables, before it has failed."""
    async with debug_server() as pycharm, open_session(pycharm.port, is_on_error=True) as session:
        run_id = session.call("Fail", {"album": "Rio"})
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()
        album = await run.evaluate(stopped, "album")
        before = session.stage.runs.get(run_id)
        run.resume(stopped)
        ended = await session.wait_ended(run_id)

        assert ("fail", line_of("raise ValueError")) == (stopped.frames[0].function, stopped.frames[0].line)
        assert "Rio" == album
        assert not before.is_ended
        assert State.FAILED == ended.state


async def test_parallel_runs_are_parallel_connections(app: Path, open_session: OpenSession) -> None:
    """Two runs stand still at the same time where the IDE takes both."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("area = "))
        run_ids = [session.call("Resize", {"width": width}) for width in (1, 2)]
        runs = [await pycharm.next_run() for _ in run_ids]
        for run, stopped in [(run, await run.wait_suspended()) for run in runs]:
            run.resume(stopped)

        assert {10, 20} == {session.result(await session.wait_ended(run_id)) for run_id in run_ids}


async def test_forked_processes_are_left_alone(app: Path, open_session: OpenSession) -> None:
    """Breakpoints do not hold a process that a handler forks."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("double = number"))
        ended = await session.wait_ended(session.call("Forking"))

        assert [42] == session.result(ended)


async def test_no_ide_listens(open_session: OpenSession) -> None:
    """Without an IDE runs go on, and that is said once."""
    async with debug_server() as pycharm:
        port = pycharm.port
    async with open_session(port) as session:
        ended = [await session.wait_ended(session.call("Resize", {"width": 3})) for _ in range(2)]

        [warned] = session.witness.of(Warned)
        assert [30, 30] == [session.result(each) for each in ended]
        assert f"no debug server at 127.0.0.1:{port}" in warned.text


async def test_an_ide_that_is_busy(app: Path, open_session: OpenSession) -> None:
    """Where the IDE takes one connection at a time, a second run goes on without it, which is said."""
    async with debug_server(is_parallel=False) as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("area = "))
        first = session.call("Resize", {"width": 3})
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()
        second = await session.wait_ended(session.call("Tripped"))
        run.resume(stopped)
        first_ended = await session.wait_ended(first)

        [warned] = session.witness.of(Warned)
        assert [42, 30] == [session.result(second), session.result(first_ended)]
        assert "is busy" in warned.text


async def test_a_run_goes_on_when_the_ide_has_gone(app: Path, open_session: OpenSession) -> None:
    """A run that stands still when its IDE is closed goes on to its end."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("area = "))
        run_id = session.call("Resize", {"width": 3})
        run = await pycharm.next_run()
        await run.wait_suspended()

        run.writer.transport.abort()
        ended = await session.wait_ended(run_id)

        assert 30 == session.result(ended)
        assert "" == ended.note


async def test_a_run_in_pycharm_can_be_cancelled(app: Path, open_session: OpenSession) -> None:
    """A cancel ends a run that stands still."""
    async with debug_server() as pycharm, open_session(pycharm.port) as session:
        pycharm.break_at(app / "jobs.py", line_of("area = "))
        run_id = session.call("Resize", {"width": 3})
        run = await pycharm.next_run()
        await run.wait_suspended()

        session.cancel(run_id)
        ended = await session.wait_ended(run_id)

        assert State.CANCELLED == ended.state
