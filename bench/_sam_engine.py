"""A Docker engine with a bridge and published ports, in a network namespace of its own, for the bench alone.

SAM publishes a port of each container on the loopback and calls it there. The engine of `scripts/engine`
has no bridge, because it leaves the machine's network alone; this one may do as it likes, in a network that
nobody else sees. Needs root. Images are kept from run to run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 60.0
STOP_S = 30.0


class NotHad(Exception):
    """Something that SAM needs is not to be had here; the text says why."""


@dataclass(frozen=True)
class BridgedEngine:
    """One that answers. url: as DOCKER_HOST has it."""

    pid: int
    url: str

    def inside(self, *command: str) -> list[str]:
        """The command, to be run in the engine's network."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *command]


@contextmanager
def bridged_engine(data: Path) -> Iterator[BridgedEngine]:
    """An engine whose images lie in `data`; ended at the end.

    Raises:
        NotHad
    """
    _require("dockerd", "unshare", "nsenter", "ip")
    # Its sockets' paths must be short.
    run = Path(tempfile.mkdtemp(prefix="lj-bench-"))
    data.mkdir(parents=True, exist_ok=True)
    socket = run / "docker.sock"
    log = data.parent / "engine.log"
    with log.open("w") as log_file:
        process = subprocess.Popen(
            [
                "unshare",
                "--net",
                "sh",
                "-c",
                'ip link set lo up && exec "$@"',
                "sh",
                *_dockerd(data, run, socket),
            ],
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )
    try:
        _wait_answers(process, f"unix://{socket}", log)
        yield BridgedEngine(process.pid, f"unix://{socket}")
    finally:
        _end(process)
        shutil.rmtree(run, ignore_errors=True)


def _require(*programs: str) -> None:
    if os.geteuid() != 0:
        raise NotHad("SAM needs a Docker engine with a bridge; only root can start one beside yours")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise NotHad(f"not installed: {', '.join(missing)}")


def _dockerd(data: Path, run: Path, socket: Path) -> Sequence[str]:
    return [
        "dockerd",
        *("--data-root", str(data), "--exec-root", str(run / "exec"), "--pidfile", str(run / "docker.pid")),
        *("--host", f"unix://{socket}", "--iptables=false", "--ip6tables=false"),
    ]


def _wait_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until_s = time.monotonic() + START_S
    asking = ["docker", "--host", url, "version"]
    while subprocess.run(
        asking, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    ).returncode:
        if process.poll() is not None or time.monotonic() > until_s:
            raise NotHad(f"dockerd with a bridge does not start here, see {log}")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
