"""What follows when a debugger holds a run: its timeout stands still, and the record and the person are told.

The lease is renewed all the while by the session's heartbeat. What changes fast (steps, one after the
other) is told once it has settled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from livejob.local_runner.events import Reporter, RunHeld, RunResumed
from livejob.local_runner.time_limit import TimeLimit
from livejob.runs.model import Run

SETTLED_S = 0.25


class Pauses:
    """Of one attempt. `write` puts a note into the record; it must not raise."""

    def __init__(
        self, run: Run, limit: TimeLimit, write: Callable[[str], Awaitable[None]], reporter: Reporter
    ) -> None:
        self._run = run
        self._limit = limit
        self._write = write
        self._reporter = reporter
        self._note = ""
        self._changed = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    def paused(self, note: str) -> None:
        self._limit.pause()
        self._set(note)

    def resumed(self) -> None:
        self._limit.resume()
        self._set("")

    async def close(self) -> None:
        """Tell nothing more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    def _set(self, note: str) -> None:
        self._note = note
        self._changed.set()
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name=f"pauses of {self._run.id}")

    async def _tell(self) -> None:
        told = ""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLED_S)
            self._changed.clear()
            note = self._note
            if note == told:
                continue
            if not note:
                self._reporter.report(RunResumed(self._run.id, self._run.job))
            elif not told:
                self._reporter.report(RunHeld(self._run.id, self._run.job, note))
            told = note
            await self._write(note)
