"""A session whose engine is away for a while, or for good, loses no run."""

from __future__ import annotations

from pathlib import Path

from livejob.errors import EngineUnavailable, ImageMissing, LivejobError
from livejob.local_runner.engines.port import EngineInfo, Worker, WorkerSpec
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.events import EngineBack, EngineWaiting
from livejob.wire.ids import SessionId
from livejob.wire.states import State
from tests.support.sessions import live_session

JOB = """
from livejob import job

@job
def greet(payload):
    return "hello"
"""


class TroubledEngine:
    """The process engine, behind one that answers its first launches with `troubles`."""

    def __init__(self, troubles: list[LivejobError]) -> None:
        self._engine = ProcessEngine()
        self._troubles = troubles

    async def check(self) -> EngineInfo:
        return await self._engine.check()

    async def launch(self, spec: WorkerSpec) -> Worker:
        if self._troubles:
            raise self._troubles.pop(0)
        return await self._engine.launch(spec)

    async def sweep(self, app: str, stage: str, live: frozenset[SessionId]) -> int:
        return await self._engine.sweep(app, stage, live)

    async def close(self) -> None:
        await self._engine.close()


def an_app(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "jobs.py").write_text(JOB)
    return source


async def test_a_run_waits_for_an_engine_that_is_away(tmp_path: Path):
    """Docker stopped while a run waits for its worker: that is said, and the run goes on when it is back."""
    engine = TroubledEngine([EngineUnavailable("Docker does not answer") for _ in range(2)])
    async with live_session(an_app(tmp_path), engine=engine) as session:
        run = await session.wait_ended(session.call("Greet"))

        assert State.SUCCEEDED == run.state
        assert ["Docker does not answer"] == [each.reason for each in session.witness.of(EngineWaiting)]
        assert 1 == len(session.witness.of(EngineBack))


async def test_a_run_fails_by_name_when_the_engine_stays_away(tmp_path: Path):
    """When the engine has not come back in time, the record says so with the remedy."""
    engine = TroubledEngine([EngineUnavailable("Docker does not answer") for _ in range(99)])
    async with live_session(an_app(tmp_path), engine=engine, engine_wait_s=0.1) as session:
        run = await session.wait_ended(session.call("Greet"))

        assert State.FAILED == run.state
        assert run.failure is not None
        assert ("WorkerFailed", "Docker does not answer") == (run.failure.type, run.failure.message)
        assert "--engine process" in run.failure.remedy


async def test_a_missing_image_fails_the_run_and_the_next_one_tries_again(tmp_path: Path):
    """An image that is not there is told with the command that makes it; nothing is stuck by it."""
    engine = TroubledEngine([ImageMissing("there is no image for python3.11")])
    async with live_session(an_app(tmp_path), engine=engine) as session:
        failed = await session.wait_ended(session.call("Greet"))
        after = await session.wait_ended(session.call("Greet"))

        assert failed.failure is not None and "livejob image build" in failed.failure.remedy
        assert State.SUCCEEDED == after.state
