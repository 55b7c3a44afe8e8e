"""What is the process engine's own: processes of this machine, and none of them left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.errors import WorkerFailed
from livejob.local_runner.engines.process import Label, ProcessEngine
from livejob.runner.processes import descendants, with_environment
from livejob.wire.names import ENV_WORKER
from livejob.wire.worker import Hello
from tests.support.attempts import HANDLERS, WorkerDriver, open_worker, wait_until, worker_spec

OWNER = f"ses_process_engine_{os.getpid()}"

DAEMON = """
import asyncio, sys
from livejob.local_runner.engines.process import ProcessEngine
from tests.support.attempts import HANDLERS, WorkerDriver, worker_spec

async def main():
    worker = WorkerDriver(await ProcessEngine().launch(worker_spec(HANDLERS, owner=sys.argv[1])))
    await worker.begin("stops.waits_for_a_subprocess")
    await worker.wait_output(b"ready")
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def of_owner(owner: str) -> list[int]:
    """Pids of all processes of an owner's workers."""
    labelled = ((pid, Label.parse(text)) for pid, text in with_environment(ENV_WORKER))
    return [pid for pid, label in labelled if label is not None and label.owner == owner]


def wait_for_processes() -> None:
    """Wait until there are three: the supervisor, the attempt, and what its handler starts."""
    while len(of_owner(OWNER)) < 3:
        time.sleep(0.01)


async def launch(owner: str = OWNER) -> WorkerDriver:
    driver = WorkerDriver(await ProcessEngine().launch(worker_spec(HANDLERS, owner=owner)))
    hello = await driver.next_message()
    assert isinstance(hello, Hello)
    driver.hello = hello
    return driver


@pytest.fixture
def daemon() -> Iterator[subprocess.Popen[str]]:
    """A process that holds a worker with a running attempt."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DAEMON), OWNER],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        wait_for_processes()
        yield process
        process.kill()


async def test_nothing_survives_a_killed_daemon(daemon: subprocess.Popen[str]):
    """kill -9 of the daemon ends its workers, their attempts, and what those have started."""
    daemon.kill()

    await wait_until(lambda: not of_owner(OWNER))


async def test_nothing_survives_a_killed_supervisor():
    """kill -9 of the supervisor: the attempt dies with it, and what that has started is ended."""
    worker = await launch()
    await worker.begin("stops.waits_for_a_subprocess")
    await worker.wait_output(b"ready")
    wait_for_processes()

    os.kill(worker.hello.pid, signal.SIGKILL)
    ended = await worker.wait_gone()

    assert -signal.SIGKILL == ended.exit_code
    assert [] == of_owner(OWNER)
    await worker.worker.kill()


async def test_a_sweep_finds_what_a_killed_daemon_left(daemon: subprocess.Popen[str]):
    """Daemon and supervisor both killed: the sweep of the next session ends what is left."""
    [supervisor] = [pid for pid in descendants(daemon.pid) if daemon.pid == _parent(pid)]
    os.kill(daemon.pid, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    daemon.kill()
    daemon.wait()
    assert of_owner(OWNER)

    count = await ProcessEngine().sweep("shop", _stage_of(OWNER), frozenset())

    assert 1 == count
    assert [] == of_owner(OWNER)


async def test_a_supervisor_that_cannot_start_says_why(tmp_path: Path):
    """A worker without a livejob package ends at once, its last words in the exit."""
    worker = await ProcessEngine("/usr/bin/env").launch(worker_spec(HANDLERS))
    ended = await worker.wait_ended()
    await worker.kill()

    assert 0 != ended.exit_code
    assert "env" in ended.detail


async def test_a_python_that_is_not_there():
    """A Python that does not exist is named."""
    with pytest.raises(WorkerFailed, match="/nowhere/python could not be started"):
        await ProcessEngine("/nowhere/python").launch(worker_spec(HANDLERS))


async def test_modules_of_the_source_do_not_shadow_the_supervisors(tmp_path: Path):
    """A source with modules named like those that the supervisor needs does not keep it from starting."""
    for name in ("asyncio", "selectors", "signal", "livejob"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('shadowed')\n")
    (tmp_path / "job.py").write_text("def handler():\n    return 1\n")

    async with open_worker(ProcessEngine(), worker_spec(tmp_path)) as worker:
        attempt = await worker.run("job.handler")

    assert 1 == attempt.result


async def test_check_says_what_is_missing():
    """The ready line of this engine says that there is no container."""
    info = await ProcessEngine().check()

    assert "no container" in info.notes[0]


def _parent(pid: int) -> int:
    return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])


def _stage_of(owner: str) -> str:
    """Of the workers that an owner in another process has made with that process's own default."""
    labels = (Label.parse(text) for _, text in with_environment(ENV_WORKER))
    return next(label.stage for label in labels if label is not None and label.owner == owner)
