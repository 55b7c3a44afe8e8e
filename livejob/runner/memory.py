"""Memory: the limit of a process, and whether the kernel's out-of-memory killer has been at work.

In a container the control group limits the worker as a whole, and the kernel kills what exceeds it; its
count of kills tells that from any other SIGKILL. Without a container the limit is RLIMIT_DATA of each
process: what it asks for beyond fails (MemoryError). That counts what is asked for, not what is touched,
each process by itself, and neither shared memory nor files; it exists on Linux only.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OOM_SCORE = "/proc/self/oom_score_adj"
_MEMINFO = Path("/proc/meminfo")
_NO_LIMIT_BYTES = 1 << 60
"""Version 1 says "no limit" by a number near 2**63."""


class OomCounter:
    """The kernel's count of processes that it killed in this control group for want of memory."""

    def __init__(self, cgroup: Path = _CGROUP, membership: Path = Path("/proc/self/cgroup")) -> None:
        own = _own_paths(membership)
        counters = [
            *(cgroup / "memory" / path / "memory.oom_control" for path in own),
            *(cgroup / path / "memory.events" for path in own),
        ]
        # Looked for once: it is read twice in each attempt, and stays where it is.
        self._counter = next((path for path in counters if _kills(path) is not None), None)
        self._limits = [
            *(cgroup / "memory" / path / "memory.limit_in_bytes" for path in own),
            *(cgroup / path / "memory.max" for path in own),
        ]

    def count(self) -> int:
        """0 where the kernel does not tell."""
        return 0 if self._counter is None else _kills(self._counter) or 0

    def limit_bytes(self) -> int | None:
        """The control group's limit; None when it has none, or does not tell."""
        for text in _texts(self._limits):
            if text.strip().isdigit():
                limit = int(text)
                return limit if limit < _NO_LIMIT_BYTES else None
        return None


def _kills(counter: Path) -> int | None:
    """What one of the kernel's files says; None when it says nothing of that."""
    for text in _texts([counter]):
        fields = dict(line.split(None, 1) for line in text.splitlines() if " " in line)
        if "oom_kill" in fields:
            return int(fields["oom_kill"])
    return None


def limit_own_memory(limit_bytes: int) -> None:
    """Let this process and those it will start have at most `limit_bytes` of data each. Linux only."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limit_bytes = min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def be_killed_first() -> None:
    """When memory runs out, the kernel shall kill this process and not its parent. Linux only."""
    with suppress(OSError):  # no /proc, or a sandbox that forbids it: the kernel then chooses by itself
        score = os.open(_OOM_SCORE, os.O_WRONLY)
        try:
            os.write(score, b"1000")
        finally:
            os.close(score)


def memory_left_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """What this machine could still give without swapping; None where the kernel does not tell."""
    for text in _texts([meminfo]):
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if "MemAvailable" in fields:
            return int(fields["MemAvailable"].split()[0]) * 1024  # said in kB
    return None


def _own_paths(membership: Path) -> list[str]:
    """Where this process's control group may be below the mount: by its name, or at the root.

    (In a container the mount often shows only the container's own group, at its root.)
    """
    names = [line.split(":", 2)[2].strip("/") for text in _texts([membership]) for line in text.splitlines()]
    return [*dict.fromkeys([*(name for name in names if name), ""])]


def _texts(paths: list[Path]) -> list[str]:
    """Contents of those files that can be read."""
    texts = []
    for path in paths:
        with suppress(OSError):
            texts.append(path.read_text())
    return texts
