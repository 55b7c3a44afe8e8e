"""An app in a local AWS of its own, deployed as a production stage; commands called as a person calls them.

Everything is real: the emulator is `livejob local-aws start`, builds run in containers.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.live_command import LIVEJOB, Ended, developer_environment

DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True)
class DeployedApp:
    """An app whose local AWS runs."""

    directory: Path
    environment: Mapping[str, str]

    def livejob(self, *arguments: str) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            [LIVEJOB, *arguments],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run(self, job: str, payload: object = None, *options: str) -> dict[str, Any]:
        """`livejob run JOB --json`: the whole record of the run, once it has ended."""
        return self._record("run", job, "--payload", json.dumps(payload), "--json", *options)

    def start(self, job: str, payload: object = None, *options: str) -> str:
        """Start a run and do not follow it; its id."""
        ended = self.livejob("run", job, "--payload", json.dumps(payload), "--detach", *options)
        assert 0 == ended.code, ended.err
        return ended.out.strip()

    def show(self, run_id: str, *options: str) -> dict[str, Any]:
        return self._record("show", run_id, "--json", *options)

    def wait_state(self, run_id: str, state: str) -> dict[str, Any]:
        """The run's record as soon as it is in that state."""
        until_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < until_s:
            shown = self.show(run_id)
            if shown["state"] == state:
                return shown
        raise TimeoutError(f"{run_id} does not become {state}: {shown}")

    def _record(self, *arguments: str) -> dict[str, Any]:
        ended = self.livejob(*arguments)
        assert ended.out, ended.err
        return dict(json.loads(ended.out))


@contextmanager
def app_in_local_aws(directory: Path, environment: Mapping[str, str]) -> Iterator[DeployedApp]:
    """The app in `directory` with a local AWS of its own, which ends with the block."""
    merged = {**developer_environment(environment), "LIVEJOB_STAGE": "prod"}
    process = subprocess.Popen(
        [LIVEJOB, "local-aws", "start"],
        cwd=directory,
        env=merged,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert "http://" in said, said
        yield DeployedApp(directory, merged)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)
