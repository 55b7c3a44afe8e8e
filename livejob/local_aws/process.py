"""Starts and stops the emulator's process. Knows nothing of users, policies or state files."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import string
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import IO

import livejob
from livejob.errors import EmulatorDied, EmulatorMissing
from livejob.local_aws.ports import HOST, listen
from livejob.local_aws.server import Orders
from livejob.local_aws.state import health, process_started

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
ENDING_S = 0.5
LOG_FILE = "emulator.log"
LAST_LINES_COUNT = 12
ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")
_PACKAGE_PARENT = Path(livejob.__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key and its secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


class EmulatorProcess:
    """An emulator that this process has started and that ends with it.

    It is in a session of its own: Ctrl-C in a terminal reaches its owner alone, who may still need it.
    """

    def __init__(self, process: subprocess.Popen[bytes], orders: Orders, log: Path) -> None:
        self._process = process
        self._orders = orders
        self.log = log
        self.port = orders.port
        self.endpoint_url = f"http://{HOST}:{orders.port}"
        self.instance = orders.instance
        self.pid = process.pid
        self.started = process_started(process.pid) or ""
        self.root = Keys(orders.root_access_key_id, orders.root_secret_access_key)

    def wait_ready(self) -> str:
        """Wait until the emulator answers; its version.

        Raises:
            EmulatorDied: it ended, or has not answered within READY_TIMEOUT_S; it is stopped then.
        """
        answer = health(self.port, READY_TIMEOUT_S)
        if answer is None or answer.get("edition") != self.instance:
            has_ended = self._has_just_ended()
            self.stop()
            raise self.death("ended before it was ready" if has_ended else "did not get ready")
        return str(answer.get("version"))

    def _has_just_ended(self) -> bool:
        """Its socket closes a moment before the kernel tells its parent."""
        try:
            self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def death(self, what: str) -> EmulatorDied:
        """The error that says how it ended, with the last lines of its log."""
        code = self._process.poll()
        how = f" ({'signal' if code < 0 else 'exit code'} {abs(code)})" if code is not None else ""
        lines = last_lines(self.log)
        return EmulatorDied(f"The local AWS emulator {what}{how}.\n{lines}".rstrip(), log=self.log)

    def stop(self) -> None:
        """End it and everything it runs; returns when all of it is gone. Safe to call twice."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Functions that it ran are in its process group.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        shutil.rmtree(self._orders.scratch, ignore_errors=True)


def engine_variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What says where the container engine is, and how to log in to registries, out of `environment`."""
    found = {name: environment[name] for name in ENGINE_VARIABLES if environment.get(name)}
    return {"DOCKER_CONFIG": f"{environment.get('HOME', '')}/.docker", **found}


def start_process(
    state_dir: Path,
    port: int | None,
    account: str,
    region: str,
    engine: Mapping[str, str] = MappingProxyType({}),
) -> EmulatorProcess:
    """Start an emulator that listens on 127.0.0.1; returns before it answers (requests wait for it).

    state_dir: exists; the log and a scratch directory go there.
    port:      see `ports.listen`.
    engine:    `engine_variables` of the environment; without them, Docker's default socket.

    Raises:
        EmulatorMissing: it is not installed in this environment.
        PortTaken: somebody else listens on the port.
    """
    if find_spec("ministack") is None:
        raise EmulatorMissing("The AWS emulator (MiniStack) is not installed in this environment.")
    scratch = state_dir / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    log = state_dir / LOG_FILE
    with listen(port) as listener, log.open("wb") as log_file:
        orders = _orders(listener, scratch, account, region, engine)
        process = _spawn(orders, log_file)
    return EmulatorProcess(process, orders, log)


def _orders(
    listener: socket.socket, scratch: Path, account: str, region: str, engine: Mapping[str, str]
) -> Orders:
    alphabet = string.ascii_uppercase + "234567"
    return Orders(
        listening_fd=listener.fileno(),
        port=listener.getsockname()[1],
        instance=f"livejob-{secrets.token_hex(8)}",
        account=account,
        region=region,
        root_access_key_id="AKIA" + "".join(secrets.choice(alphabet) for _ in range(16)),
        root_secret_access_key=secrets.token_urlsafe(30),
        scratch=str(scratch),
        engine=dict(engine),
    )


def _spawn(orders: Orders, log_file: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "livejob.local_aws.server"],
        stdin=subprocess.PIPE,
        stdout=log_file,
        stderr=subprocess.STDOUT,
        cwd=_PACKAGE_PARENT,  # so that `-m` finds this very livejob
        env=_environment(orders.scratch),
        pass_fds=[orders.listening_fd],
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # dead already; wait_ready says so with its log
        process.stdin.write(orders.to_line())
        process.stdin.flush()
    return process


def _environment(scratch: str) -> dict[str, str]:
    """Nothing of the developer's own: the emulator's functions inherit this, and HOME may hold AWS
    profiles that botocore would read."""
    return {
        "HOME": scratch,
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": scratch,
    }


def last_lines(log: Path) -> str:
    """The end of the emulator's log, as much as an error message should show."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-LAST_LINES_COUNT:])
