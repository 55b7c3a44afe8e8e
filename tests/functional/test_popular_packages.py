"""Popular packages through preload, fork and use: the same as without, only sooner."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.errors import DependenciesUnusable
from livejob.local_runner.engines.process import ProcessEngine
from livejob.project.dependencies import TargetPython, install_packages, wanted_packages
from livejob.wire.worker import ModulesLearned, Preload
from tests.support.attempts import WorkerDriver, open_worker, worker_spec

APP = Path(__file__).parents[1] / "apps" / "popular"

THREADED = """
import os, queue, threading
PID = os.getpid()
JOBS = queue.Queue()
def work():
    while True:
        JOBS.get()()
threading.Thread(target=work, daemon=True).start()
"""

EXPECTED = {
    "boto3": True,
    "requests": "ok",
    "httpx": "ok",
    "pandas": {"Bern": 4, "Rio": 3},
    "numpy": [1600.0, 2.0],
    "pydantic": 3,
    "sqlalchemy": 42,
    "aiohttp": "ok",
    "cryptography": "secret",
    "pillow": [4, 2],
    "tls": True,
}


@pytest.fixture(scope="session")
def popular_packages() -> Path:
    """The packages, installed once on this machine; without an index skips, but not in CI."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "livejob" / "test-packages"
    wanted = wanted_packages(APP, APP)
    assert wanted is not None
    python = TargetPython(".".join(platform.python_version_tuple()[:2]), Path(sys.executable))
    try:
        return install_packages(cache, wanted, python)
    except DependenciesUnusable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(f"popular packages cannot be installed: {error}")


@pytest.fixture
async def worker(popular_packages: Path, tmp_path: Path) -> AsyncIterator[WorkerDriver]:
    """A worker with the popular packages and one that starts a thread when it is imported."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for each in popular_packages.iterdir():
        (packages / each.name).symlink_to(each)
    (packages / "threaded.py").write_text(THREADED)
    environment = {"no_proxy": "127.0.0.1"}
    spec = worker_spec(APP, dependencies=packages, environment=environment)
    async with open_worker(ProcessEngine(), spec) as driver:
        yield driver


async def next_learned(worker: WorkerDriver) -> ModulesLearned:
    while not isinstance(message := await worker.next_message(), ModulesLearned):
        pass
    return message


async def learned(worker: WorkerDriver) -> ModulesLearned:
    """All that the worker learns, until it has found what it may import ahead."""
    excluded: dict[str, str] = {}
    while True:
        message = await next_learned(worker)
        excluded.update(message.excluded)
        if message.modules:
            return ModulesLearned(message.modules, excluded, message.is_spoilt)


@pytest.mark.slow
async def test_popular_packages_work_after_a_fork(worker: WorkerDriver):
    """Each package is used by an attempt, then imported ahead, then used twice more: always with success."""
    await worker.send(Preload([], [], {}, is_to_learn=True))
    before = {name: (await worker.run(f"uses.uses_{name}")).result for name in EXPECTED}
    found = await learned(worker)
    after = [{name: (await worker.run(f"uses.uses_{name}")).result for name in EXPECTED} for _ in range(2)]

    assert EXPECTED == before
    assert [EXPECTED, EXPECTED] == after
    tops = {name.partition(".")[0] for name in found.modules}
    assert {"boto3", "requests", "httpx", "pandas", "numpy", "pydantic", "sqlalchemy", "aiohttp"} <= tops
    assert {"cryptography", "PIL"} <= tops
    assert {} == {name: why for name, why in found.excluded.items() if "cannot be imported" not in why}


@pytest.mark.slow
async def test_attempts_draw_different_numbers(worker: WorkerDriver):
    """No two attempts have the same random numbers, whichever generator they ask."""
    await worker.send(Preload([], [], {}, is_to_learn=True))
    await worker.run("uses.draws")
    await learned(worker)

    draws = [(await worker.run("uses.draws")).result for _ in range(5)]

    assert [5, 5, 5, 5] == [len({json.dumps(each) for each in column}) for column in zip(*draws, strict=True)]


@pytest.mark.slow
async def test_a_package_with_a_thread_works_too(worker: WorkerDriver):
    """A package that starts a thread at its import is imported by each attempt, and its thread runs."""
    await worker.send(Preload([], [], {}, is_to_learn=True))
    first = (await worker.run("uses.uses_threads")).result
    while "threaded" not in (excluded := await next_learned(worker)).excluded:
        pass
    later = [(await worker.run("uses.uses_threads")).result for _ in range(2)]

    assert [[True, True]] * 3 == [first, *later]
    assert "starts threads" == excluded.excluded["threaded"]
