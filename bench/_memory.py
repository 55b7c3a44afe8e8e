"""Memory of processes and of containers, as megabytes of 2**20 bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import docker

MB = 2**20


def tree_mb(pid: int, without: Collection[int] = ()) -> float:
    """Of a process and all below it: proportional set size, which counts shared pages once in all. Linux.

    without: processes that are left out with all below them.
    """
    if pid in without:
        return 0.0
    try:
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        )
    except OSError:  # it has ended
        return 0.0
    return int(fields["Pss"].split()[0]) / 1024 + sum(tree_mb(child, without) for child in children(pid))


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(each) for each in tasks.read_text().split()]
    return found


def containers_mb(url: str, labels: Iterable[str] = ()) -> float:
    """Of the containers with these labels: as `docker stats` counts it, without file cache that can go."""
    client = docker.DockerClient(url)
    try:
        found = client.containers.list(filters={"label": list(labels)})
        return sum((_used_bytes(each.stats(stream=False)) for each in found), start=0) / MB
    finally:
        client.close()


def _used_bytes(stats: Any) -> int:
    memory = stats["memory_stats"]
    # cgroup v1 and v2 name it differently.
    files_bytes = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return int(memory["usage"]) - int(files_bytes)
