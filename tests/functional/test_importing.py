"""Import of the user's sources in a real worker: always what is on disk, and tracebacks that fit."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.local_runner.engines.process import ProcessEngine
from livejob.runner.sources import SETTLED_MS
from livejob.wire.outcome import FailureType
from tests.support.attempts import WorkerDriver, open_worker, worker_spec


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app's source directory, empty."""
    source = tmp_path / "app"
    source.mkdir()
    return source


@pytest.fixture
async def worker(app: Path) -> AsyncIterator[WorkerDriver]:
    """A worker of that app."""
    async with open_worker(ProcessEngine(), worker_spec(app)) as driver:
        yield driver


async def wait_settled(path: Path) -> None:
    """Wait until a file's last change is so long ago that its compiled code is kept."""
    settled_ns = path.stat().st_ctime_ns + 2 * SETTLED_MS * 1_000_000
    while time.time_ns() < settled_ns:
        await asyncio.sleep(0.01)


async def test_quick_edits_are_never_missed(app: Path, worker: WorkerDriver):
    """Edits of one length, many in a second, in place: each attempt runs the code as it is then."""
    source = app / "job.py"

    results = []
    for number in range(100, 150):
        source.write_text(f"def handler():\n    return {number}\n")
        results.append((await worker.run("job.handler")).result)

    assert list(range(100, 150)) == results


async def test_edits_of_imported_modules_are_never_missed(app: Path, worker: WorkerDriver):
    """The same of a module that the handler's file imports, replaced as editors do."""
    (app / "job.py").write_text("from part import VALUE\n\ndef handler():\n    return VALUE\n")

    results = []
    for number in range(100, 120):
        (app / "part.py.tmp").write_text(f"VALUE = {number}\n")
        (app / "part.py.tmp").rename(app / "part.py")
        results.append((await worker.run("job.handler")).result)

    assert list(range(100, 120)) == results


async def test_an_edit_of_code_that_was_kept(app: Path, worker: WorkerDriver):
    """Code that the worker has kept compiled is dropped when its file changes, with one size and time."""
    source = app / "job.py"
    source.write_text("def handler():\n    return 1\n")
    written = source.stat()
    await wait_settled(source)

    before = [(await worker.run("job.handler")).result for _ in range(3)]
    source.write_text("def handler():\n    return 2\n")
    os.utime(source, ns=(written.st_atime_ns, written.st_mtime_ns))
    after = (await worker.run("job.handler")).result

    assert ([1, 1, 1], 2) == (before, after)


async def test_nothing_is_written_beside_the_source(app: Path, worker: WorkerDriver):
    """Neither an attempt nor a Python that it starts leaves a __pycache__ in the source."""
    (app / "part.py").write_text("VALUE = 1\n")
    (app / "job.py").write_text(
        "import subprocess, sys\nfrom part import VALUE\n"
        "def handler():\n    subprocess.run([sys.executable, '-c', 'import part'], check=True)\n"
        "    return VALUE\n"
    )

    assert 1 == (await worker.run("job.handler")).result
    assert ["job.py", "part.py"] == sorted(path.name for path in app.rglob("*"))


async def test_a_traceback_shows_the_lines_that_ran(app: Path, worker: WorkerDriver, tmp_path: Path):
    """A file edited while its code runs: the traceback has the lines of the code that ran."""
    source, gate = app / "job.py", tmp_path / "gate"
    source.write_text(
        "import pathlib, time\n"
        "def handler(payload):\n"
        "    print('ready', flush=True)\n"
        "    while not pathlib.Path(payload).exists():\n"
        "        time.sleep(0.001)\n"
        "    raise ValueError('the old line')\n"
    )
    await worker.begin("job.handler", str(gate))
    await worker.wait_output(b"ready")

    source.write_text("# all new\n" * 10)
    gate.touch()
    attempt = await worker.finish()

    assert "raise ValueError('the old line')" in attempt.failure.trace
    assert "all new" not in attempt.failure.trace


async def test_a_module_that_was_mended(app: Path, worker: WorkerDriver):
    """A syntax error ends with the edit that mends it, and begins with the one that makes it."""
    source = app / "job.py"
    outcomes = []
    for text in ("def handler(:\n", "def handler():\n    return 1\n", "def handler(:\n"):
        source.write_text(text)
        outcomes.append((await worker.run("job.handler")).input)

    assert ["fail", "succeed", "fail"] == outcomes


async def test_deleted_and_renamed_modules(app: Path, worker: WorkerDriver):
    """A module that is gone cannot be imported any more; one under a new name can."""
    (app / "job.py").write_text("def handler():\n    import part\n    return part.__name__\n")
    (app / "part.py").write_text("")
    first = await worker.run("job.handler")
    (app / "part.py").rename(app / "piece.py")
    second = await worker.run("job.handler")
    (app / "part").mkdir()
    (app / "part" / "__init__.py").write_text("")
    third = await worker.run("job.handler")

    assert "part" == first.result
    assert "ModuleNotFoundError" == second.failure.type
    assert "part" == third.result


async def test_packages_of_every_kind(app: Path, worker: WorkerDriver):
    """Packages, packages without __init__, relative imports, and data files beside the code work."""
    for path, text in {
        "shop/__init__.py": "NAME = 'shop'\n",
        "shop/orders.py": "from . import NAME\nfrom .deep.rates import RATE\n",
        "shop/deep/rates.py": "RATE = 7\n",
        "shop/data.txt": "seven",
        "job.py": (
            "import importlib.resources, inspect, pkgutil\n"
            "import shop\n"
            "from shop import orders\n"
            "def handler():\n"
            "    return [\n"
            "        orders.NAME,\n"
            "        orders.RATE,\n"
            "        importlib.resources.files('shop').joinpath('data.txt').read_text(),\n"
            "        pkgutil.get_data('shop', 'data.txt').decode(),\n"
            "        [each.name for each in pkgutil.iter_modules(shop.__path__)],\n"
            "        inspect.getsource(orders),\n"
            "    ]\n"
        ),
    }.items():
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(text)

    attempt = await worker.run("job.handler")

    source = "from . import NAME\nfrom .deep.rates import RATE\n"
    assert ["shop", 7, "seven", "seven", ["orders"], source] == attempt.result


@pytest.mark.parametrize("name", ["json", "livejob", "selectors"])
async def test_a_name_that_is_taken(app: Path, worker: WorkerDriver, name: str):
    """A handler's file with the name of a module that exists already is told so."""
    (app / f"{name}.py").write_text("def handler():\n    return 1\n")

    attempt = await worker.run(f"{name}.handler")

    assert FailureType.HANDLER_NOT_FOUND == attempt.failure.type
    assert f"the module name {name!r} belongs to " in attempt.failure.message


async def test_a_virtual_environment_in_the_source(app: Path, tmp_path: Path):
    """A directory of packages inside the source is Python's own business, .pyc files included."""
    packages = app / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "third_party.py").write_text("")
    (app / "job.py").write_text(
        "import third_party\ndef handler():\n    return type(third_party.__loader__).__name__\n"
    )

    async with open_worker(ProcessEngine(), worker_spec(app, dependencies=packages)) as worker:
        attempt = await worker.run("job.handler")

    assert "SourceFileLoader" == attempt.result
    assert [] != list(packages.rglob("third_party.*.pyc"))


async def test_a_source_behind_a_symlink(app: Path, tmp_path: Path):
    """A root that is a symlink keeps its own name in tracebacks."""
    (app / "job.py").write_text("def handler():\n    raise ValueError\n")
    link = tmp_path / "link"
    link.symlink_to(app)

    async with open_worker(ProcessEngine(), worker_spec(link)) as worker:
        attempt = await worker.run("job.handler")

    assert f'File "{link}/job.py", line 2, in handler' in attempt.failure.trace


async def test_two_attempts_see_the_same_path(app: Path, worker: WorkerDriver):
    """What one attempt does to its modules does not reach the next."""
    (app / "job.py").write_text(
        "import sys\nCALLS = []\ndef handler():\n    CALLS.append(1)\n    sys.path.append('/x')\n"
        "    return [len(CALLS), sys.path.count('/x')]\n"
    )

    results = [(await worker.run("job.handler")).result for _ in range(2)]

    assert [[1, 1], [1, 1]] == results


async def test_a_module_written_by_the_handler(app: Path, worker: WorkerDriver):
    """A module that appears while the handler runs can be imported at once."""
    (app / "job.py").write_text(
        "import pathlib\ndef handler():\n"
        "    pathlib.Path(__file__).with_name('fresh.py').write_text('VALUE = 5')\n"
        "    import fresh\n    return fresh.VALUE\n"
    )

    assert 5 == (await worker.run("job.handler")).result
    await asyncio.to_thread((app / "fresh.py").unlink)
