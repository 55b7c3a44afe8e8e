"""Saves in a live session: no run has stale code, and a run keeps the code that it began with."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from livejob.local_runner.events import SourceSaved
from livejob.wire.states import State
from tests.support.sessions import LiveSession, live_session

JOBS = """
import importlib, time
from pathlib import Path
from livejob import job
import part

@job
def now(payload):
    return part.VALUE

@job
def later(payload):
    print("begun")
    while not Path(payload["gate"]).exists():
        time.sleep(0.002)
    try:
        return getattr(importlib.import_module(payload["module"]), payload.get("name", "VALUE"))
    except ImportError as error:
        return type(error).__name__
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app whose handler imports `part`; `late` is imported by whoever names it."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(JOBS)
    (source / "part.py").write_text("VALUE = 100\n")
    (source / "late.py").write_text("VALUE = 'old'\n")
    return source


async def result_of(session: LiveSession, job: str, payload: object = None) -> object:
    return session.result(await session.wait_ended(session.call(job, payload)))


def told_paths(session: LiveSession) -> set[str]:
    return {path for event in session.witness.of(SourceSaved) for path in event.paths}


def replace_by_rename(path: Path, text: str) -> None:
    (path.parent / f"{path.name}.tmp").write_text(text)
    (path.parent / f"{path.name}.tmp").replace(path)


def replace_as_vim(path: Path, text: str) -> None:
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def replace_as_pycharm(path: Path, text: str) -> None:
    new, old = (path.with_name(f"{path.name}___jb_{kind}___") for kind in ("tmp", "old"))
    new.write_text(text)
    path.rename(old)
    new.rename(path)
    old.unlink()


@pytest.mark.parametrize(
    "save", [Path.write_text, replace_by_rename, replace_as_vim, replace_as_pycharm], ids=lambda s: s.__name__
)
async def test_a_save_right_before_an_invocation_is_seen(app: Path, save):
    """However an editor writes, and however soon the call follows: the run has what was saved."""
    async with live_session(app) as session:
        results = []
        for number in range(101, 121):
            save(app / "part.py", f"VALUE = {number}\n")
            results.append(await result_of(session, "Now"))

    assert list(range(101, 121)) == results


async def test_several_files_saved_at_once_are_seen_together(app: Path):
    """A module that was never loaded before, imported by a changed one: the run has both as saved."""
    async with live_session(app) as session:
        results = [await result_of(session, "Now")]
        for number in range(20):
            (app / f"extra{number % 2}.py").write_text(f"NUMBER = {number}\n")
            (app / "part.py").write_text(f"from extra{number % 2} import NUMBER as VALUE\n")
            results.append(await result_of(session, "Now"))

    assert [100, *range(20)] == results


@pytest.mark.parametrize("change", ["edited", "deleted", "package"])
async def test_a_late_import_gets_the_code_of_the_begin(app: Path, tmp_path: Path, change: str):
    """A run that imports a module after a save has it as it was; the next run as it is."""
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        running = session.call("Later", {"gate": str(gate), "module": "late"})
        await session.wait_output(running, "begun")
        if change == "edited":
            (app / "late.py").write_text("VALUE = 'new'\n")
        else:
            (app / "late.py").unlink()
        if change == "package":
            (app / "late").mkdir()
            (app / "late" / "__init__.py").write_text("VALUE = 'new'\n")
        await session.witness.wait_event(SourceSaved)
        gate.touch()

        old = session.result(await session.wait_ended(running))
        new = await result_of(session, "Later", {"gate": str(gate), "module": "late"})

    assert ("old", "ModuleNotFoundError" if change == "deleted" else "new") == (old, new)


async def test_a_module_that_came_later_is_not_found_by_a_run_that_began_before(app: Path, tmp_path: Path):
    """What a run finds does not depend on when it looks."""
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        running = session.call("Later", {"gate": str(gate), "module": "fresh"})
        await session.wait_output(running, "begun")
        (app / "fresh.py").write_text("VALUE = 1\n")
        gate.touch()

        old = session.result(await session.wait_ended(running))
        new = await result_of(session, "Later", {"gate": str(gate), "module": "fresh"})

    assert ("ModuleNotFoundError", 1) == (old, new)


async def test_a_checkout_of_500_files_is_one_notice(app: Path):
    """The run after a checkout has the new branch; the save is told once or in few sets, not per file."""
    for number in range(500):
        (app / f"module{number}.py").write_text("VALUE = 1\n")
    git(app, "init", "--quiet", "--initial-branch", "one")
    git(app, "add", ".")
    git(app, "commit", "--quiet", "-m", "one")
    git(app, "checkout", "--quiet", "-b", "two")
    for number in range(500):
        (app / f"module{number}.py").write_text("VALUE = 2\n")
    git(app, "commit", "--quiet", "-a", "-m", "two")
    (app / "part.py").write_text("from module499 import VALUE\n")
    async with live_session(app) as session:
        await asyncio.to_thread(git, app, "checkout", "--quiet", "one")

        result = await result_of(session, "Now")
        modules = {f"module{number}.py" for number in range(500)}
        await session.witness.wait_event(SourceSaved, lambda _: modules == told_paths(session))

    assert 1 == result
    assert 20 > len(session.witness.of(SourceSaved))


async def test_files_written_as_they_were_are_no_save(app: Path):
    """A formatter that changes nothing and a data file give no notice; the next real save does."""
    async with live_session(app) as session:
        for path in app.glob("*.py"):
            path.write_bytes(path.read_bytes())
        (app / "data.json").write_text("{}")
        (app / "build").mkdir()
        (app / "part.py").write_text("VALUE = 7\n")
        first = await session.witness.wait_event(SourceSaved)

    assert ["part.py"] == list(first.paths)


async def test_what_git_ignores_is_no_save(app: Path):
    """Output into an ignored directory gives no notice, though it is Python; imports still find it."""
    (app / ".gitignore").write_text("out/\n")
    (app / "out").mkdir()
    async with live_session(app) as session:
        (app / "out" / "made.py").write_text("VALUE = 'made'\n")
        (app / "part.py").write_text("from out.made import VALUE\n")

        first = await session.witness.wait_event(SourceSaved)
        result = await result_of(session, "Now")

    assert (["part.py"], "made") == (list(first.paths), result)


async def test_files_outside_of_the_source(app: Path, tmp_path: Path):
    """Modules that the handler finds by a search path of its own are as they are on disk at each import."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (app / "part.py").write_text(
        f"import sys\nsys.path.insert(0, {str(shared)!r})\nfrom settings import VALUE\n"
    )
    async with live_session(app) as session:
        results = []
        for number in range(100, 120):
            (shared / "settings.py").write_text(f"VALUE = {number}\n")
            results.append(await result_of(session, "Now"))

    assert list(range(100, 120)) == results
    assert ["settings.py"] == sorted(path.name for path in shared.iterdir())


async def test_data_and_subprocesses_see_the_disk(app: Path, tmp_path: Path):
    """What is no import is read when it is read: a file opened late, and Python started by the handler."""
    (app / "reads.py").write_text(
        "import subprocess, sys\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
        "code = 'import late; print(late.VALUE)'\n"
        "VALUE = [(HERE / 'data.txt').read_text(),\n"
        "  subprocess.run([sys.executable, '-c', code], cwd=HERE, capture_output=True).stdout.decode()]\n"
    )
    (app / "data.txt").write_text("old")
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        running = session.call("Later", {"gate": str(gate), "module": "reads"})
        await session.wait_output(running, "begun")
        (app / "data.txt").write_text("new")
        (app / "late.py").write_text("VALUE = 'new'\n")
        gate.touch()

        run = await session.wait_ended(running)

    assert ["new", "new\n"] == session.result(run)


async def test_a_native_extension_in_the_source(app: Path):
    """An extension module beside the code is imported from disk."""
    extension = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_bisect.*.so"))
    (app / "native").mkdir()
    shutil.copy(extension, app / "native")
    (app / "part.py").write_text("from native import _bisect\nVALUE = _bisect.__file__\n")
    async with live_session(app) as session:
        result = await result_of(session, "Now")

    assert str(app / "native" / extension.name) == result


async def test_introspection_shows_the_code_that_runs(app: Path, tmp_path: Path):
    """After a save, inspect, linecache, pkgutil, resources and tracebacks of a run fit its own code."""
    (app / "plugins").mkdir()
    (app / "plugins" / "__init__.py").write_text("")
    (app / "plugins" / "one.py").write_text("")
    (app / "plugins" / "text.txt").write_text("seven")
    (app / "looks.py").write_text(
        "import importlib.resources, inspect, linecache, pkgutil, traceback\nimport late, plugins\n"
        "def failing():\n    raise ValueError('the old line')\n"
        "try:\n    failing()\nexcept ValueError:\n    trace = traceback.format_exc()\n"
        "VALUE = [inspect.getsource(late), linecache.getline(late.__file__, 1),\n"
        "  [each.name for each in pkgutil.iter_modules(plugins.__path__)],\n"
        "  importlib.resources.files('plugins').joinpath('text.txt').read_text(),\n"
        "  late.__loader__.get_source('late'), 'the old line' in trace]\n"
    )
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        running = session.call("Later", {"gate": str(gate), "module": "looks"})
        await session.wait_output(running, "begun")
        (app / "late.py").write_text("\n\n\nVALUE = 'new'\n")
        (app / "looks.py").write_text("VALUE = 'new'\n" * 30)
        (app / "plugins" / "two.py").write_text("")
        gate.touch()

        run = await session.wait_ended(running)

    old = "VALUE = 'old'\n"
    assert [old, old, ["one"], "seven", old, True] == session.result(run)


async def test_a_burst_of_runs_ends_well(app: Path):
    """Many runs at once share what there is to look at, and all have the saved code."""
    async with live_session(app, changes={"concurrency": 4}) as session:
        (app / "part.py").write_text("VALUE = 5\n")
        calls = [session.call("Now") for _ in range(40)]

        runs = [await session.wait_ended(call) for call in calls]

    assert [State.SUCCEEDED] * 40 == [run.state for run in runs]
    assert {5} == {session.result(run) for run in runs}


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Mia", "-c", "user.email=mia@example.com", "-c", "gc.auto=0"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True)
