"""`breakpoint()` opens pdb at the session's own terminal: a real pseudo-terminal, real processes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from livejob.cli.enter_key import EnterKey
from livejob.cli.terminal import HeldPrinter, PersonsTerminal
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.terminal import TerminalDebugging
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.wire.states import State
from tests.support.keyboard import Keyboard, open_keyboard
from tests.support.paper import Paper
from tests.support.sessions import LiveSession, live_session

SOURCE = """\
import asyncio, multiprocessing, pdb, threading
from livejob import job

@job
def tripped(payload):
    answer = 42
    breakpoint()
    print("after")
    return answer

@job(timeout="1 second")
def quick(payload, context):
    breakpoint()
    return context.remaining_s()

@job
def careful(payload):
    try:
        breakpoint()
        return "not stopped"
    except Exception:
        return "swallowed"

@job
def fail(payload):
    album = payload["album"]
    raise ValueError(f"no album {album}")

@job
async def gentle(payload):
    async def inner():
        breakpoint()
        return 7
    return await asyncio.create_task(inner())

@job
def old_fashioned(payload):
    pdb.set_trace()
    return "went on"

def doubled(number):
    double = number * 2
    breakpoint()
    return double

@job
def forking(payload):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(doubled, [21])

@job
def threaded(payload):
    seen = []
    def work(number):
        breakpoint()
        seen.append(number)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads: each.start()
    for each in threads: each.join()
    return sorted(seen)
"""

PROMPT = "(Pdb) "

IS_BEHIND = sys.version_info < (3, 13)
"""Whether pdb stands behind `breakpoint()`, as it did up to Python 3.12, or at it."""

OpenSession = Callable[..., AbstractAsyncContextManager[LiveSession]]


def line_of(text: str) -> int:
    return next(at for at, line in enumerate(SOURCE.splitlines(), 1) if text in line)


def stop_line(job: str) -> int:
    """Where pdb stands at the first `breakpoint()` of a handler."""
    lines = SOURCE.splitlines()
    begin = next(at for at, line in enumerate(lines, 1) if line.startswith(f"def {job}("))
    return next(at for at in range(begin, len(lines)) if "breakpoint()" in lines[at - 1]) + IS_BEHIND


@pytest.fixture
def app(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(SOURCE)
    (source / "livejob.toml").write_text('app = "shop"\n')
    return source


@pytest.fixture
async def keyboard() -> AsyncIterator[Keyboard]:
    with open_keyboard() as keyboard:
        yield keyboard


@pytest.fixture
def open_session(app: Path, keyboard: Keyboard) -> OpenSession:
    """Opens a session with --pdb."""

    def opened(*, is_on_error: bool = False) -> AbstractAsyncContextManager[LiveSession]:
        printer = HeldPrinter(Paper(), keyboard.stdout)
        terminal = PersonsTerminal(EnterKey(keyboard.stdin), keyboard.stdout, printer)
        return live_session(
            app,
            debugging=TerminalDebugging(terminal, LocalPaths(app), is_on_error=is_on_error),
            debugger=WorkerDebugger("pdb"),
        )

    return opened


@pytest.fixture
async def session(open_session: OpenSession) -> AsyncIterator[LiveSession]:
    async with open_session() as session:
        yield session


async def test_breakpoint_opens_pdb(session: LiveSession, keyboard: Keyboard) -> None:
    """At `breakpoint()` the person reads and changes variables, steps, and lets the run go on."""
    run_id = session.call("Tripped")
    await keyboard.wait_text("Tripped")
    place = await keyboard.wait_text(PROMPT)
    keyboard.type("p answer + 1")
    value = await keyboard.wait_text(PROMPT)
    keyboard.type("answer = 43")
    await keyboard.wait_text(PROMPT)
    keyboard.type(f"until {line_of('return answer')}")
    step = await keyboard.wait_text(PROMPT)
    keyboard.type("continue")
    ended = await session.wait_ended(run_id)

    assert f"jobs.py({stop_line('tripped')})tripped()" in place
    assert "43" in value
    assert "-> return answer" in step
    assert 43 == session.result(ended)
    assert "after" in session.output(run_id)


async def test_pdb_shows_the_users_frames_alone(session: LiveSession, keyboard: Keyboard) -> None:
    """`where` begins at the handler, and a step out of it lets the run end."""
    run_id = session.call("Tripped")
    await keyboard.wait_text(PROMPT)
    keyboard.type("where")
    frames = await keyboard.wait_text(PROMPT)
    keyboard.type("return")
    await keyboard.wait_text(PROMPT)
    keyboard.type("next")
    ended = await session.wait_ended(run_id)

    assert 1 == frames.count(f"jobs.py({stop_line('tripped')})tripped()")
    assert "livejob" not in frames
    assert State.SUCCEEDED == ended.state


async def test_a_run_in_pdb_is_paused(session: LiveSession, keyboard: Keyboard) -> None:
    """While a run stands in pdb its record says where, and its timeout stands still."""
    run_id = session.call("Quick")
    await keyboard.wait_text(PROMPT)
    paused = await session.wait_run(run_id, lambda run: run.note != "")
    keyboard.type("import time; time.sleep(1.5)")
    await keyboard.wait_text(PROMPT)
    keyboard.type("c")
    ended = await session.wait_ended(run_id)

    assert (State.RUNNING, f"paused at jobs.py:{stop_line('quick')}") == (paused.state, paused.note)
    assert State.SUCCEEDED == ended.state
    assert session.result(ended) > 0


@pytest.mark.parametrize("word", ["quit", ""])
async def test_quit_fails_the_run(session: LiveSession, keyboard: Keyboard, word: str) -> None:
    """`quit`, and Ctrl-D, fail the run and say so; a handler's own `except Exception` does not take it."""
    run_id = session.call("Careful")
    await keyboard.wait_text(PROMPT)
    if word:
        keyboard.type(word)
    else:
        keyboard.end_input()
    ended = await session.wait_ended(run_id)

    assert State.FAILED == ended.state
    assert ended.failure is not None
    assert "QuitInDebugger" == ended.failure.type
    assert f"jobs.py:{stop_line('careful')}" in ended.failure.message


async def test_runs_take_turns(session: LiveSession, keyboard: Keyboard) -> None:
    """Of runs that stop at once each has the terminal for itself until it goes on; all of them are paused."""
    run_ids = {session.call("Tripped") for _ in range(3)}
    await keyboard.wait_text(PROMPT)
    for run_id in run_ids:
        await session.wait_run(run_id, lambda run: run.note.startswith("paused"))
    turns = []
    for number in range(3):
        keyboard.type(f"answer = {number}")
        await keyboard.wait_text(PROMPT)
        keyboard.type("next")
        await keyboard.wait_text(PROMPT)
        turns.append(keyboard.screen.count("is paused at"))
        keyboard.type("continue")
        await keyboard.wait_text("goes on")
        if number < 2:
            await keyboard.wait_text(PROMPT)

    results = {session.result(await session.wait_ended(run_id)) for run_id in run_ids}
    assert [1, 2, 3] == turns
    assert {0, 1, 2} == results


async def test_a_run_in_pdb_can_be_cancelled(session: LiveSession, keyboard: Keyboard) -> None:
    """A cancel ends a run that stands in pdb, and the terminal is free."""
    run_id = session.call("Tripped")
    await keyboard.wait_text(PROMPT)

    session.cancel(run_id)
    ended = await session.wait_ended(run_id)
    other = session.call("Tripped")
    await keyboard.wait_text(PROMPT)
    keyboard.type("c")

    assert State.CANCELLED == ended.state
    assert State.SUCCEEDED == (await session.wait_ended(other)).state


async def test_a_session_ends_while_a_run_is_in_pdb(session: LiveSession, keyboard: Keyboard) -> None:
    """A session that is stopped ends the run as every other one."""
    run_id = session.call("Tripped")
    await keyboard.wait_text(PROMPT)

    await session.stop()
    failure = session.stage.runs.get(run_id).failure

    assert failure is not None
    assert "SessionStopped" == failure.type


async def test_a_run_stops_in_pdb_where_it_fails(open_session: OpenSession, keyboard: Keyboard) -> None:
    """With --debug-on-error pdb stands where the handler raised, before the run has failed."""
    async with open_session(is_on_error=True) as session:
        run_id = session.call("Fail", {"album": "Rio"})
        await keyboard.wait_text("ValueError: no album Rio")
        place = await keyboard.wait_text(PROMPT)
        keyboard.type("p album")
        value = await keyboard.wait_text(PROMPT)
        before = session.stage.runs.get(run_id)
        keyboard.type("c")
        ended = await session.wait_ended(run_id)

        assert "fail()" in place
        assert "'Rio'" in value
        assert not before.is_ended
        assert ended.failure is not None
        assert "ValueError" == ended.failure.type


@pytest.mark.parametrize(
    ("addition", "shown"), [("1 / 0", "-> 1 / 0"), ("def broken(:", "no line to stop at")]
)
async def test_pdb_shows_a_failed_import(
    app: Path, open_session: OpenSession, keyboard: Keyboard, addition: str, shown: str
) -> None:
    """With --debug-on-error pdb stands in the line whose import failed, or says why it cannot stand there."""
    async with open_session(is_on_error=True) as session:
        (app / "jobs.py").write_text(f"{SOURCE}\n{addition}\n")
        run_id = session.call("Fail", {"album": "Rio"})
        await keyboard.wait_text(shown)
        keyboard.type("c")
        ended = await session.wait_ended(run_id)

        assert State.FAILED == ended.state


async def test_a_failing_run_stops_only_if_that_is_asked(session: LiveSession, keyboard: Keyboard) -> None:
    """Without --debug-on-error a run that fails opens nothing."""
    ended = await session.wait_ended(session.call("Fail", {"album": "Rio"}))

    assert State.FAILED == ended.state
    assert "" == keyboard.screen


async def test_set_trace_opens_pdb_too(session: LiveSession, keyboard: Keyboard) -> None:
    """`pdb.set_trace()` does what `breakpoint()` does."""
    run_id = session.call("OldFashioned")
    place = await keyboard.wait_text(PROMPT)
    keyboard.type("c")
    ended = await session.wait_ended(run_id)

    assert "old_fashioned()" in place
    assert "went on" == session.result(ended)


async def test_pdb_leaves_forked_processes_alone(session: LiveSession) -> None:
    """A process that a handler forks goes on: two could not be told apart at one terminal."""
    run_id = session.call("Forking")

    ended = await session.wait_ended(run_id)

    assert [42] == session.result(ended)
    assert "no debugger is attached" in session.output(run_id)


async def test_pdb_in_async_code_and_in_threads(session: LiveSession, keyboard: Keyboard) -> None:
    """A task stops, and so do two threads, one after the other."""
    gentle = session.call("Gentle")
    await keyboard.wait_text(PROMPT)
    keyboard.type("c")
    gentle_ended = await session.wait_ended(gentle)
    threaded = session.call("Threaded")
    for _ in range(2):
        await keyboard.wait_text(PROMPT)
        keyboard.type("c")
    threaded_ended = await session.wait_ended(threaded)

    assert 7 == session.result(gentle_ended)
    assert [0, 1] == session.result(threaded_ended)
