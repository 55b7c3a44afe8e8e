"""The build host's process: started with the first build, ended with the emulator.

Its standard input is a pipe that only this process holds: when that closes, by kill -9 too, the host
removes its containers and ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from livejob.local_aws.build_host.messages import BuildOrder, Report, read_report, start_line, stop_line
from livejob.local_aws.plugs.codebuild.limits import CONCURRENT_BUILDS

CLOSE_TIMEOUT_S = 4.0


class BuildHostProcess:
    """The host, as long as it lives; the next order after its death starts another."""

    def __init__(
        self,
        engine: Mapping[str, str],
        marker: Path,
        report: Callable[[Report], None],
        lost: Callable[[set[str]], None],
    ) -> None:
        """engine: DOCKER_HOST and its like. `report` and `lost` (these builds' host died) come in threads."""
        self._engine = engine
        self._marker = marker
        self._report = report
        self._lost = lost
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._builds: set[str] = set()  # that were given to this process
        self._is_closing = False

    def start(self) -> None:
        """Start the host although it has nothing to build: it removes what dead hosts have left."""
        with self._lock:
            self._ensure()

    def start_build(self, order: BuildOrder) -> None:
        with self._lock:
            process = self._ensure()
            self._builds.add(order.id)
            _send(process, start_line(order))

    def stop_build(self, build_id: str) -> None:
        with self._lock:
            _send(self._ensure(), stop_line(build_id))

    def close(self) -> None:
        """End it; returns when its containers are gone, or after a while."""
        with self._lock:
            process, self._process, self._is_closing = self._process, None, True
        if process is None or process.stdin is None:
            return
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()

    def _ensure(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process, self._builds = self._spawn(), set()
            arguments = (self._process, self._builds)
            threading.Thread(target=self._read, args=arguments, name="build-host", daemon=True).start()
        return self._process

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "livejob.local_aws.build_host"),
                *("--marker", str(self._marker), "--slots", str(CONCURRENT_BUILDS)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment(),
            # Out of the emulator's process group, whose end must not come before the containers'.
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        """The engine's address and nothing of the emulator's own, in which root's keys are."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
        return {**kept, **self._engine}

    def _read(self, process: subprocess.Popen[bytes], builds: set[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._report(read_report(line))
        process.wait()
        if not self._is_closing:
            self._lost(builds)


def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has just died: `lost` tells of its builds
        process.stdin.write(line)
        process.stdin.flush()
