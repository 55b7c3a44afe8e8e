"""livejob beside SAM: the same handlers saved and called in the same way, one after the other, in one table.

`python -m bench.sam [--saves N]`, about six minutes. SAM runs as `sam local start-lambda` with
`--warm-containers EAGER`, in an engine of its own (bench._sam_engine), which needs root; without it the
table has no lines of SAM. What is measured, in `bench.reload` for livejob and in `bench._sam_calls` for
SAM: the time from the write of a file to the first line of the new code, while somebody calls another
function up to 100 times in a second and one call goes on throughout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import _sam
from bench._figures import Report, machine
from bench._memory import children, containers_mb, tree_mb
from bench._sam_calls import Row, SamSeen
from bench._sam_engine import BridgedEngine, NotHad, bridged_engine
from bench.loop import LIVEJOB, NAMES, Started, started
from bench.reload import (
    CALLS_PER_S,
    HEAVY,
    PACKAGES,
    SOURCE,
    WAITING_MAX,
    Kind,
    Seen,
    heavy_packages,
    measure,
    open_docker,
    write_app,
)
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.engines.port import Engine
from livejob.local_runner.engines.process import ProcessEngine
from livejob.wire.names import LABEL_APP

SAM_PAUSE_S = 1.0
"""After each save of SAM's: its containers are started anew meanwhile. livejob gets bench.reload's 0.1 s."""

GATE_IN_CONTAINER = "/var/task/gate"


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    tool: str
    handler: str
    save_ms: Sequence[float]
    stale: int
    failed: int
    call_count: int
    calls_per_s: float
    is_kept: bool
    idle_mb: float
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        ordered = sorted(self.save_ms)
        p95 = f"{ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]:.0f}" if ordered else "never"
        p50 = f"{statistics.median(ordered):.0f}" if ordered else "never"
        return (
            self.tool,
            self.handler,
            p50,
            p95,
            str(self.stale),
            f"{self.failed} of {self.call_count}",
            f"{self.calls_per_s:.0f}",
            "kept" if self.is_kept else "lost",
            f"{self.idle_mb:.0f}",
        )


HEAD = (
    "",
    "handler",
    "save → new code, p50 ms",
    "p95 ms",
    "stale",
    "failed calls",
    "calls/s",
    "in flight",
    "idle MB",
)


# livejob


async def measure_livejob(kinds: Sequence[Kind], saves: int) -> list[Line]:
    engines: list[tuple[str, Engine, str]] = [("process", ProcessEngine(), "")]
    docker = await asyncio.to_thread(open_docker)
    if docker is not None:
        engines.insert(0, ("docker", *docker))
    lines = []
    for name, engine, image in engines:
        for kind in kinds:
            _say(f"livejob, {name}, {kind.name}")
            seen: Seen = await measure(kind, engine, image, saves)
            idle_mb = await asyncio.to_thread(measure_idle_mb, kind, name)
            lines.append(_livejob_line(name, kind, seen, saves, idle_mb))
        await engine.close()
    return lines


def _livejob_line(engine: str, kind: Kind, seen: Seen, saves: int, idle_mb: float) -> Line:
    return Line(
        f"livejob, {engine}",
        kind.name,
        seen.save_ms,
        seen.stale,
        seen.failed,
        seen.background + saves,
        seen.calls_per_s,
        seen.is_kept,
        idle_mb,
    )


def measure_idle_mb(kind: Kind, engine: str) -> float:
    """Of a session's daemon and a worker for each job, as SAM has containers; not of its AWS."""
    with _app(kind) as app:
        (app / "livejob.toml").write_text(f'app = "{NAMES.app}"\nsource = "src"\n')
        if kind.dependencies is not None:
            shutil.copy(PACKAGES / "requirements.txt", app)
            shutil.copytree(kind.dependencies, app / ".livejob" / "dependencies" / kind.dependencies.name)
        (app / "src" / "gate").touch()
        gate = GATE_IN_CONTAINER if engine == "docker" else str(app / "src" / "gate")
        with started(app, engine) as session:
            for job in _sam.JOBS:
                run = [LIVEJOB, "run", job, "--stage", NAMES.stage, "--payload", json.dumps(gate)]
                subprocess.run(run, cwd=app, check=True, capture_output=True)
            return _idle_mb(session, app)


def _idle_mb(session: Started, app: Path) -> float:
    pid = session.process.pid
    aws = [child for child in children(pid) if b"livejob.local_aws" in _command_line(child)]
    own_mb = tree_mb(pid, aws)
    if not session.engine.startswith("docker"):
        return own_mb
    return own_mb + containers_mb(find_endpoint(os.environ).url, [f"{LABEL_APP}={NAMES.app} in {app}"])


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


# SAM


def measure_sam(kinds: Sequence[Kind], saves: int) -> Iterator[Line]:
    """One line for each kind of handler.

    Raises:
        NotHad: SAM cannot be run here.
    """
    _sam.sam_command()
    with bridged_engine(_sam.CACHE / "sam-engine" / "data") as engine:
        _say("SAM: its image")
        heavy = next((kind.dependencies for kind in kinds if kind.dependencies is not None), None)
        _sam.build_sam_image(engine, heavy)
        for kind in kinds:
            _say(f"SAM, {kind.name}")
            yield _measure_sam(engine, kind, saves)


def _measure_sam(engine: BridgedEngine, kind: Kind, saves: int) -> Line:
    with _app(kind) as app:
        row = Row(
            port=_sam.PORT,
            source=str(app / "src" / "jobs.py"),
            text=SOURCE.format(imports=kind.imports, version="{version}"),
            gate=str(app / "src" / "gate"),
            gate_in_container=GATE_IN_CONTAINER,
            saves=saves,
            pause_s=SAM_PAUSE_S,
            calls_per_s=CALLS_PER_S,
            waiting_max=WAITING_MAX,
        )
        with _sam.started_sam(engine, app, _sam.CACHE / "sam.log") as sam:
            _inside(engine, "--ready", row)
            idle_mb = tree_mb(sam.pid) + containers_mb(engine.url)
            seen = SamSeen(**_inside(engine, "--measure", row))
    return Line(
        "SAM",
        kind.name,
        seen.save_ms,
        seen.stale,
        seen.failed,
        seen.calls + seen.background,
        seen.calls_per_s,
        seen.is_kept,
        idle_mb,
        f"{seen.calm_calls_per_s:.0f} calls/s before the first save; failures: "
        + (", ".join(f"{reason} ({count})" for reason, count in seen.reasons.items()) or "none"),
    )


def _inside(engine: BridgedEngine, step: str, row: Row) -> dict[str, Any]:
    command = engine.inside(sys.executable, "-m", "bench._sam_calls", step)
    done = subprocess.run(
        command, input=json.dumps(asdict(row)), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# Both


@contextmanager
def _app(kind: Kind) -> Iterator[Path]:
    """An app whose source is in `src`; it can be read by the users of containers."""
    parent = Path(tempfile.mkdtemp(prefix="livejob-bench-")).resolve()
    try:
        write_app(parent / "src", kind)
        yield parent
    finally:
        shutil.rmtree(parent)


def print_table(lines: Sequence[Line]) -> None:
    """As Markdown has tables."""
    for cells in [HEAD, ("---",) * len(HEAD), *(line.cells() for line in lines)]:
        print(f"| {' | '.join(cells)} |")


def write_report(lines: Sequence[Line], notes: Sequence[str]) -> None:
    report = Report("Beside SAM", notes=list(notes))
    for line in lines:
        name = f"{line.tool}, {line.handler}"
        report.add(f"{name}: save → new code", "ms", line.save_ms or [float("nan")])
        report.add(f"{name}: idle", "MB", [line.idle_mb])
        what = (
            f"{line.stale} stale, {line.failed} failed of {line.call_count} calls, {line.calls_per_s:.0f}/s"
        )
        report.notes.append(f"{name}: {what}, in flight {'kept' if line.is_kept else 'lost'}; {line.note}")
    print(f"  {report.write_json('sam')}")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=20)
    saves: int = parser.parse_args().saves
    packages = heavy_packages()
    kinds = [Kind("light"), Kind("5,000 files", module_count=5000)]
    if packages is not None:
        kinds.insert(1, Kind("numpy, pandas, boto3", HEAVY, dependencies=packages))
    notes = [
        f"{machine()}; {saves} saves each, with SAM {SAM_PAUSE_S:g} s apart",
        f"{_sam.SAM_CLI}, {_sam.RUNTIME_CLIENT}",
    ]
    lines = asyncio.run(measure_livejob(kinds, saves))
    try:
        for line in measure_sam(kinds, saves):
            lines.append(line)
    except NotHad as reason:
        notes.append(f"without SAM: {reason}")
    finally:
        print_table(lines)
        for note in [*notes, *(f"{line.tool}, {line.handler}: {line.note}" for line in lines if line.note)]:
            print(f"- {note}")
        write_report(lines, notes)


if __name__ == "__main__":
    main()
