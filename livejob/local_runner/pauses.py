"""What follows when a debugger holds a run: its timeout stands still, and the record and the person are told.

The handler learns at once how much time it has left. What goes into the record changes fast (steps, one after
the other) and is told once it has settled. The lease is renewed all the while by the session's heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from livejob.local_runner.events import Reporter, RunHeld, RunResumed
from livejob.local_runner.time_limit import TimeLimit
from livejob.runs.model import Run

SETTLED_S = 0.25


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told; neither may raise.

    write: puts a note into the record.
    move:  tells the attempt how many seconds it has left, and whether they stand still.
    """

    write: Callable[[str], Awaitable[None]]
    move: Callable[[float, bool], Awaitable[None]]


class Pauses:
    """Of one attempt. Costs nothing before the first pause."""

    def __init__(self, run: Run, limit: TimeLimit, telling: Telling, reporter: Reporter) -> None:
        self._run = run
        self._limit = limit
        self._telling = telling
        self._reporter = reporter
        self._note = ""
        self._changed = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def paused(self, note: str) -> None:
        self._limit.pause()
        self._set(note)

    def resumed(self) -> None:
        self._limit.resume()
        self._set("")

    async def close(self) -> None:
        """Tell nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _set(self, note: str) -> None:
        self._note = note
        self._changed.set()
        self._moved.set()
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(each, name=f"pauses of {self._run.id}")
                for each in (self._tell(), self._move())
            ]

    async def _move(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._telling.move(self._limit.left_s, self._limit.is_standing)

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
            await self._telling.write(note)
