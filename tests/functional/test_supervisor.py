"""The supervisor as a process of its own, spoken to over its pipes by hand."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.local_runner.engines.process import SUPERVISOR, ProcessEngine
from livejob.runner.processes import descendants
from livejob.wire.framing import FrameReader
from livejob.wire.outcome import FailureType
from livejob.wire.worker import StartAttempt, Started, StopAttempt, WorkerMessage, decode, encode
from tests.support.attempts import (
    DEADLINE_S,
    HANDLERS,
    WorkerDriver,
    open_worker,
    wait_until,
    worker_spec,
)

WAITING_CHILD_DESCRIPTORS = 4
"""Its output, its errors, its report and its order."""


class Supervisor:
    """A supervisor whose channel the test holds."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", SUPERVISOR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"LAMBDA_TASK_ROOT": str(HANDLERS), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._reader = FrameReader()

    def start(self, handler: str) -> None:
        """Start an attempt and wait until its handler has written something."""
        assert self.process.stdin is not None
        self.process.stdin.write(encode(StartAttempt("run_1", 1, "Test", handler, 0, {}, b"null")))  # type: ignore[arg-type]
        self.process.stdin.flush()
        while not any(type(message).__name__ == "Output" for message in self._messages()):
            pass

    def _messages(self) -> Iterator[WorkerMessage]:
        assert self.process.stdout is not None
        for head, body in self._reader.feed(os.read(self.process.stdout.fileno(), 65536)):
            yield decode(head, body)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    started = Supervisor()
    with started.process:
        yield started
        started.process.kill()


@pytest.fixture
async def process_worker():
    """A worker of the process engine."""
    async with open_worker(ProcessEngine(), worker_spec(HANDLERS)) as driver:
        yield driver


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]


def test_the_end_of_the_channel_ends_everything(supervisor: Supervisor):
    """When the daemon goes, the supervisor kills the attempt and what it started, and exits with 0."""
    supervisor.start("stops.waits_for_a_subprocess")
    attempt = descendants(supervisor.process.pid)

    assert supervisor.process.stdin is not None
    supervisor.process.stdin.close()

    assert 0 == supervisor.process.wait(DEADLINE_S)
    assert [] == alive(attempt)
    assert attempt


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(supervisor: Supervisor, number: signal.Signals):
    """SIGTERM to the supervisor, as a container engine sends it, ends the attempt too."""
    supervisor.start("stops.ignores")
    attempt = descendants(supervisor.process.pid)

    supervisor.process.send_signal(number)

    assert 0 == supervisor.process.wait(DEADLINE_S)
    assert [] == alive(attempt)


async def test_a_busy_worker_refuses(process_worker: WorkerDriver):
    """A second attempt at the same time is refused, and the first goes on."""
    first = await process_worker.begin("stops.sleeps")
    await process_worker.wait_output(b"ready")
    second = await process_worker.begin("values.echo", 1)
    refused = await process_worker.finish()

    assert (second.run_id, FailureType.WORKER_FAILED) == (refused.ended.run_id, refused.failure.type)
    assert first.run_id in refused.failure.message
    await process_worker.send(_cancel(first))
    ended = await process_worker.finish()
    assert (first.run_id, "cancel") == (ended.ended.run_id, ended.input)


async def test_output_waits_for_its_reader(process_worker: WorkerDriver, tmp_path: Path):
    """While nobody reads the channel, the attempt's writing stops; the worker does not swallow it all."""
    mark = tmp_path / "full"
    await process_worker.begin("output.fills_the_pipe", {"mark": str(mark), "limit_bytes": 64_000_000})

    async with asyncio.timeout(DEADLINE_S):
        while not mark.exists():
            await asyncio.sleep(0.01)
    attempt = await process_worker.finish()

    assert attempt.result < 16_000_000
    assert attempt.result == len(attempt.stdout)


async def test_hundreds_of_attempts_leave_nothing(process_worker: WorkerDriver):
    """A worker that has had many attempts has what it had before them, and one child for the next."""
    pid = process_worker.hello.pid
    before = _descriptors(pid)

    for number in range(200):
        assert number == (await process_worker.run("values.echo", number)).result

    await wait_until(lambda: len(descendants(pid)) == 1)
    await wait_until(lambda: _descriptors(pid) == before + WAITING_CHILD_DESCRIPTORS)


async def test_started_names_the_process(process_worker: WorkerDriver):
    """Started has the pid of the attempt's process."""
    attempt = await process_worker.run("surroundings.session")

    started = attempt.messages[0]
    assert isinstance(started, Started)
    assert started.pid == attempt.result["pid"]


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _cancel(start: StartAttempt) -> WorkerMessage:
    return StopAttempt(start.run_id, start.attempt, "cancel", DEADLINE_S)
