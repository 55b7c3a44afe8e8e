"""`livejob start --local --json` as a process of its own in a copy of an app, and other commands beside it.

Everything is real: the command, the emulator, the deployed stub, the bridge, the workers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

LIVEJOB = str(Path(sys.executable).with_name("livejob"))
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
DEADLINE_S = 60.0

PLANTED_KEY = "AKIAPLANTEDINTHETESTS"
PLANTED_SECRET = "planted/secret/of/the/developer/0123456789"
"""Keys in the developer's own environment, which must turn up nowhere."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass
class LiveCommand:
    """A running `livejob start`, and its app's directory."""

    directory: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[str]
    errors: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def read_events(self) -> None:
        """Take events until the command ends; runs in a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_event(self, name: str, **fields: object) -> dict[str, Any]:
        """The first event of that name with these fields, now or as soon as it comes."""

        def found() -> dict[str, Any] | None:
            for event in self.events:
                if event["event"] == name and all(event.get(key) == fields[key] for key in fields):
                    return event
            return None

        with self._news:
            self._news.wait_for(lambda: found() or self.process.poll() is not None, DEADLINE_S)
            event = found()
        assert event is not None, f"no {name} {fields}; {self.errors.read_text()}"
        return event

    def livejob(self, *arguments: str, stdin: str = "") -> Ended:
        """Run another command in the app's directory, to its end."""
        done = subprocess.run(
            [LIVEJOB, *arguments],
            cwd=self.directory,
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_json(self, job: str, payload: object, *options: str) -> dict[str, Any]:
        """`livejob run JOB --json`: the whole record of the run."""
        ended = self.livejob("run", job, "--payload", json.dumps(payload), "--json", *options)
        assert ended.out, ended.err
        return dict(json.loads(ended.out))

    def admin(self) -> boto3.Session:
        """The local AWS's administrator."""
        keys = json.loads(self.livejob("local-aws", "env", "--json").out)
        return boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
        )

    @property
    def endpoint_url(self) -> str:
        return str(self.wait_event("Ready")["aws"])

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal (once) and wait for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@contextmanager
def live_command(
    directory: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[LiveCommand]:
    """Start in `directory`, and wait until it is ready; stopped at the end."""
    merged = developer_environment(environment or {})
    errors = directory.parent / "start.err"
    with errors.open("w") as error_file:
        process = subprocess.Popen(
            [LIVEJOB, "start", "--local", "--json", "--stage", "e2e", *options],
            cwd=directory,
            env=merged,
            stdout=subprocess.PIPE,
            stderr=error_file,
            text=True,
            start_new_session=True,
        )
    command = LiveCommand(directory, {**merged, "LIVEJOB_STAGE": "e2e"}, process, errors)
    reader = threading.Thread(target=command.read_events)
    reader.start()
    try:
        command.wait_event("Ready")
        yield command
    finally:
        command.stop()
        reader.join(DEADLINE_S)
        assert process.stdout is not None
        process.stdout.close()


def developer_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, with the planted keys in place of any AWS settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    planted = {"AWS_ACCESS_KEY_ID": PLANTED_KEY, "AWS_SECRET_ACCESS_KEY": PLANTED_SECRET}
    return {**own, **planted, "PYTHONWARNINGS": "", **changes}


def copy_app(source: Path, parent: Path) -> Path:
    """A copy of an app, without what livejob keeps in it."""
    target = parent / source.name
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".livejob", "__pycache__"))
    return target


def processes_with(text: str) -> Sequence[int]:
    """Pids of live processes whose command line or environment holds `text`, this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in seen:
            found.append(int(entry.name))
    return found
