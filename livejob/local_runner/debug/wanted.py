"""Single runs that shall wait for a debugger: the word of `livejob run --debug` to the session beside it.

Both work in the same directory `.livejob/`. A session with --debug leaves its process id there for as long as
it lasts; the command leaves the run's idempotency key, which it has chosen before there is a run.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from livejob.errors import NoDebugSession

DIRECTORY = "debug-wanted"


class WantedRuns:
    """Of one app, whose `.livejob/` is `livejob_directory`."""

    def __init__(self, livejob_directory: Path) -> None:
        self._directory = livejob_directory / DIRECTORY
        self._session = self._directory / "session"

    def open(self) -> None:
        """A session debugs from here on."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._session.write_text(str(os.getpid()))

    def close(self) -> None:
        """It does no more; what was wanted and never came is forgotten."""
        for path in self._directory.iterdir():
            path.unlink(missing_ok=True)

    def ask(self, key: str) -> None:
        """Let the run with that idempotency key wait.

        Raises:
            NoDebugSession: nobody would hear it.
        """
        if not self._is_open():
            raise NoDebugSession("no session of this app debugs on this machine")
        self._path(key).touch()

    def take(self, key: str | None) -> bool:
        """True, once, if the run with that key shall wait."""
        if key is None:
            return False
        try:
            self._path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def _is_open(self) -> bool:
        try:
            os.kill(int(self._session.read_text()), 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False  # none, or one that was killed
        return True

    def _path(self, key: str) -> Path:
        return self._directory / hashlib.sha256(key.encode()).hexdigest()[:32]
