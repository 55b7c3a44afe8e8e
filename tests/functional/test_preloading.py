"""Packages that a job needs are imported once for all its attempts, unless their import leaves something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.local_runner.engines.process import ProcessEngine
from livejob.wire.worker import ModulesLearned, Preload
from tests.support.attempts import WorkerDriver, open_worker, worker_spec

JOB = """
import os
import package
def handler():
    return package.PID == os.getpid()
"""

PACKAGE = "import os\nPID = os.getpid()\n"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A directory of third-party packages; `package` remembers the process that has imported it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "package.py").write_text(PACKAGE)
    return packages


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app whose handler says whether its own process has imported the package."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "job.py").write_text(JOB)
    return app


@pytest.fixture
async def worker(app: Path, packages: Path) -> AsyncIterator[WorkerDriver]:
    async with open_worker(ProcessEngine(), worker_spec(app, dependencies=packages)) as driver:
        yield driver


async def learn(worker: WorkerDriver) -> ModulesLearned:
    """All that the worker learns, until it has found what it may import ahead."""
    excluded: dict[str, str] = {}
    while True:
        message = await worker.next_message()
        if isinstance(message, ModulesLearned):
            excluded.update(message.excluded)
            if message.modules or not message.excluded:
                return ModulesLearned(message.modules, excluded, message.is_spoilt)


async def test_without_preload_every_attempt_imports(worker: WorkerDriver):
    """A worker that is not asked to imports nothing ahead."""
    assert [True, True] == [(await worker.run("job.handler")).result for _ in range(2)]


async def test_what_an_attempt_has_imported_is_imported_ahead(worker: WorkerDriver):
    """After the first attempt the package is tried out; the second has it by the fork."""
    await worker.send(Preload([], [], {}, is_to_learn=True))
    first = (await worker.run("job.handler")).result
    learned = await learn(worker)
    second = (await worker.run("job.handler")).result

    assert (True, False) == (first, second)
    assert "package" in learned.modules


async def test_a_worker_that_is_told(worker: WorkerDriver):
    """What another worker has learned is imported before the first attempt."""
    await worker.send(Preload(["package"], [], {}, is_to_learn=False))

    assert (await worker.run("job.handler")).result is False


async def test_what_is_excluded_is_left(worker: WorkerDriver):
    """An excluded module is imported by each attempt, be it among the modules too."""
    await worker.send(Preload(["package"], ["package"], {}, is_to_learn=False))

    assert (await worker.run("job.handler")).result is True


async def test_the_environment_at_the_import_is_the_jobs(app: Path, packages: Path, worker: WorkerDriver):
    """A package that reads a variable when it is imported reads the job's."""
    (packages / "package.py").write_text("import os\nMODE = os.environ.get('MODE')\n")
    (app / "job.py").write_text("import package\ndef handler():\n    return package.MODE\n")
    await worker.send(Preload(["package"], [], {"MODE": "fast"}, is_to_learn=False))

    attempt = await worker.run("job.handler", environment={"MODE": "fast"})

    assert "fast" == attempt.result


HAZARDS = {
    "starts threads": "import threading\nT = threading.Timer(9, print)\nT.daemon = True\nT.start()",
    "opens sockets or files": "import socket\nSOCKET = socket.socket()",
    "reads randomness": "import uuid\nTOKEN = uuid.uuid4()",
    "makes a random generator": "import random\nDICE = random.Random()",
    "reads the clock": "import time\nBEGAN = time.time()",
    "takes signals": "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: None)",
    "prints": "print('Hello from the community')",
    "does not come to its end": "import os\nos._exit(3)",
}


@pytest.mark.parametrize("reason", HAZARDS)
async def test_what_leaves_something_is_never_imported_ahead(
    app: Path, packages: Path, worker: WorkerDriver, reason: str
):
    """A package of such an import, and one that imports it, are named with the reason; a third is loaded."""
    # In an attempt, which has the handler's module, the one that ends the process must not.
    condition = "if 'job' not in sys.modules:" if reason == "does not come to its end" else "if True:"
    body = HAZARDS[reason].replace("\n", "\n    ")
    (packages / "hazard.py").write_text(f"import sys\n{condition}\n    {body}\n{PACKAGE}")
    (packages / "wrapper.py").write_text("from hazard import PID\n")
    (app / "job.py").write_text(
        "import os, hazard, wrapper, package\n"
        "def handler():\n    return [each.PID == os.getpid() for each in (hazard, wrapper, package)]\n"
    )
    await worker.send(Preload([], [], {}, is_to_learn=True))
    first = (await worker.run("job.handler")).result
    learned = await learn(worker)
    second = (await worker.run("job.handler")).result

    assert ([True, True, True], [True, True, False]) == (first, second)
    assert {"hazard": reason, "wrapper": reason} == dict(learned.excluded)


async def test_a_module_that_cannot_be_imported_by_itself(app: Path, packages: Path, worker: WorkerDriver):
    """One that needs the handler's own modules is left, and does no harm to the others."""
    (packages / "needs.py").write_text("import settings\n")
    (app / "settings.py").write_text("")
    (app / "job.py").write_text("import needs\n" + JOB)
    await worker.send(Preload([], [], {}, is_to_learn=True))
    await worker.run("job.handler")
    learned = await learn(worker)

    assert (await worker.run("job.handler")).result is False
    assert "cannot be imported by itself" in learned.excluded["needs"]


async def test_the_users_own_module_comes_first(app: Path, worker: WorkerDriver):
    """A file of the source with the name of a package that was imported ahead is what attempts get."""
    await worker.send(Preload(["package"], [], {}, is_to_learn=False))
    before = (await worker.run("job.handler")).result
    (app / "package.py").write_text("PID = 'own'\n")
    (app / "job.py").write_text("import package\ndef handler():\n    return package.PID\n")

    after = (await worker.run("job.handler")).result

    assert (False, "own") == (before, after)


async def test_an_attempt_right_after_another_does_not_wait_for_a_trial(worker: WorkerDriver):
    """Attempts that follow one another at once all succeed; the trial is broken off and taken up again."""
    await worker.send(Preload([], [], {}, is_to_learn=True))

    results = [(await worker.run("job.handler")).result for _ in range(20)]

    assert results[0] is True
    await learn(worker)
    assert (await worker.run("job.handler")).result is False
