"""`livejob start --local` at a terminal: what a person sees, and Enter."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from tests.support.live_command import DEADLINE_S, LIVEJOB, Ended, developer_environment


@dataclass
class TerminalCommand:
    """A running session whose stdin, stdout and stderr are one terminal."""

    directory: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    person: int
    screen: str = ""
    _seen: int = 0
    _news: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Take what is printed until the terminal is gone; runs in a thread."""
        while True:
            try:
                printed = os.read(self.person, 65536)
            except OSError:  # the last one at the other side has closed it
                printed = b""
            with self._news:
                self.screen += printed.decode(errors="replace")
                self._news.notify_all()
            if not printed:
                return

    def wait_text(self, text: str) -> str:
        """Until that is printed, after what was waited for before; what was printed in between."""
        with self._news:
            found = self._news.wait_for(lambda: text in self.screen[self._seen :], DEADLINE_S)
            assert found, self.screen
            begin = self._seen
            self._seen = self.screen.index(text, begin) + len(text)
            return self.screen[begin : self._seen]

    def press_enter(self) -> None:
        os.write(self.person, b"\n")

    def livejob(self, *arguments: str) -> Ended:
        """Run another command in the app's directory, to its end."""
        done = subprocess.run(
            [LIVEJOB, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def as_admin(self, service: str) -> Any:
        """A client of the local AWS's administrator."""
        keys = json.loads(self.livejob("local-aws", "env", "--json").out)
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
        )
        return session.client(service, endpoint_url=keys["AWS_ENDPOINT_URL"])  # type: ignore[call-overload]


@contextmanager
def terminal_command(directory: Path, *options: str) -> Iterator[TerminalCommand]:
    """Start in `directory`, and wait until it is ready; stopped at the end."""
    environment = developer_environment({"LIVEJOB_STAGE": "e2e", "NO_COLOR": "1"})
    person, program = pty.openpty()
    process = subprocess.Popen(
        [LIVEJOB, "start", "--local", "--engine", "process", *options],
        cwd=directory,
        env=environment,
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
    )
    os.close(program)
    command = TerminalCommand(directory, environment, process, person)
    reader = threading.Thread(target=command.read)
    reader.start()
    try:
        command.wait_text("ready in")
        yield command
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)
        reader.join(DEADLINE_S)
        os.close(person)
