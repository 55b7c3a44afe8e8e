"""Control groups as the kernel shows them: files of both versions, in the places where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.runner.memory import OomCounter, memory_left_bytes

V1_NO_LIMIT = "9223372036854771712\n"


def counter(tmp_path: Path, membership: str, files: dict[str, str]) -> OomCounter:
    """A counter over a made-up /sys/fs/cgroup."""
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "membership").write_text(membership)
    return OomCounter(tmp_path / "cgroup", tmp_path / "membership")


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        (
            "4:memory:/docker/abc\n0::/\n",
            {
                "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
                "memory/memory.limit_in_bytes": "268435456\n",
            },
        ),
        (
            "4:memory:/user/mia\n",
            {
                "memory/user/mia/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
                "memory/user/mia/memory.limit_in_bytes": "268435456\n",
                "memory/memory.oom_control": "oom_kill 9\n",
                "memory/memory.limit_in_bytes": V1_NO_LIMIT,
            },
        ),
        (
            "0::/\n",
            {"memory.events": "low 0\nmax 1\noom 3\noom_kill 3\n", "memory.max": "268435456\n"},
        ),
        (
            "0::/user.slice/mia\n",
            {
                "user.slice/mia/memory.events": "oom 3\noom_kill 3\n",
                "user.slice/mia/memory.max": "268435456\n",
            },
        ),
    ],
    ids=["v1 container", "v1 group", "v2 container", "v2 group"],
)
def test_count_and_limit(tmp_path: Path, membership: str, files: dict[str, str]):
    """Count and limit are read from the control group that this process is in."""
    oom = counter(tmp_path, membership, files)

    assert (3, 256 * 1024 * 1024) == (oom.count(), oom.limit_bytes())


@pytest.mark.parametrize(
    "files",
    [{}, {"memory.max": "max\n"}, {"memory/memory.limit_in_bytes": V1_NO_LIMIT}],
    ids=["no cgroups", "v2 without limit", "v1 without limit"],
)
def test_nothing_is_told(tmp_path: Path, files: dict[str, str]):
    """Where the kernel tells nothing there is no kill and no limit."""
    oom = counter(tmp_path, "0::/\n", files)

    assert (0, None) == (oom.count(), oom.limit_bytes())


@pytest.mark.parametrize(
    ("text", "left_bytes"),
    [("MemTotal: 8000 kB\nMemAvailable:     2048 kB\n", 2 * 1024 * 1024), ("MemTotal: 8000 kB\n", None)],
    ids=["told", "not told"],
)
def test_memory_left(tmp_path: Path, text: str, left_bytes: int | None):
    """What could be had without swapping, if the kernel says it."""
    (tmp_path / "meminfo").write_text(text)

    assert left_bytes == memory_left_bytes(tmp_path / "meminfo")


def test_memory_left_where_there_is_no_proc(tmp_path: Path):
    """Nobody knows."""
    assert memory_left_bytes(tmp_path / "meminfo") is None
