"""Another worker of each job that runs: who calls it again meanwhile does not wait for a start.

Only beside runs that last; short ones follow each other in one worker. Bounded by the job's concurrency and
by the memory that the machine has left; the pool ends what is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from livejob.errors import LivejobError
from livejob.local_runner.active_run import ActiveRun
from livejob.local_runner.execution import LiveJob
from livejob.wire.ids import RunId

LOOK_S = 1.0
"""A run that is there at two looks in a row lasts."""


class AnotherWorker:
    """Looks at the runs of one session now and then."""

    def __init__(
        self,
        warm: Callable[[LiveJob], Awaitable[None]],
        jobs: Mapping[str, LiveJob],
        active: Callable[[], Iterable[ActiveRun]],
        memory_left: Callable[[], int | None],
    ) -> None:
        """
        warm:        see `RunExecution.warm`.
        active:      gives the present runs.
        memory_left: bytes that could be had; None when nobody knows.
        """
        self._warm = warm
        self._jobs = jobs
        self._active = active
        self._memory_left = memory_left
        self._seen: dict[RunId, str] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Look once, and have what is wanted."""
        running = {each.run.id: each.run.job for each in self._active() if each.has_worker}
        lasting = {job for run_id, job in running.items() if run_id in self._seen}
        self._seen = running
        for job in sorted(lasting & self._jobs.keys()):
            await self._have(self._jobs[job])

    async def _have(self, job: LiveJob) -> None:
        left_bytes = self._memory_left()
        if left_bytes is not None and left_bytes < job.spec.memory_bytes:
            return
        # What goes wrong is told by the run that needs a worker.
        with suppress(LivejobError):
            await self._warm(job)
