"""What debugging costs: from the start of a run to its stop at a breakpoint, and how much slower code gets.

`python -m bench.debug [--runs N]`, for each Python of 3.11, 3.12 and 3.13 that is on this machine. A daemon
over the shipped memory twins, workers as plain processes, and the editor of the tests over the real port.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench._figures import Report
from livejob.errors import PythonMissing
from livejob.local_runner.debug.package import debugger_for
from livejob.local_runner.debug.server import DebugSettings
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.image.interpreter import find_python
from livejob.project.dependencies import TargetPython
from tests.support.dap import attached
from tests.support.sessions import LiveSession, live_session

SOURCE = """\
import time
from livejob import job

@job
def tick(payload):
    return time.monotonic()

def add(a, b):
    return a + b

@job
def calls(payload):
    begin = time.perf_counter()
    total = 0
    for number in range(400_000):
        total = add(total, number)
    return time.perf_counter() - begin

@job
def loop(payload):
    begin = time.perf_counter()
    total = 0
    for number in range(1_500_000):
        total += number
    return time.perf_counter() - begin
"""
TICK_LINE = 6
WORK = {"Calls": "many small calls", "Loop": "one long loop"}


async def seconds_of(session: LiveSession, job: str, count: int) -> list[float]:
    return [session.result(await session.wait_ended(session.call(job))) for _ in range(count)]


async def until_stopped(session: LiveSession, app: Path, count: int) -> list[float]:
    """Milliseconds from the call of a run until the editor hears that it stands at its breakpoint."""
    assert session.debug is not None
    samples = []
    async with attached(session.debug.port) as editor:
        await editor.break_at(app / "jobs.py", TICK_LINE)
        for _ in range(count):
            begin = time.perf_counter()
            run_id = session.call("Tick")
            run = await editor.next_run()
            await run.wait_stopped()
            samples.append((time.perf_counter() - begin) * 1000)
            await run.go_on()
            await session.wait_ended(run_id)
    return samples


async def measure(app: Path, python: TargetPython, count: int, report: Report) -> None:
    few = max(3, count // 6)
    debugger = debugger_for(python, app.parent / "debugpy")
    async with live_session(app, engine=ProcessEngine(str(python.python))) as session:
        plain = {job: min(await seconds_of(session, job, few)) for job in WORK}
    async with live_session(
        app, engine=ProcessEngine(str(python.python)), debug=DebugSettings(0), debugger=debugger
    ) as session:
        idle = {job: await seconds_of(session, job, few) for job in WORK}
        assert session.debug is not None
        async with attached(session.debug.port):
            followed = {job: await seconds_of(session, job, few) for job in WORK}
        await until_stopped(session, app, 2)
        stopped = await until_stopped(session, app, count)
    name = f"Python {python.minor}"
    report.add(f"{name}: call of a run → stopped at its breakpoint", "ms", stopped)
    for job, what in WORK.items():
        report.add(f"{name}: {what}, nobody attached", "times", [each / plain[job] for each in idle[job]])
        times = [each / plain[job] for each in followed[job]]
        report.add(f"{name}: {what}, attached, no breakpoint", "times", times)


def pythons() -> Iterator[TargetPython]:
    for minor in ("3.11", "3.12", "3.13"):
        try:
            yield TargetPython(minor, find_python(minor, os.environ).executable)
        except PythonMissing:
            continue


@contextmanager
def new_app() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="livejob-bench-"))
    app = parent / "src"
    app.mkdir()
    (app / "jobs.py").write_text(SOURCE)
    (app / "livejob.toml").write_text('app = "bench"\n')
    try:
        yield app.resolve()
    finally:
        shutil.rmtree(parent)


def print_page_table(report: Report) -> None:
    """The medians as docs/debugging.md has them: a column for each Python."""
    cells: dict[str, dict[str, str]] = {}
    for figure in report.figures:
        python, _, what = figure.name.partition(": ")
        number = f"{figure.median:.0f} ms" if figure.unit == "ms" else f"{figure.median:.1f}"
        cells.setdefault(what, {})[python] = number
    pythons = list(next(iter(cells.values())))
    print("\n| | " + " | ".join(pythons) + " |")
    print("|---" * (1 + len(pythons)) + "|")
    for what, numbers in cells.items():
        print(f"| {what} | " + " | ".join(numbers.get(python, "") for python in pythons) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    report = Report("Debugging")
    report.notes.append("times: the fastest run without --debug; record and bridge are in memory")
    for python in pythons():
        with new_app() as app:
            asyncio.run(measure(app, python, options.runs, report))
    report.print_table()
    print_page_table(report)
    print(f"  {report.write_json('debug')}")


if __name__ == "__main__":
    main()
