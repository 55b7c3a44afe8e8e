"""The handler's process, seen from the runner: started, told to stop, killed, its report read.

A new interpreter instead of a fork: the runner has threads and boto3, and the handler shall have neither.
What goes in and comes out lies in files without a name, so its size does not matter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from livejob.runner.ending import Death, Report, outcome_at_end
from livejob.runner.memory import OomCounter
from livejob.runner.processes import end_children, kill, kill_group
from livejob.runner.stop import StopReason, StopSlot
from livejob.wire.framing import Head, encode_frame
from livejob.wire.outcome import Outcome

CHILD = "livejob.build_runner.child"


@dataclass(frozen=True, slots=True)
class AttemptOrder:
    """What the child is told. `payload`: UTF-8 JSON."""

    run_id: str
    attempt: int
    app: str
    stage: str
    job: str
    handler: str
    root: str
    deadline_ms: int
    payload: bytes

    def encode(self) -> bytes:
        """As one frame."""
        head: Head = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "payload"}
        return encode_frame(head, self.payload)


class AttemptProcess:
    """One attempt: from `start` to `finish`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        # Closed by `finish`.
        self._report: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._slot_file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._slot_file.write(b"\0")
        self._slot_file.flush()
        self._slot = StopSlot(self._slot_file.fileno())
        self._oom = OomCounter()
        self._oom_count = self._oom.count()
        self._stop_reason: StopReason | None = None
        self._is_killed = False
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, order: AttemptOrder) -> None:
        """Start it; its output is this process's own.

        Raises:
            OSError: no process to be had.
        """
        with tempfile.TemporaryFile() as file:
            file.write(order.encode())
            file.seek(0)
            fds = [file.fileno(), self._report.fileno(), self._slot_file.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, "-m", CHILD, *map(str, fds), str(os.getpid())],
                cwd=order.root,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                pass_fds=fds,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return when it has ended."""
        self._running().wait()

    def ask_to_stop(self, reason: StopReason) -> None:
        """Say why and send SIGTERM to its process group. The first reason counts."""
        if self._stop_reason is None:
            self._stop_reason = reason
            self._slot.ask(reason)
            kill_group(self._running().pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to it and its group."""
        self._is_killed = True
        kill_group(self._running().pid, signal.SIGKILL)
        kill(self._running().pid)

    def finish(self) -> Outcome:
        """What it came to, after it has ended; nothing of it is left alive then."""
        exit_code = self._running().wait()
        kill_group(self._running().pid, signal.SIGKILL)
        end_children()
        self._report.seek(0)
        report = Report.decode(self._report.read())
        death = Death(
            exit_code,
            self._stop_reason,
            self._is_killed,
            self._oom.count() > self._oom_count,
            self._oom.limit_bytes(),
        )
        self._report.close()
        self._slot_file.close()
        return outcome_at_end(report.outcome if report else None, death)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process
