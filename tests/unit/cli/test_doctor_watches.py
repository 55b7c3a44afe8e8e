"""Whether all directories of a source can be watched, by what /proc says."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.cli.doctor_watches import look_at_watches
from livejob.cli.findings import Level


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three directories, its own included."""
    (tmp_path / "src/a/b").mkdir(parents=True)
    return tmp_path / "src"


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """A /proc in which one process has two inotify instances, with three watches in all."""
    process = tmp_path / "proc/4711"
    for number, target, info in (
        (3, "socket:[1]", "pos:\t0\n"),
        (4, "anon_inode:inotify", "pos:\t0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\n"),
        (5, "anon_inode:inotify", "pos:\t0\ninotify wd:1 ino:2\n"),
    ):
        (process / "fd").mkdir(parents=True, exist_ok=True)
        (process / "fdinfo").mkdir(exist_ok=True)
        (process / f"fd/{number}").symlink_to(target)
        (process / f"fdinfo/{number}").write_text(info)
    return tmp_path / "proc"


@pytest.mark.parametrize(
    ("allowed", "level", "remedy"),
    [
        ((6, 3), Level.OK, ""),
        ((5, 3), Level.FAULT, "max_user_watches=524288"),
        ((6, 2), Level.FAULT, "max_user_instances=4"),
    ],
)
def test_what_is_in_use_counts(
    tmp_path: Path, source: Path, processes: Path, allowed: tuple[int, int], level: Level, remedy: str
) -> None:
    """There must be room for the source beside what the user's other programs watch."""
    watches, instances = allowed
    limits = tmp_path / "inotify"
    limits.mkdir()
    (limits / "max_user_watches").write_text(f"{watches}\n")
    (limits / "max_user_instances").write_text(f"{instances}\n")

    finding = look_at_watches(source, limits, processes)

    assert level is finding.level
    assert f"3 needed; in use: 3 of {watches} watches, 2 of {instances} instances" == finding.found
    assert remedy in finding.remedy


def test_other_systems_have_no_limit(tmp_path: Path, source: Path, processes: Path) -> None:
    """Without inotify there is nothing to run out of."""
    finding = look_at_watches(source, tmp_path / "nowhere", processes)

    assert Level.OK is finding.level
