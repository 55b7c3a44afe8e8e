"""Which runs this session has: offers become claims, claims become executions.

    bridge, sweep --run id--> offer --claim--> ActiveRun --> RunExecution

An offer is only a hint; the conditional claim in the record decides, so offers may come twice or late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from livejob.errors import LivejobError
from livejob.local_runner.active_run import ActiveRun
from livejob.local_runner.events import Reporter, RunClaimed, Warned
from livejob.local_runner.execution import LiveJob, RunExecution
from livejob.local_runner.records import Records
from livejob.local_runner.waiting import wait_first
from livejob.wire.ids import RunId

AFTER_PAUSE_S = 0.01
"""Timers may fire a little early, and before its time the run cannot be claimed."""


class Dispatcher:
    """Owns one task per held run, in the task group that it is given."""

    def __init__(
        self,
        records: Records,
        execution: RunExecution,
        jobs: Mapping[str, LiveJob],
        reporter: Reporter,
        group: asyncio.TaskGroup,
        note_used: Callable[[str], None],
    ) -> None:
        """`note_used` hears of each job of which a run is executed."""
        self._records = records
        self._execution = execution
        self._jobs = jobs
        self._reporter = reporter
        self._group = group
        self._note_used = note_used
        self._offered: set[RunId] = set()
        self._active: dict[RunId, ActiveRun] = {}
        self._is_taking = True
        self._emptied = asyncio.Event()
        self._emptied.set()

    @property
    def active(self) -> Sequence[ActiveRun]:
        """The runs that this session holds now."""
        return list(self._active.values())

    def offer(self, run_id: RunId, job: str) -> None:
        """A run may be had. Ignored when it is known already, or its job is not (yet) known here."""
        if not self._is_taking or run_id in self._offered or job not in self._jobs:
            return
        self._offered.add(run_id)
        self._emptied.clear()
        self._group.create_task(self._take(run_id, self._jobs[job]), name=f"run {run_id}")

    def cancel(self, run_id: RunId) -> None:
        """Somebody asked for the end of a run; ignored when it is not held here."""
        if run_id in self._active:
            self._active[run_id].stop("cancel")

    def restart(self, jobs: Collection[str]) -> None:
        """The source of these jobs was saved: restart their running runs, if the jobs want that."""
        for active in self.active:
            name = active.run.job
            job = self._jobs.get(name) if name in jobs else None
            if active.has_worker and job is not None and job.spec.on_save == "restart":
                active.restart()

    async def heartbeat(self) -> None:
        """Prolong the leases of all held runs, and act on what their records say."""
        await asyncio.gather(*(self._heartbeat(active) for active in self.active))

    async def drain(self, drain_s: float, hurry: asyncio.Event) -> None:
        """Take nothing more; let what runs end within `drain_s` or until `hurry`, then stop it."""
        self._is_taking = False
        emptied = asyncio.ensure_future(self._emptied.wait())
        hurried = asyncio.ensure_future(hurry.wait())
        try:
            await wait_first(emptied, hurried, timeout_s=drain_s)
            for active in self.active:
                active.stop("shutdown")
            await emptied
        finally:
            emptied.cancel()
            hurried.cancel()

    def give_back_waiting(self) -> int:
        """Give the runs that have no worker yet back to the queue; says how many."""
        waiting = [active for active in self.active if not active.has_worker]
        for active in waiting:
            active.stop("shutdown")
        return len(waiting)

    async def _take(self, run_id: RunId, job: LiveJob) -> None:
        reservation = self._execution.expect(job)
        active: ActiveRun | None = None
        try:
            run = await self._records.claim(run_id)
            if run is None:
                return
            active = self._active[run_id] = ActiveRun(run, reservation.heard_s)
            self._reporter.report(RunClaimed(run))
            self._note_used(job.spec.name)
            await self._execution.execute(active, job, reservation)
        except LivejobError as error:
            self._reporter.report(Warned(f"{run_id}: {error.message}", error.remedy, about=run_id))
        finally:
            await reservation.forget()
            self._active.pop(run_id, None)
            self._offered.discard(run_id)
            if not self._offered:
                self._emptied.set()
        if active is not None and active.is_restarting:
            self.offer(run_id, job.spec.name)
        elif active is not None and active.pause_s is not None:
            # No task waits for that: a session that ends leaves the run to whoever comes next.
            again_s = active.pause_s + AFTER_PAUSE_S
            asyncio.get_running_loop().call_later(again_s, self.offer, run_id, job.spec.name)

    async def _heartbeat(self, active: ActiveRun) -> None:
        try:
            run = await self._records.heartbeat(active.run, active.note)
        except LivejobError as error:
            # The lease holds for two more heartbeats; what matters is said by the bridge's state.
            self._reporter.report(
                Warned(
                    f"{active.run.id}: its lease could not be renewed: {error.message}", about=active.run.id
                )
            )
            return
        if run is None:
            if active.run.id in self._active:
                active.disown()
        elif run.cancel_asked:
            active.stop("cancel")
