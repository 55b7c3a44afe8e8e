"""Finds and removes the containers of hosts that have died.

A container's label says which process made it; a process id alone would not do, since ids are reused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from docker.api.client import APIClient
from docker.errors import APIError

from livejob.local_aws.build_host.container import LABEL_HOST
from livejob.local_aws.state import process_started

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_host() -> str:
    """The label of this process's containers: machine, boot, process, and when the process started."""
    return "/".join((*_machine(), str(os.getpid()), process_started(os.getpid()) or ""))


def is_dead(owner: str) -> bool:
    """True when the host of that label cannot be alive. That of another machine always may be."""
    machine, _, process = owner.partition("/")
    boot, _, rest = process.partition("/")
    pid, _, started = rest.partition("/")
    if machine != _machine()[0] or not pid.isdigit():
        return False
    return boot != _machine()[1] or process_started(int(pid)) != started


def remove_containers(client: APIClient, is_wanted: Callable[[str], bool]) -> int:
    """Remove the builds' containers whose owner's label `is_wanted`; how many there were."""
    of_builds = client.containers(all=True, filters={"label": LABEL_HOST})
    found = [each["Id"] for each in of_builds if is_wanted(each["Labels"][LABEL_HOST])]
    for container_id in found:
        with suppress(APIError):  # somebody else was faster
            client.remove_container(container_id, force=True, v=True)
    return len(found)


def _machine() -> tuple[str, str]:
    boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
    return socket.gethostname(), boot
