"""What every engine promises: tests of the port in livejob/local_runner/engines/port.py."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from livejob.errors import WorkerFailed
from livejob.runner.processes import with_environment
from livejob.wire.ids import SessionId
from livejob.wire.worker import Hello, Shutdown
from tests.support.attempts import (
    DEADLINE_S,
    HANDLERS,
    STAGE,
    WorkerDriver,
    open_worker,
    wait_until,
    worker_spec,
)
from tests.support.engine_fixtures import EngineUnderTest

MARK = "LIVEJOB_TEST_MARK"
"""Variable by which a test knows the processes that its handler started, whatever their pid inside."""


async def launch(engine: EngineUnderTest, **changes: object) -> WorkerDriver:
    """A worker that has said Hello, whose end is the test's own."""
    spec = worker_spec(HANDLERS, image=engine.image, **changes)  # type: ignore[arg-type]
    driver = WorkerDriver(await engine.engine.launch(spec))
    assert isinstance(await driver.next_message(), Hello)
    return driver


def marked(mark: str) -> list[int]:
    """Pids of the processes that carry the mark."""
    return [pid for pid, value in with_environment(MARK) if value == mark]


async def start_marked_process(driver: WorkerDriver) -> str:
    """An attempt whose handler waits for a process that it started; the mark of that process."""
    mark = secrets.token_hex(8)
    await driver.begin("stops.waits_for_a_subprocess", environment={MARK: mark})
    await wait_until(lambda: bool(marked(mark)))
    return mark


async def test_check_names_the_engine(engine: EngineUnderTest):
    """An engine that answers says its name and version."""
    info = await engine.engine.check()

    assert engine.name == info.name
    assert info.version


async def test_a_worker_begins_with_hello(engine: EngineUnderTest):
    """The first frame of a worker is its Hello, with its Python."""
    async with open_worker(engine.engine, worker_spec(HANDLERS, image=engine.image)) as worker:
        assert worker.hello.python.startswith("3.")
        assert worker.worker.id


async def test_a_worker_ends_when_told(engine: EngineUnderTest):
    """After Shutdown the channel ends, the exit code is 0, and further sending is refused."""
    driver = await launch(engine)

    await driver.send(Shutdown())
    ended = await driver.wait_gone()

    assert (0, False) == (ended.exit_code, ended.is_out_of_memory)
    assert b"" == await driver.worker.receive()
    with pytest.raises(WorkerFailed):
        await driver.send(Shutdown())


async def test_kill_ends_everything(engine: EngineUnderTest):
    """A killed worker leaves nothing of its attempt alive; killing it again does nothing."""
    driver = await launch(engine)
    mark = await start_marked_process(driver)

    await driver.worker.kill()
    await driver.worker.kill()

    assert [] == marked(mark)
    assert 0 != (await driver.worker.wait_ended()).exit_code


async def test_kill_does_not_wait_for_a_reader(engine: EngineUnderTest):
    """A worker full of output that nobody takes can be killed."""
    driver = await launch(engine)
    await driver.begin("output.writes_without_newline", 10_000_000)

    await driver.worker.kill()

    async with asyncio.timeout(DEADLINE_S):
        await driver.worker.wait_ended()


async def test_the_end_can_be_awaited_by_many(engine: EngineUnderTest):
    """All who wait hear of the end; one that gives up waiting disturbs nobody."""
    driver = await launch(engine)
    waiting = [asyncio.ensure_future(driver.worker.wait_ended()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()

    await driver.close()
    _, *exits = await asyncio.gather(*waiting, return_exceptions=True)

    assert [0, 0] == [each.exit_code for each in exits if not isinstance(each, BaseException)]


async def test_garbage_ends_a_worker(engine: EngineUnderTest):
    """A worker that is sent what is no message ends, and says so."""
    driver = await launch(engine)

    await driver.worker.send(b"\xff" * 64)
    ended = await driver.wait_gone()
    await driver.worker.kill()

    assert 1 == ended.exit_code
    assert "the daemon sent what is no message" in ended.detail


async def test_the_daemons_environment_stays_outside(
    engine: EngineUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """An attempt sees the variables of the spec, and none of the process that launched the worker."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEDEVELOPER")
    monkeypatch.setenv("EDITOR_OF_THE_DEVELOPER", "vi")
    spec = worker_spec(HANDLERS, image=engine.image, environment={"COLOUR": "blue"})

    async with open_worker(engine.engine, spec) as worker:
        attempt = await worker.run("surroundings.environment")

    assert "blue" == attempt.result["COLOUR"]
    assert set() == {"AWS_ACCESS_KEY_ID", "EDITOR_OF_THE_DEVELOPER"} & attempt.result.keys()


async def test_dependencies_are_importable(engine: EngineUnderTest, tmp_path: Path):
    """Packages of the dependencies directory can be imported by a handler."""
    app, dependencies = tmp_path / "app", tmp_path / "dependencies"
    for directory in (app, dependencies):
        directory.mkdir()
    (dependencies / "third_party.py").write_text("ANSWER = 42\n")
    (app / "job.py").write_text("import third_party\n\ndef handler():\n    return third_party.ANSWER\n")
    tmp_path.chmod(0o755)

    spec = worker_spec(app, image=engine.image, dependencies=dependencies)
    async with open_worker(engine.engine, spec) as worker:
        attempt = await worker.run("job.handler")

    assert 42 == attempt.result


async def test_a_source_that_is_not_there(engine: EngineUnderTest, tmp_path: Path):
    """A worker of a directory that does not exist is refused with its name."""
    spec = worker_spec(tmp_path / "nowhere", image=engine.image)

    with pytest.raises(WorkerFailed, match="nowhere"):
        await engine.engine.launch(spec)


async def test_sweep_ends_orphans_only(engine: EngineUnderTest):
    """A sweep ends the workers of owners that are gone, of this app and stage, and says how many."""
    orphan = await launch(engine, owner="ses_gone")
    mark = await start_marked_process(orphan)
    mine = await launch(engine, owner="ses_here")
    other_stage = await launch(engine, owner="ses_gone", stage=f"{STAGE}-other")

    count = await engine.engine.sweep("shop", STAGE, frozenset({SessionId("ses_here")}))

    assert 1 == count
    assert [] == marked(mark)
    assert 0 != (await orphan.worker.wait_ended()).exit_code
    assert 1 == (await mine.run("values.echo", 1)).result
    assert 1 == (await other_stage.run("values.echo", 1)).result
    await orphan.worker.kill()
    await mine.close()
    await other_stage.close()


async def test_sweep_without_orphans(engine: EngineUnderTest):
    """A sweep that finds nothing says 0."""
    assert 0 == await engine.engine.sweep("shop", f"{STAGE}-unused", frozenset())
