"""Which jobs were used lately on this machine: their workers are made ready before they are needed.

Kept in `.livejob/`; loss of the file costs a later start, nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path

from livejob.clock import Clock

FILE = "recent-jobs.json"
LATELY_MS = 7 * 24 * 3_600_000
NOTED_EVERY_MS = 3_600_000

WARM_COUNT = 4
"""Each warm worker takes some ten megabytes: an app of fifty jobs does not need them all."""


class RecentJobs:
    """Reads and writes one file."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / FILE
        self._clock = clock
        self._used_ms: dict[str, int] | None = None

    def note(self, job: str) -> None:
        """A run of it was executed."""
        used_ms, now_ms = self._known(), self._clock.now_ms()
        if now_ms - used_ms.get(job, 0) < NOTED_EVERY_MS:
            return
        used_ms[job] = now_ms
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.write_text(json.dumps(used_ms))

    def lately(self) -> list[str]:
        """The jobs used in the last week, the latest first, at most WARM_COUNT."""
        since_ms = self._clock.now_ms() - LATELY_MS
        recent = [(used_ms, job) for job, used_ms in self._known().items() if used_ms >= since_ms]
        return [job for _, job in sorted(recent, reverse=True)[:WARM_COUNT]]

    def _known(self) -> dict[str, int]:
        if self._used_ms is None:
            try:
                found = json.loads(self._path.read_text())
                self._used_ms = {str(job): int(used_ms) for job, used_ms in found.items()}
            except (OSError, ValueError, AttributeError, TypeError):
                self._used_ms = {}
        return self._used_ms
