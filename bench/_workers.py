"""The memory of idle workers of this machine, in containers or not. Linux, and containers for root only."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from livejob.local_runner.engines.process import SUPERVISOR
from livejob.runner.processes import descendants


def supervisors() -> frozenset[int]:
    """Pids of all supervisors that run now, those that are no children of another one."""
    processes = (each for each in Path("/proc").iterdir() if each.name.isdigit())
    found = {int(each.name) for each in processes if _is_supervisor(each)}
    return frozenset(pid for pid in found if _parent(pid) not in found)


def idle_worker_mb(pids: Collection[int]) -> float | None:
    """Proportional megabytes of one of these workers on average, with the child that waits in it."""
    sizes_mb = [_proportional_mb(pid) for pid in pids]
    known_mb = [size_mb for size_mb in sizes_mb if size_mb is not None]
    return sum(known_mb) / len(known_mb) if known_mb else None


def _is_supervisor(process: Path) -> bool:
    try:
        return SUPERVISOR.encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _proportional_mb(pid: int) -> float | None:
    """None of a process that has ended, or is another user's."""
    try:
        texts = [Path(f"/proc/{each}/smaps_rollup").read_text() for each in (pid, *descendants(pid))]
    except OSError:
        return None
    lines = [line for text in texts for line in text.splitlines() if line.startswith("Pss:")]
    return sum(int(line.split()[1]) for line in lines) / 1024
