"""From the write of a file to the first line of the new code, while others call and a run goes on.

`python -m bench.reload [--saves N]`. The real daemon with real workers over the shipped memory twins of
record and bridge: what is measured is the way from a message to the handler, without AWS (bench.loop has
that). Each save is followed at once by a call; one run is in flight throughout. Once nobody else calls; once
somebody does, 100 times in a second as far as the machine keeps up with it: the rate that was reached stands
beside. Then a burst of 1,000 runs, and what nothing can go below (bench._floors).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench._figures import Report
from bench._floors import container_ms, fork_ms, import_ms
from bench._workers import idle_worker_mb, supervisors
from livejob.errors import LivejobError
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.engines.port import Engine
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.image.build import build_image
from livejob.local_runner.image.interpreter import find_python
from livejob.local_runner.threads import ThreadGateway
from livejob.project.dependencies import TargetPython, install_packages, wanted_packages
from livejob.wire.states import State
from tests.support.sessions import LiveSession, live_session

SOURCE = """
import time
from pathlib import Path
from livejob import job
{imports}

VERSION = {version}

@job(concurrency=4)
def tick(payload):
    return [time.time_ns(), VERSION]

@job
def other(payload):
    return VERSION

@job
def long(payload):
    print("begun")
    while not Path(payload).exists():
        time.sleep(0.05)
    return VERSION
"""
HEAVY = "import boto3, numpy, pandas"
PACKAGES = Path(__file__).parents[1] / "tests" / "apps" / "popular"
CALLS_PER_S = 100
WAITING_MAX = 2
"""The caller leaves out calls while so many of its runs have not ended: it must not measure a queue."""
BURST = 1000
MINOR = ".".join(platform.python_version_tuple()[:2])


@dataclass(frozen=True)
class Kind:
    """One row: what the handlers import, and how many modules lie beside them."""

    name: str
    imports: str = ""
    module_count: int = 0
    dependencies: Path | None = None


@dataclass
class Seen:
    """What came of one row."""

    save_ms: list[float] = field(default_factory=list)
    stale: int = 0
    failed: int = 0
    background: int = 0
    calls_per_s: float = 0.0
    is_kept: bool = False
    worker_mb: float | None = None


async def measure(kind: Kind, engine: Engine, image: str, saves: int, calls_per_s: int = CALLS_PER_S) -> Seen:
    """`calls_per_s`: how often somebody else calls; 0 for never."""
    before = supervisors()
    parent = Path(tempfile.mkdtemp(prefix="livejob-bench-"))
    app, seen = parent / "src", Seen()
    try:
        write_app(app, kind)
        async with live_session(app, engine=engine, image=image, dependencies=kind.dependencies) as session:
            await _learn(session, parent)
            seen.worker_mb = idle_worker_mb(supervisors() - before)
            gate = app / "gate"
            in_flight = session.call("Long", _seen_by_worker(gate, app, image))
            await session.wait_output(in_flight, "begun")
            async with _called_throughout(session, seen, calls_per_s):
                began_s = time.monotonic()
                for version in range(1, saves + 1):
                    await _save_and_call(session, app, kind, version, seen)
                    await asyncio.sleep(0.1)
                seen.calls_per_s = seen.background / (time.monotonic() - began_s)
            gate.touch()
            run = await session.wait_ended(in_flight)
            seen.is_kept = run.state is State.SUCCEEDED and session.result(run) == 0
    finally:
        shutil.rmtree(parent)
    return seen


async def _learn(session: LiveSession, parent: Path) -> None:
    """Runs of each job, and what they teach taken up: as in a session that has gone on for a while."""
    for job, at_once in (("Tick", 1), ("Other", WAITING_MAX)):
        await session.wait_ended(session.call(job))
        await session.wait_until(partial(_has_learned, parent / "src-livejob" / "preload", job))
        for _ in range(2):
            for call in [session.call(job) for _ in range(at_once)]:
                await session.wait_ended(call)


def _has_learned(directory: Path, job: str) -> bool:
    return any(directory.glob(f"{job}-*.json"))


async def _save_and_call(session: LiveSession, app: Path, kind: Kind, version: int, seen: Seen) -> None:
    text = SOURCE.format(imports=kind.imports, version=version)
    wrote_ns = time.time_ns()
    (app / "jobs.py").write_text(text)
    run = await session.wait_ended(session.call("Tick"))
    if run.state is not State.SUCCEEDED:
        seen.failed += 1
        print(f"bench: {run.failure}", file=sys.stderr)
        return
    first_ns, ran = session.result(run)
    seen.stale += ran != version
    seen.save_ms.append((first_ns - wrote_ns) / 1e6)


@asynccontextmanager
async def _called_throughout(session: LiveSession, seen: Seen, calls_per_s: int) -> AsyncIterator[None]:
    """Somebody calls another job so many times in a second."""

    async def call() -> None:
        nonlocal waiting
        waiting += 1
        run = await session.wait_ended(session.call("Other"))
        waiting -= 1
        seen.background += 1
        if run.state is not State.SUCCEEDED:
            seen.failed += 1
            print(f"bench: {run.failure}", file=sys.stderr)

    async def caller() -> None:
        async with asyncio.TaskGroup() as calls:
            for turn in range(10**9):
                if waiting < WAITING_MAX:
                    calls.create_task(call())
                await asyncio.sleep(max(0.0, began_s + (turn + 1) / calls_per_s - time.monotonic()))
                if is_over.is_set():
                    return

    if not calls_per_s:
        yield
        return
    waiting = 0
    is_over, began_s = asyncio.Event(), time.monotonic()
    calling = asyncio.create_task(caller())
    try:
        yield
    finally:
        is_over.set()
        await calling


async def measure_burst(engine: Engine, image: str, report: Report) -> None:
    parent = Path(tempfile.mkdtemp(prefix="livejob-bench-"))
    app = parent / "src"
    try:
        write_app(app, Kind("burst"))
        async with live_session(app, engine=engine, image=image) as session:
            await session.wait_ended(session.call("Tick"))
            began_s = time.monotonic()
            calls = [session.call("Tick") for _ in range(BURST)]
            for call in calls:
                await session.wait_ended(call)
            took_s = time.monotonic() - began_s
            runs = [session.stage.runs.get(call) for call in calls]
            once = sum(run.state is State.SUCCEEDED and run.attempt_number == 1 for run in runs)
            report.add(f"burst of {BURST}: SUCCEEDED exactly once", "runs", [once], str(BURST))
            report.add("burst: runs per second", "1/s", [BURST / took_s])
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            report.add("burst: peak of daemon and bench", "MB", [peak_mb])
    finally:
        shutil.rmtree(parent)


def write_app(app: Path, kind: Kind) -> None:
    app.mkdir(mode=0o755)
    app.parent.chmod(0o755)
    (app / "jobs.py").write_text(SOURCE.format(imports=kind.imports, version=0))
    for number in range(kind.module_count):
        package = app / f"package{number % 200}"
        package.mkdir(exist_ok=True)
        (package / f"module{number}.py").write_text(f"VALUE = {number}\n" * 100)


def _seen_by_worker(path: Path, app: Path, image: str) -> str:
    return f"/var/task/{path.relative_to(app)}" if image else str(path)


def heavy_packages() -> Path | None:
    """Real packages for the heavy row; None where they cannot be had."""
    wanted = wanted_packages(PACKAGES, PACKAGES)
    assert wanted is not None
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "livejob" / "test-packages"
    try:
        return install_packages(cache, wanted, TargetPython(MINOR, Path(sys.executable)))
    except LivejobError as error:
        print(f"bench: without the heavy row: {error}", file=sys.stderr)
        return None


def open_docker() -> tuple[DockerEngine, str] | None:
    try:
        connection = DockerConnection(find_endpoint(os.environ))
        image = build_image(connection, find_python(MINOR, os.environ)).tag
    except LivejobError as error:
        print(f"bench: without Docker: {error}", file=sys.stderr)
        return None
    return DockerEngine(connection, ThreadGateway("docker"), "none"), image


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=60)
    saves: int = parser.parse_args().saves
    packages = await asyncio.to_thread(heavy_packages)
    kinds = [Kind("light"), Kind("5,000 files", module_count=5000)]
    if packages is not None:
        kinds.insert(1, Kind("numpy, pandas, boto3", HEAVY, dependencies=packages))
    engines: list[tuple[str, Engine, str]] = [("process", ProcessEngine(), "")]
    docker = await asyncio.to_thread(open_docker)
    if docker is not None:
        engines.insert(0, ("docker", *docker))
    report = Report("Saves")
    add_floors(report, packages, docker[1] if docker is not None else None)
    for name, engine, image in engines:
        for kind in kinds:
            for calls_per_s in (0, CALLS_PER_S):
                seen = await measure(kind, engine, image, saves, calls_per_s)
                add_seen(report, f"{name}, {kind.name}", seen, goal="25" if kind.imports else "20")
        await measure_burst(engine, image, report)
        await engine.close()
    report.print_table()
    print(f"  {report.write_json('reload')}")


def add_seen(report: Report, name: str, seen: Seen, goal: str) -> None:
    """The figures of one `measure`."""
    beside = f"beside {seen.calls_per_s:.0f} calls/s" if seen.background else "nobody else calls"
    report.add(f"{name}: save → new code, {beside}", "ms", seen.save_ms, goal)
    if seen.background:
        report.add(f"{name}: calls of the other caller", "1/s", [seen.calls_per_s], str(CALLS_PER_S))
    elif seen.worker_mb is not None:
        report.add(f"{name}: idle worker, proportional", "MB", [seen.worker_mb])
    calls = seen.background + len(seen.save_ms)
    kept = "kept" if seen.is_kept else "LOST"
    report.notes.append(
        f"{name}, {beside}: {seen.stale} stale, {seen.failed} failed of {calls} calls, run in flight {kept}"
    )


def add_floors(report: Report, packages: Path | None, image: str | None) -> None:
    """What nothing that forks, or starts a container, can go below."""
    report.add("floor: fork → first line of the child", "ms", fork_ms(200))
    if packages is not None:
        report.add("floor: fork with numpy, pandas, boto3 → user's function", "ms", import_ms(packages, 100))
    if image is not None:
        samples = container_ms(find_endpoint(os.environ).url, image, 10)
        report.add("floor: container create → first byte", "ms", samples)


if __name__ == "__main__":
    asyncio.run(main())
