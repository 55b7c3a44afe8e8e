"""The child that a worker forks ahead: the next attempt is its, and has the sources of its own begin."""

from __future__ import annotations

import os
import random
import signal
import string
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.local_runner.engines.process import ProcessEngine
from livejob.runner.processes import descendants
from livejob.runner.snapshot import pack
from livejob.wire.worker import CheckImport, ImportChecked, Preload, SourcesChanged
from tests.support.attempts import WorkerDriver, open_worker, wait_until, worker_spec

JOB = """
import os, random, sys
from pathlib import Path

def begin(payload):
    return [os.getpid(), 1]

def late(payload):
    print("begun", flush=True)
    while not Path(payload).exists():
        pass
    import part
    return part.VALUE

def length(payload):
    return [os.getpid(), len(payload)]

def dice(payload):
    return random.random()

def place(payload):
    return [os.getcwd(), os.environ["MODE"], sys.argv]
"""


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[WorkerDriver]:
    """A worker that has had one attempt, and the job's source; its child waits."""
    (tmp_path / "src").mkdir()
    async with open_worker(ProcessEngine(), worker_spec(tmp_path / "src")) as driver:
        await driver.send(sources(**{"job.py": JOB, "part.py": "VALUE = 1\n"}))
        await driver.run("job.dice")
        await wait_child(driver)
        yield driver


def sources(**texts: str) -> SourcesChanged:
    packed = {path: pack(text.encode()) for path, text in texts.items()}
    files = [(path, len(data)) for path, data in packed.items()]
    return SourcesChanged(files, [], [], [], is_last=True, body=b"".join(packed.values()))


async def wait_child(worker: WorkerDriver, other_than: int = 0) -> int:
    """The pid of the child that waits, as soon as there is one and nothing else."""

    def waits() -> bool:
        found = descendants(worker.hello.pid)
        return len(found) == 1 and found != [other_than]

    await wait_until(waits)
    return descendants(worker.hello.pid)[0]


async def test_the_attempt_is_the_child_that_waits(worker: WorkerDriver):
    """No process is made for an attempt while one waits; another one waits after it."""
    waiting = await wait_child(worker)

    attempt = await worker.run("job.begin")

    assert [waiting, 1] == attempt.result
    assert waiting != await wait_child(worker, other_than=waiting)


async def test_it_has_what_was_saved_since_it_waits(worker: WorkerDriver):
    """Each save reaches the child that waits, up to the one right before its order."""
    waiting = await wait_child(worker)
    for number in range(2, 20):
        await worker.send(sources(**{"job.py": JOB.replace("getpid(), 1", f"getpid(), {number}")}))

    attempt = await worker.run("job.begin")

    assert [waiting, 19] == attempt.result


async def test_it_keeps_the_sources_of_its_begin(worker: WorkerDriver, tmp_path: Path):
    """What is saved after an attempt has begun does not reach it, also in what it imports late."""
    await worker.begin("job.late", str(tmp_path / "go"))
    await worker.wait_output(b"begun")
    await worker.send(sources(**{"part.py": "VALUE = 2\n"}))
    (tmp_path / "go").touch()

    first = await worker.finish()
    second = await worker.run("job.late", str(tmp_path / "go"))

    assert [1, 2] == [first.result, second.result]


async def test_more_than_a_pipe_takes_is_saved(worker: WorkerDriver):
    """A save that cannot be given to the child that waits ends it; the attempt has the save all the same."""
    waiting = await wait_child(worker)
    noise = "".join(random.choices(string.printable[:62], k=200_000))
    text = JOB.replace("getpid(), 1", "getpid(), 2")
    await worker.send(sources(**{"job.py": text, "noise.py": f"# {noise}\n"}))

    pid, version = (await worker.run("job.begin")).result

    assert 2 == version
    assert waiting != pid


async def test_saves_that_it_has_not_read_yet(worker: WorkerDriver):
    """A child that is kept from reading is let go when its pipe is full, and nothing stale runs."""
    waiting = await wait_child(worker)
    os.kill(waiting, signal.SIGSTOP)
    for number in range(2, 40):
        noise = "".join(random.choices(string.printable[:62], k=10_000))
        text = JOB.replace("getpid(), 1", f"getpid(), {number}")
        await worker.send(sources(**{"job.py": f"{text}\n# {noise}"}))

    pid, version = (await worker.run("job.begin")).result

    assert 39 == version
    assert waiting != pid


async def test_a_payload_that_no_pipe_takes(worker: WorkerDriver):
    """A large payload reaches its attempt."""
    attempt = await worker.run("job.length", "x" * 500_000)

    assert 500_000 == attempt.result[1]


async def test_a_child_that_is_killed_while_it_waits(worker: WorkerDriver):
    """Somebody kills it: the attempt has another process."""
    waiting = await wait_child(worker)
    os.kill(waiting, signal.SIGKILL)
    await wait_until(lambda: waiting not in descendants(worker.hello.pid))

    pid, version = (await worker.run("job.begin")).result

    assert 1 == version
    assert waiting != pid


async def test_what_belongs_to_the_attempt_alone(worker: WorkerDriver, tmp_path: Path):
    """Environment, working directory and arguments are those of the order, not of the fork."""
    attempt = await worker.run("job.place", environment={"MODE": "fast"})

    assert [str(tmp_path / "src"), "fast", ["job.place"]] == attempt.result


async def test_a_source_directory_that_was_made_anew(worker: WorkerDriver, tmp_path: Path):
    """The directory is removed and made again while the child waits: the attempt is in the new one."""
    (tmp_path / "src").rmdir()
    (tmp_path / "src").mkdir()

    attempt = await worker.run("job.place", environment={"MODE": ""})

    assert str(tmp_path / "src") == attempt.result[0]


async def test_random_numbers_differ(worker: WorkerDriver):
    """Each attempt has a seed of its own."""
    numbers = {(await worker.run("job.dice")).result for _ in range(5)}

    assert 5 == len(numbers)


async def test_packages_that_are_imported_ahead_are_in_the_next_child(worker: WorkerDriver):
    """A child that was forked before them is not used."""
    waiting = await wait_child(worker)
    await worker.send(Preload(["colorsys"], [], {}, is_to_learn=False))

    assert waiting != await wait_child(worker, other_than=waiting)


async def test_an_import_on_trial_leaves_it_alone(worker: WorkerDriver):
    """The process of a trial is ended with all that it has started, the child that waits is not."""
    waiting = await wait_child(worker)
    await worker.send(sources(**{"job.py": f"import subprocess\nsubprocess.Popen(['sleep', '60'])\n{JOB}"}))
    await worker.send(CheckImport("job.begin", {}))

    checked = await worker.next_message()

    assert isinstance(checked, ImportChecked)
    assert (True, {}) == (checked.is_whole, checked.failure)
    assert waiting == await wait_child(worker)


async def test_an_attempt_that_breaks_off_a_trial_is_the_child_that_waits(worker: WorkerDriver):
    """A trial that goes on when an attempt comes is ended, and costs the attempt nothing."""
    waiting = await wait_child(worker)
    await worker.send(sources(**{"slow.py": "import time\ntime.sleep(60)\n\ndef run(payload): ..."}))
    await worker.send(CheckImport("slow.run", {}))
    await wait_until(lambda: len(descendants(worker.hello.pid)) == 2)

    attempt = await worker.run("job.begin")

    assert [waiting, 1] == attempt.result


async def test_it_ends_with_its_worker(worker: WorkerDriver):
    """Nothing waits for a worker that has gone."""
    waiting = await wait_child(worker)

    await worker.close()

    await wait_until(lambda: not Path(f"/proc/{waiting}/exe").exists())


async def test_it_ends_when_its_worker_is_killed(worker: WorkerDriver):
    """Not even then."""
    waiting = await wait_child(worker)
    os.kill(worker.hello.pid, signal.SIGKILL)

    await wait_until(lambda: not Path(f"/proc/{waiting}/exe").exists())
