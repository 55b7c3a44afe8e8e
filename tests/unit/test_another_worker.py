"""When another worker of a job is made ready beside a run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from livejob.errors import WorkerFailed
from livejob.local_runner.active_run import ActiveRun
from livejob.local_runner.another_worker import AnotherWorker

MEMORY_BYTES = 512


@dataclass
class World:
    """Two jobs, the runs that the test lets be, and what was made ready."""

    left_bytes: int | None = None
    error: Exception | None = None
    active: list[Any] = field(default_factory=list)
    warmed: list[str] = field(default_factory=list)

    def another(self) -> AnotherWorker:
        jobs: Any = {name: _job(name) for name in ("Resize", "Report")}
        return AnotherWorker(self._warm, jobs, lambda: self.active, lambda: self.left_bytes)

    async def _warm(self, job: Any) -> None:
        self.warmed.append(job.spec.name)
        if self.error is not None:
            raise self.error


def _job(name: str) -> Any:
    return SimpleNamespace(spec=SimpleNamespace(name=name, memory_bytes=MEMORY_BYTES))


def run_of(job: str, run_id: str = "run_1", *, has_worker: bool = True) -> ActiveRun:
    run: Any = SimpleNamespace(id=run_id, job=job)
    return ActiveRun(run, 0.0, has_worker=has_worker)


def looks(world: World, *moments: list[ActiveRun]) -> list[str]:
    """What was made ready after a look at each of the moments."""

    async def look() -> None:
        another = world.another()
        for world.active in moments:
            await another.look()

    asyncio.run(look())
    return world.warmed


@pytest.mark.parametrize(
    ("moments", "warmed"),
    [
        ([[run_of("Resize")]], []),
        ([[run_of("Resize")], [run_of("Resize")]], ["Resize"]),
        ([[run_of("Resize")], [run_of("Resize", "run_2")]], []),
        ([[run_of("Resize")], [], [run_of("Resize")]], []),
        ([[run_of("Resize", has_worker=False)], [run_of("Resize")]], []),
        ([[run_of("Gone")], [run_of("Gone")]], []),
        (
            [[run_of("Resize"), run_of("Report", "run_2")], [run_of("Resize"), run_of("Report", "run_2")]],
            ["Report", "Resize"],
        ),
        ([[run_of("Resize"), run_of("Resize", "run_2")], [run_of("Resize", "run_2")]], ["Resize"]),
    ],
    ids=["new", "lasts", "another", "came back", "waits for a worker", "job removed", "two jobs", "two runs"],
)
def test_a_run_that_is_there_at_two_looks_lasts(moments: list[list[ActiveRun]], warmed: list[str]):
    """Only beside a run that lasts another worker is made ready, one for each job."""
    assert warmed == looks(World(), *moments)


@pytest.mark.parametrize(
    ("left_bytes", "warmed"), [(None, ["Resize"]), (MEMORY_BYTES, ["Resize"]), (MEMORY_BYTES - 1, [])]
)
def test_nothing_is_made_ready_without_memory(left_bytes: int | None, warmed: list[str]):
    """Less memory left than the job may use: its second run starts its worker by itself."""
    assert warmed == looks(World(left_bytes), [run_of("Resize")], [run_of("Resize")])


def test_what_goes_wrong_is_left_to_the_run(capsys: pytest.CaptureFixture[str]):
    """An engine that does not answer is told by the run that needs the worker, and the looks go on."""
    moment = [run_of("Resize")]

    assert ["Resize", "Resize"] == looks(World(error=WorkerFailed("no")), moment, moment, moment)
