"""Whether the system lets every directory of the source be watched, for `livejob doctor`.

Linux counts inotify's watches and instances for each user over all programs, so an editor may have used them
up. Source: inotify(7), "/proc interfaces"; proc(5), /proc/pid/fdinfo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from livejob.cli.findings import Finding, Level

INOTIFY = Path("/proc/sys/fs/inotify")
PROCESSES = Path("/proc")


def look_at_watches(source: Path, limits: Path = INOTIFY, processes: Path = PROCESSES) -> Finding:
    """Whether all directories of the source can be watched, beside what else this user watches.

    limits, processes: as inotify(7) and proc(5) have them. Systems without have no such limit.
    """
    if not limits.is_dir():
        return Finding("watches", Level.OK, "no limit here")
    needed = _directories_count(source)
    watches, instances = _limit(limits, "max_user_watches"), _limit(limits, "max_user_instances")
    used, opened = _in_use(processes)
    text = f"{needed} needed; in use: {used} of {watches} watches, {opened} of {instances} instances"
    if used + needed > watches:
        wanted = max(524288, 2 * (used + needed))
        remedy = f"sudo sysctl fs.inotify.max_user_watches={wanted} (and in /etc/sysctl.d to keep it)"
        return Finding("watches", Level.FAULT, text, remedy)
    if opened >= instances:
        remedy = (
            f"sudo sysctl fs.inotify.max_user_instances={2 * instances} (and in /etc/sysctl.d to keep it)"
        )
        return Finding("watches", Level.FAULT, text, remedy)
    return Finding("watches", Level.OK, text)


def _limit(limits: Path, name: str) -> int:
    return int((limits / name).read_text())


def _directories_count(source: Path) -> int:
    return sum(1 for _ in os.walk(source))


def _in_use(processes: Path) -> tuple[int, int]:
    """Watches and inotify instances of this user's processes, as far as they can be seen."""
    watches = instances = 0
    for text in _descriptor_texts(processes):
        if "inotify" in text:
            instances += 1
            watches += text.count("inotify wd:")
    return watches, instances


def _descriptor_texts(processes: Path) -> Iterator[str]:
    for directory in processes.glob("[0-9]*/fd"):
        try:
            links = [each for each in directory.iterdir() if "inotify" in str(each.readlink())]
            yield from ("inotify " + (directory.parent / "fdinfo" / each.name).read_text() for each in links)
        except OSError:  # another user's, or it has just ended
            continue
