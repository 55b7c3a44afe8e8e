"""Opens the local AWS of one state directory: the emulator that already runs there, or a new one.

Called by `livejob start --local` (through the command line's wiring) and by `python -m livejob.local_aws`.
It knows nothing of apps, stages and jobs: what the developer may do is handed in as a policy.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from livejob.errors import EmulatorDied
from livejob.local_aws.process import EmulatorProcess, last_lines, start_process
from livejob.local_aws.state import (
    STATE_FILE,
    EmulatorState,
    is_running,
    process_started,
    read_state,
)
from livejob.local_aws.users import ADMIN_POLICY, create_user, open_iam

ACCOUNT = "123456789012"
"""The emulator's account: the one that AWS uses in its documentation."""

DEATH_POLL_S = 0.5
KILL_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class LocalAwsConfig:
    """How to open a local AWS.

    state_dir:          its own directory, made when it is not there; one emulator per directory.
    developer_policies: IAM policy documents of the user `developer`.
    port:               None for the usual one or the next free one; 0 for any free one.
    engine:             where builds run: `process.engine_variables` of the developer's environment.
    """

    state_dir: Path
    developer_policies: Sequence[Mapping[str, object]]
    port: int | None = None
    region: str = "us-east-1"
    account: str = ACCOUNT
    engine: Mapping[str, str] = field(default_factory=dict)


class LocalAws:
    """An emulator that answers. `process` is None when it belongs to somebody else, who will stop it."""

    def __init__(self, state: EmulatorState, state_dir: Path, process: EmulatorProcess | None) -> None:
        self.state = state
        self._state_dir = state_dir
        self._process = process

    @property
    def is_owner(self) -> bool:
        return self._process is not None

    async def wait_died(self) -> EmulatorDied:
        """Wait until the emulator has ended by itself (not by `stop`), and return what to tell."""
        descriptor = _open_pidfd(self.state.pid)
        if descriptor is None:
            while process_started(self.state.pid) == self.state.started:
                await asyncio.sleep(DEATH_POLL_S)
        else:
            await _wait_readable(descriptor)
        return self._death()

    def stop(self) -> None:
        """End the emulator, if it is ours, and leave nothing but its log. Safe to call twice."""
        if self._process is None:
            return
        self._process.stop()
        (self._state_dir / STATE_FILE).unlink(missing_ok=True)

    def _death(self) -> EmulatorDied:
        if self._process is not None:
            return self._process.death("ended without being asked")
        log = Path(self.state.log)
        return EmulatorDied(f"The local AWS emulator was ended.\n{last_lines(log)}".rstrip(), log=log)


def open_local_aws(config: LocalAwsConfig) -> LocalAws:
    """The local AWS of `config.state_dir`: the running one, or else a new one, ready to be called.

    Blocks until it answers (usually less than a second).

    Raises:
        EmulatorMissing: it is not installed in this environment.
        PortTaken: the port that was asked for is held by another program.
        EmulatorDied: it ended at once or did not get ready.
    """
    config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _opening(config.state_dir):
        state = read_state(config.state_dir)
        if state is not None and is_running(state):
            return LocalAws(state, config.state_dir, None)
        if state is not None:
            _end_silent(state)
        (config.state_dir / STATE_FILE).unlink(missing_ok=True)
        return _start(config)


def _start(config: LocalAwsConfig) -> LocalAws:
    process = start_process(config.state_dir, config.port, config.account, config.region, config.engine)
    try:
        state = _prepare(process, config)
        state.write(config.state_dir)
    except BaseException:
        process.stop()
        raise
    return LocalAws(state, config.state_dir, process)


def _prepare(process: EmulatorProcess, config: LocalAwsConfig) -> EmulatorState:
    iam = open_iam(process.endpoint_url, config.region, process.root)
    version = process.wait_ready()
    developer = create_user(iam, "developer", config.developer_policies)
    admin = create_user(iam, "admin", [ADMIN_POLICY])
    return EmulatorState(
        pid=process.pid,
        started=process.started,
        instance=process.instance,
        port=process.port,
        endpoint_url=process.endpoint_url,
        region=config.region,
        account=config.account,
        version=version,
        access_key_id=developer.access_key_id,
        secret_access_key=developer.secret_access_key,
        admin_access_key_id=admin.access_key_id,
        admin_secret_access_key=admin.secret_access_key,
        log=str(process.log),
    )


def _end_silent(state: EmulatorState) -> None:
    """End an emulator that lives but does not answer. A reused pid is not touched."""
    while process_started(state.pid) == state.started:
        with suppress(ProcessLookupError):
            os.killpg(state.pid, signal.SIGKILL)
        time.sleep(KILL_POLL_S)


@contextmanager
def _opening(state_dir: Path) -> Iterator[None]:
    """Only one process at a time opens a state directory; the kernel lets go when it dies."""
    with (state_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where there is no such thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


async def _wait_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
