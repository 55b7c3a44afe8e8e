"""An editor attaches once, and every run of the session appears in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from livejob.errors import DebugPortTaken, NoDebugSession
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.server import DebugServer, DebugSettings
from livejob.local_runner.debug.wanted import WantedRuns
from livejob.local_runner.events import DebuggerAwaited, DebuggerDetached, RunHeld, Warned
from livejob.wire.states import State
from tests.support.dap import Editor, Refused, attached
from tests.support.engine_fixtures import EngineUnderTest
from tests.support.sessions import LiveSession, Witness, live_session

SOURCE = """\
import json, multiprocessing, sys, time
from pathlib import Path
from livejob import job
import albums

@job
def resize(payload):
    width = payload["width"]
    area = albums.area(width)
    return {"area": area, "text": json.dumps([area])}

@job(timeout="1 second")
def quick(payload, context):
    left = [context.remaining_s()]
    began = time.monotonic()
    left.append(context.remaining_s())
    return {"took_s": time.monotonic() - began, "left_s": left, "moved_ms": context.deadline_ms}

@job
def fail(payload):
    album = payload["album"]
    raise ValueError(f"no album {album}")

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
def bare(payload):
    return {"trace": sys.gettrace() is not None, "debugpy": "debugpy" in sys.modules}

@job
def until_told(payload):
    print("begun")
    count = 0
    while not payload.get("end"):
        count += 1
        time.sleep(0.001)
    return count
"""

ALBUMS = """\
def area(width):
    factor = 10
    return width * factor
"""

OpenSession = Callable[..., AbstractAsyncContextManager[LiveSession]]


def line_of(text: str, source: str = SOURCE) -> int:
    """Number of the one line that holds the text."""
    [number] = [number for number, line in enumerate(source.splitlines(), 1) if text in line]
    return number


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
def open_session(app: Path, dependencies: Path, engine: EngineUnderTest) -> OpenSession:
    """Opens a session with --debug on any free port, on each engine in turn."""

    def opened(**debug: Any) -> AbstractAsyncContextManager[LiveSession]:
        return live_session(
            app,
            engine=engine.engine,
            image=engine.image,
            dependencies=dependencies,
            debug=DebugSettings(port=0, **debug),
        )

    return opened


@pytest.fixture
async def session(open_session: OpenSession) -> AsyncIterator[LiveSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
async def editor(session: LiveSession) -> AsyncIterator[Editor]:
    async with attached(port_of(session)) as editor:
        yield editor


def port_of(session: LiveSession) -> int:
    assert session.debug is not None
    return session.debug.port


async def test_a_breakpoint_stops_the_run_where_it_was_set(
    app: Path, session: LiveSession, editor: Editor
) -> None:
    """A run stops at a breakpoint of a local file; its variables can be read, changed and computed with."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    run_id = session.call("Resize", {"width": 3})

    run = await editor.next_run()
    frame = await run.wait_stopped()
    variables = await run.variables(frame)
    await run.set_variable(frame, "width", "5")
    computed = await run.evaluate(frame, "width + 1")
    await run.go_on()
    ended = await session.wait_ended(run_id)
    await run.wait_terminated()

    assert (str(app / "jobs.py"), line_of("area = "), "resize") == (frame.path, frame.line, frame.function)
    assert "3" == variables["width"]
    assert "6" == computed
    assert {"area": 50, "text": "[50]"} == session.result(ended)
    assert f"Resize {run_id[-6:]}" == run.name


async def test_a_step_leads_into_a_dependency(
    app: Path, dependencies: Path, session: LiveSession, editor: Editor
) -> None:
    """A step into a third-party function shows its local file; breakpoints hold there too."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    await editor.break_at(dependencies / "albums.py", 3)
    run_id = session.call("Resize", {"width": 3})

    run = await editor.next_run()
    await run.wait_stopped()
    inside = await run.step_in()
    await run.go_on()
    there = await run.wait_stopped()
    await run.go_on()
    await session.wait_ended(run_id)

    assert (str(dependencies / "albums.py"), 2) == (inside.path, inside.line)
    assert (str(dependencies / "albums.py"), 3) == (there.path, there.line)


async def test_the_stack_holds_the_users_frames_alone(
    app: Path, session: LiveSession, editor: Editor
) -> None:
    """Frames of livejob itself are not shown."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    session.call("Resize", {"width": 3})

    run = await editor.next_run()
    await run.wait_stopped()
    stack = await run.stack()
    await run.go_on()

    assert ["resize"] == [frame.function for frame in stack]


async def test_breakpoints_hold_after_a_save(app: Path, session: LiveSession, editor: Editor) -> None:
    """After a save that moved the lines the next run stops at the moved breakpoint, without re-attaching."""
    line = line_of("area = ")
    await editor.break_at(app / "jobs.py", line)
    session.call("Resize", {"width": 3})
    first = await editor.next_run()
    await first.wait_stopped()
    await first.go_on()

    (app / "jobs.py").write_text("# One line more.\n" + SOURCE.replace("[area]", "[area, 'new']"))
    await editor.break_at(app / "jobs.py", line + 1)
    run_id = session.call("Resize", {"width": 4})
    second = await editor.next_run()
    frame = await second.wait_stopped()
    await second.go_on()
    ended = await session.wait_ended(run_id)

    assert ("resize", line + 1) == (frame.function, frame.line)
    assert '[40, "new"]' == session.result(ended)["text"]


async def test_breakpoints_set_around_a_save_all_hold(
    app: Path, session: LiveSession, editor: Editor
) -> None:
    """One set before a save, one while a run goes on, one after it: the next run stops at all three."""
    before, during, after = line_of("width = "), line_of("area = "), line_of('return {"area"')
    await editor.break_at(app / "jobs.py", before)
    session.call("Resize", {"width": 3})
    first = await editor.next_run()
    await first.wait_stopped()
    (app / "jobs.py").write_text(SOURCE + "\n# saved\n")
    await editor.break_at(app / "jobs.py", before, during)
    await first.go_on()
    await first.wait_stopped()
    await first.go_on()
    await first.wait_terminated()
    await editor.break_at(app / "jobs.py", before, during, after)

    run_id = session.call("Resize", {"width": 4})
    second = await editor.next_run()
    lines = []
    for _ in range(3):
        lines.append((await second.wait_stopped()).line)
        await second.go_on()
    ended = await session.wait_ended(run_id)

    assert [before, during, after] == lines
    assert State.SUCCEEDED == ended.state


async def test_parallel_runs_are_parallel_sessions(app: Path, session: LiveSession, editor: Editor) -> None:
    """Three runs pause at the same time, each in a session of its own, and go on one by one."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    run_ids = [session.call("Resize", {"width": width}) for width in (1, 2, 3)]

    runs = [await editor.next_run() for _ in run_ids]
    widths = {(await run.variables(await run.wait_stopped()))["width"] for run in runs}
    for run in runs:
        await run.go_on()
    areas = {session.result(await session.wait_ended(run_id))["area"] for run_id in run_ids}

    assert {"1", "2", "3"} == widths
    assert {10, 20, 30} == areas


async def test_a_paused_run_says_where(app: Path, session: LiveSession, editor: Editor) -> None:
    """While a run is paused its record is RUNNING and says where; afterwards it says nothing."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    run_id = session.call("Resize", {"width": 3})

    run = await editor.next_run()
    await run.wait_stopped()
    note = f"paused at jobs.py:{line_of('area = ')}"
    paused = await session.wait_run(run_id, lambda run: run.note == note)
    held = await session.witness.wait_event(RunHeld)
    await run.go_on()
    ended = await session.wait_ended(run_id)

    assert State.RUNNING == paused.state
    assert note == held.note
    assert "" == ended.note


async def test_a_timeout_stands_still_while_a_run_is_paused(
    app: Path, session: LiveSession, editor: Editor
) -> None:
    """A run that is paused for longer than its timeout is not timed out, and has no less time left."""
    await editor.break_at(app / "jobs.py", line_of("left.append"))
    run_id = session.call("Quick")

    run = await editor.next_run()
    frame = await run.wait_stopped()
    await session.wait_run(run_id, lambda run: run.note != "")
    before = float(await run.evaluate(frame, "context.remaining_s()"))
    deadline_ms = int(await run.evaluate(frame, "context.deadline_ms"))
    await run.evaluate(frame, "time.sleep(1.5)")
    after = float(await run.evaluate(frame, "context.remaining_s()"))
    await run.go_on()
    ended = await session.wait_ended(run_id)

    result = session.result(ended)
    assert State.SUCCEEDED == ended.state
    assert result["took_s"] > 1.5
    assert before == after
    assert 0 < result["left_s"][1] <= result["left_s"][0]
    assert result["moved_ms"] - deadline_ms > 1500


async def test_a_paused_run_can_be_cancelled(app: Path, session: LiveSession, editor: Editor) -> None:
    """A cancel ends a run that stands at a breakpoint."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    run_id = session.call("Resize", {"width": 3})
    run = await editor.next_run()
    await run.wait_stopped()

    session.cancel(run_id)
    ended = await session.wait_ended(run_id)

    assert State.CANCELLED == ended.state


async def test_a_run_goes_on_when_its_debugger_dies(app: Path, session: LiveSession) -> None:
    """An editor that is killed while a run is paused lets it go on, and that is said once."""
    async with attached(port_of(session)) as editor:
        await editor.break_at(app / "jobs.py", line_of("area = "))
        run_id = session.call("Resize", {"width": 3})
        run = await editor.next_run()
        await run.wait_stopped()

        await editor.break_off()
        ended = await session.wait_ended(run_id)
        await session.witness.wait_event(DebuggerDetached)

    said = [*session.witness.of(DebuggerDetached), *session.witness.of(Warned)]
    mentions = [each for each in said if isinstance(each, Warned) or each.paused]
    assert State.SUCCEEDED == ended.state
    assert 1 == len(mentions)


async def test_a_session_ends_while_a_run_is_paused(app: Path, session: LiveSession, editor: Editor) -> None:
    """A session that is stopped ends a paused run as it ends every other one."""
    await editor.break_at(app / "jobs.py", line_of("area = "))
    run_id = session.call("Resize", {"width": 3})
    run = await editor.next_run()
    await run.wait_stopped()

    await session.stop()
    ended = session.stage.runs.get(run_id)

    assert State.FAILED == ended.state
    assert ended.failure is not None
    assert "SessionStopped" == ended.failure.type


async def test_breakpoints_can_come_while_a_run_goes_on(app: Path, session: LiveSession) -> None:
    """A run that started without a debugger stops at a breakpoint of one that attaches later."""
    run_id = session.call("UntilTold", {})
    await session.wait_output(run_id, "begun")

    async with attached(port_of(session)) as editor:
        run = await editor.next_run()
        await editor.break_at(app / "jobs.py", line_of("count += 1"))
        frame = await run.wait_stopped()
        await editor.break_at(app / "jobs.py")
        await run.evaluate(frame, "payload.update(end=True)")
        await run.go_on()
        ended = await session.wait_ended(run_id)

    assert State.SUCCEEDED == ended.state


async def test_an_editor_may_come_and_go_while_runs_start(session: LiveSession) -> None:
    """Whenever an editor attaches and leaves, no run is held up and none is lost."""
    run_ids = []
    for _ in range(4):
        run_ids.append(session.call("Bare"))
        async with attached(port_of(session)):
            run_ids.append(session.call("Bare"))
        run_ids.append(session.call("Bare"))

    states = {(await session.wait_ended(run_id)).state for run_id in run_ids}

    assert {State.SUCCEEDED} == states


async def test_nothing_is_traced_until_a_debugger_comes(session: LiveSession) -> None:
    """With --debug and nobody attached a handler runs untraced."""
    run_id = session.call("Bare")

    ended = await session.wait_ended(run_id)

    assert {"trace": False, "debugpy": True} == session.result(ended)


async def test_a_session_without_debug_loads_no_debugger(
    app: Path, dependencies: Path, engine: EngineUnderTest
) -> None:
    """Without --debug there is no debugger in a run."""
    async with live_session(
        app, engine=engine.engine, image=engine.image, dependencies=dependencies
    ) as session:
        ended = await session.wait_ended(session.call("Bare"))

        assert {"trace": False, "debugpy": False} == session.result(ended)


async def test_a_run_stops_where_it_fails(open_session: OpenSession) -> None:
    """With --debug-on-error a run stops where it raised, with its variables, before it has failed."""
    async with open_session(is_on_error=True) as session, attached(port_of(session)) as editor:
        run_id = session.call("Fail", {"album": "Rio"})
        run = await editor.next_run()
        frame = await run.wait_stopped("exception")
        variables = await run.variables(frame)
        before = session.stage.runs.get(run_id)
        await run.go_on()
        ended = await session.wait_ended(run_id)

        assert ("fail", line_of("raise ValueError")) == (frame.function, frame.line)
        assert "'Rio'" == variables["album"]
        assert not before.is_ended
        assert State.FAILED == ended.state


async def test_a_run_stops_where_its_import_fails(app: Path, open_session: OpenSession) -> None:
    """With --debug-on-error a run stops in the line of its module that raised at the import."""
    async with open_session(is_on_error=True) as session, attached(port_of(session)) as editor:
        source = SOURCE.replace("@job\ndef fail", "limits = {}\nlimits['width']\n\n@job\ndef fail")
        (app / "jobs.py").write_text(source)
        run_id = session.call("Fail", {"album": "Rio"})
        run = await editor.next_run()
        frame = await run.wait_stopped("exception")
        limits = await run.evaluate(frame, "limits")
        await run.go_on()
        ended = await session.wait_ended(run_id)

        assert (str(app / "jobs.py"), line_of("limits['width']", source)) == (frame.path, frame.line)
        assert "{}" == limits
        assert ended.failure is not None
        assert "HandlerImportFailed" == ended.failure.type


async def test_what_cannot_be_compiled_has_no_line_to_stop_at(app: Path, open_session: OpenSession) -> None:
    """With --debug-on-error a module with a syntax error stops nowhere, and the run's output says so."""
    async with open_session(is_on_error=True) as session, attached(port_of(session)) as editor:
        (app / "jobs.py").write_text(SOURCE + "\ndef broken(:\n")
        run_id = session.call("Fail", {"album": "Rio"})
        await editor.next_run()
        ended = await session.wait_ended(run_id)

        assert ended.failure is not None
        assert "HandlerSyntaxError" == ended.failure.type
        assert "no line to stop at" in session.output(run_id)


async def test_breakpoint_stops_in_an_attached_debugger(session: LiveSession, editor: Editor) -> None:
    """`breakpoint()` in the user's code stops there when a debugger is attached."""
    run_id = session.call("Tripped")

    run = await editor.next_run()
    frame = await run.wait_stopped()
    await run.set_variable(frame, "answer", "43")
    await run.go_on()
    ended = await session.wait_ended(run_id)

    assert ("tripped", line_of("return answer")) == (frame.function, frame.line)
    assert 43 == session.result(ended)


async def test_forked_processes_are_left_alone(app: Path, session: LiveSession, editor: Editor) -> None:
    """Breakpoints do not hold a process that a handler forks: nobody could let it go on."""
    await editor.break_at(app / "jobs.py", line_of("double = number"))
    run_id = session.call("Forking")

    ended = await session.wait_ended(run_id)

    assert [42] == session.result(ended)
    assert "no debugger is attached" in session.output(run_id)


async def test_breakpoint_without_debugger_says_so_and_goes_on(session: LiveSession) -> None:
    """`breakpoint()` with nobody attached prints one line, and the run succeeds."""
    run_id = session.call("Tripped")

    ended = await session.wait_ended(run_id)

    assert 42 == session.result(ended)
    assert "no debugger is attached" in session.output(run_id)


async def test_a_run_waits_for_a_debugger(app: Path, open_session: OpenSession) -> None:
    """With --wait a run waits before its first line until a debugger is attached, which is said."""
    async with open_session(wait_s=60.0) as session:
        run_id = session.call("Resize", {"width": 3})
        await session.witness.wait_event(DebuggerAwaited)
        await session.wait_run(run_id, lambda run: run.note == "waiting for a debugger")

        async with attached(port_of(session)) as editor:
            run = await editor.next_run()
            ended = await session.wait_ended(run_id)
            await run.wait_terminated()

        assert State.SUCCEEDED == ended.state


async def test_one_run_can_be_made_to_wait(tmp_path: Path, open_session: OpenSession) -> None:
    """Of a session that waits for nobody, the run with a wanted key waits, once."""
    wanted = WantedRuns(tmp_path / "wanted")
    wanted.open()
    wanted.ask("order-7")

    async with open_session(wanted=wanted) as session:
        run_id = session.call("Bare", key="order-7")
        awaited = await session.witness.wait_event(DebuggerAwaited)
        other = await session.wait_ended(session.call("Bare", key="order-8"))
        assert session.debug is not None
        session.debug.go_on()
        ended = await session.wait_ended(run_id)

    assert run_id == awaited.run_id
    assert {State.SUCCEEDED} == {other.state, ended.state}
    assert not wanted.take("order-7")


def test_nobody_waits_where_nobody_debugs(tmp_path: Path) -> None:
    """Without a session that debugs, or after its end, asking a run to wait is an error."""
    wanted = WantedRuns(tmp_path / "wanted")
    with pytest.raises(NoDebugSession):
        wanted.ask("order-7")
    wanted.open()
    wanted.ask("order-7")
    wanted.close()

    with pytest.raises(NoDebugSession):
        wanted.ask("order-7")
    assert not wanted.take("order-7")


async def test_a_waiting_run_can_be_let_go(open_session: OpenSession) -> None:
    """The person is asked while a run waits for a debugger, and lets it go on without; then no more."""
    answers: list[Callable[[], object]] = []

    @contextmanager
    def asked(yes: Callable[[], object]) -> Iterator[None]:
        answers.append(yes)
        yield
        answers.remove(yes)

    async with open_session(wait_s=60.0, asked=asked) as session:
        run_id = session.call("Bare")
        await session.witness.wait_event(DebuggerAwaited)
        [yes] = answers

        yes()
        await session.wait_until(lambda: not answers)
        ended = await session.wait_ended(run_id)

    assert {"trace": False, "debugpy": True} == session.result(ended)


async def test_a_waiting_run_goes_on_when_the_time_is_over(open_session: OpenSession) -> None:
    """A run waits no longer than it may."""
    async with open_session(wait_s=0.1) as session:
        ended = await session.wait_ended(session.call("Bare"))

        assert State.SUCCEEDED == ended.state


async def test_a_breakpoint_in_another_copy_of_the_app_is_told(
    tmp_path: Path, session: LiveSession, editor: Editor
) -> None:
    """A breakpoint in a file that runs do not execute is refused, and the file that was meant is named."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "jobs.py").write_text(SOURCE)

    [answered] = await editor.break_at(copy / "jobs.py", 3)
    warned = await session.witness.wait_event(Warned)

    assert not answered["verified"]
    assert str(copy / "jobs.py") in warned.text
    assert "never met" in warned.text


async def test_a_wrong_mapping_is_told(tmp_path: Path, session: LiveSession) -> None:
    """A mapping of another directory to /var/task is said, and does no harm to breakpoints in the source."""
    mapping = {"localRoot": str(tmp_path), "remoteRoot": "/var/task"}

    async with attached(port_of(session), pathMappings=[mapping]) as editor:
        app = tmp_path / "src"
        await editor.break_at(app / "jobs.py", line_of("area = "))
        session.call("Resize", {"width": 3})
        run = await editor.next_run()
        frame = await run.wait_stopped()
        await run.go_on()

    warned = await session.witness.wait_event(Warned)
    assert str(app / "jobs.py") == frame.path
    assert f"maps {tmp_path} to /var/task" in warned.text


async def test_an_editor_may_see_the_source_through_a_link(
    tmp_path: Path, app: Path, session: LiveSession, editor: Editor
) -> None:
    """Breakpoints in a directory that is a symbolic link to the source hold, and frames have its paths."""
    link = tmp_path / "link"
    link.symlink_to(app)
    await editor.break_at(link / "jobs.py", line_of("area = "))
    session.call("Resize", {"width": 3})

    run = await editor.next_run()
    frame = await run.wait_stopped()
    await run.go_on()

    assert str(link / "jobs.py") == frame.path


async def test_there_is_one_root_session(session: LiveSession, editor: Editor) -> None:
    """A second editor is told that there is one already."""
    with pytest.raises(Refused, match="Visual Studio Code is attached already"):
        async with attached(port_of(session)):
            pass


async def test_the_port_can_be_taken() -> None:
    """A port that somebody else listens on is an error that names another one."""
    first = DebugServer(DebugSettings(port=0), LocalPaths(Path("/nowhere")), Witness())
    await first.open()
    second = DebugServer(DebugSettings(port=first.port), LocalPaths(Path("/nowhere")), Witness())

    with pytest.raises(DebugPortTaken) as raised:
        await second.open()
    await first.close()

    assert f"--debug {first.port + 1}" in raised.value.remedy
