"""The daemon: one session from attach to detach.

    bridge  --Start, Cancel, Takeover--> Dispatcher
    sweep   --open runs---------------> Dispatcher        (what the bridge missed)
    beat    --leases------------------> record            (and learns of cancels and takeovers)
    watcher --saves-------------------> Reload

One task group owns the session's services; a second one, inside, owns the runs, so that a service that
fails ends in an orderly drain and not in the loss of what runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from livejob.bridge.transport import Connected, Disconnected, Garbled, Received, Transport
from livejob.clock import Clock
from livejob.errors import LivejobError
from livejob.local_runner.another_worker import AnotherWorker
from livejob.local_runner.attachment import Attached, Attachment
from livejob.local_runner.dispatcher import Dispatcher
from livejob.local_runner.events import BridgeDown, BridgeUp, Reporter, SessionAttached, Stopping, Warned
from livejob.local_runner.execution import LiveJob, RunExecution
from livejob.local_runner.lending import JobPool
from livejob.local_runner.recent_jobs import RecentJobs
from livejob.local_runner.records import Records
from livejob.local_runner.reload import Reload
from livejob.runner.memory import memory_left_bytes
from livejob.runs.model import Run
from livejob.wire.ids import SessionId
from livejob.wire.limits import HEARTBEAT_S
from livejob.wire.messages import Cancel, Message, Ping, Start, Takeover
from livejob.wire.states import State

SWEEP_S = 30.0
"""How often open runs are looked for without any message: the bound on the delay of a lost doorbell."""

SECOND_LOOK_S = 2.0
"""How long after the bridge came up to look a second time."""

LOOK_AGAIN_S = 0.2
"""How long after the end of a lease to look whether its holder is gone."""

StopCause = Literal["asked", "taken over", "failed"]

BUILD_PATIENCE_S = 300.0
"""How much later than its lease a build's run is given up here: the reconciler knows why it ended, and may
have another attempt for it."""


Need = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DaemonParts:
    """The ready collaborators of a daemon.

    end_orphans: ends the workers of this place whose owner is not among the given live sessions.
    needs: wait for the end of what must last as long as the session; one that raises ends it with that error.
    sweep_now: set by whoever knows of a reason to look for open runs at once.
    memory_left: bytes that this machine could still give; None when nobody knows.
    """

    attachment: Attachment
    transport: Transport
    records: Records
    execution: RunExecution
    reload: Reload
    recent: RecentJobs
    jobs: Mapping[str, LiveJob]
    end_orphans: Callable[[frozenset[SessionId]], Awaitable[int]]
    clock: Clock
    reporter: Reporter
    needs: Sequence[Need] = ()
    sweep_now: asyncio.Event = field(default_factory=asyncio.Event)
    memory_left: Callable[[], int | None] = memory_left_bytes


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """How long running attempts may go on after a stop, and whether a held stage is taken over."""

    drain_s: float = 10.0
    is_takeover: bool = False


class Daemon:
    """Runs until `stop`, a takeover, or the failure of one of its services."""

    def __init__(self, parts: DaemonParts, settings: DaemonSettings) -> None:
        self._parts = parts
        self._settings = settings
        self._stopped = asyncio.Event()
        self._hurry = asyncio.Event()
        self._cause: StopCause = "asked"
        self._by = ""
        self._failure: BaseException | None = None

    def stop(self) -> None:
        """Drain and end; a second call stops what still runs at once."""
        if self._stopped.is_set():
            self._hurry.set()
        self._stopped.set()

    async def run(self) -> None:
        """Attach, serve, drain, detach.

        Raises:
            SessionHeld: another session of the same developer holds the stage.
            LivejobError: a service failed for good (the bridge was refused, ...); all was drained.
        """
        opening = asyncio.create_task(self._parts.reload.open(), name="open sources")
        try:
            attached = await self._parts.attachment.attach(self._settings.is_takeover)
            await opening
        except BaseException:
            await asyncio.wait([opening])
            await self._parts.reload.close()
            raise
        self._parts.reporter.report(SessionAttached(self._parts.attachment.me, attached.others))
        try:
            await self._serve(attached)
        finally:
            await self._leave()
        if self._failure is not None:
            raise self._failure

    async def _serve(self, attached: Attached) -> None:
        async with asyncio.TaskGroup() as runs:
            dispatcher = Dispatcher(
                self._parts.records,
                self._parts.execution,
                self._parts.jobs,
                self._parts.reporter,
                runs,
                self._parts.recent.note,
            )
            another = AnotherWorker(
                self._parts.execution.warm,
                self._parts.jobs,
                lambda: dispatcher.active,
                self._parts.memory_left,
            )
            services = {
                "bridge": self._hear(dispatcher),
                "sweep": self._sweep(dispatcher),
                "heartbeat": self._beat(dispatcher),
                "reload": self._parts.reload.run(dispatcher.restart),
                "workers": self._tidy_workers(attached),
                "warm workers": self._warm_workers(),
                "another worker": another.run(),
                **{f"need {at}": need() for at, need in enumerate(self._parts.needs)},
            }
            tasks = [asyncio.create_task(self._guard(each), name=name) for name, each in services.items()]
            try:
                await self._stopped.wait()
                await self._drain(dispatcher)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _guard(self, service: Awaitable[None]) -> None:
        """A service that fails stops the session; its error is raised when all is drained."""
        try:
            await service
        except Exception as error:  # noqa: BLE001 - kept, and raised by `run`
            if self._failure is None:
                self._failure = error
                self._cause = "failed"
            self._stopped.set()

    async def _hear(self, dispatcher: Dispatcher) -> None:
        report = self._parts.reporter.report
        async for event in self._parts.transport.events():
            match event:
                case Connected(is_again):
                    report(BridgeUp(is_again))
                    self._parts.sweep_now.set()
                case Disconnected(reason):
                    report(BridgeDown(self._parts.clock.now_ms(), reason))
                case Garbled(reason):
                    report(Warned(f"something on the bridge could not be read: {reason}"))
                case Received(message):
                    self._obey(message, dispatcher)

    def _obey(self, message: Message, dispatcher: Dispatcher) -> None:
        match message:
            case Start(run_id, job):
                dispatcher.offer(run_id, job)
            case Cancel(run_id):
                dispatcher.cancel(run_id)
            case Takeover(host=host):
                self._be_taken_over(host)
            case Ping():
                # Being attached is said by the lease in the record; a ping only proves the way here.
                pass

    def _be_taken_over(self, host: str) -> None:
        self._cause, self._by = "taken over", host
        self._stopped.set()

    async def _beat(self, dispatcher: Dispatcher) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                is_ours = await self._parts.attachment.renew()
            except LivejobError as error:
                self._parts.reporter.report(
                    Warned(f"the session's lease could not be renewed: {error.message}", error.remedy)
                )
                continue
            if not is_ours:
                self._be_taken_over("another session")
            await dispatcher.heartbeat()

    async def _sweep(self, dispatcher: Dispatcher) -> None:
        """Look for open runs when the bridge comes up, and now and then: messages may be lost."""
        next_s = SWEEP_S
        while True:
            try:
                async with asyncio.timeout(next_s):
                    await self._parts.sweep_now.wait()
            except TimeoutError:
                pass
            # The index of open runs may lag: what was recorded just now shows at a second look.
            longest_s = SECOND_LOOK_S if self._parts.sweep_now.is_set() else SWEEP_S
            self._parts.sweep_now.clear()
            # A list of now: a deployment may bring jobs and take them while this waits.
            jobs = list(self._parts.jobs)
            next_s = min([longest_s, *[await self._sweep_job(job, dispatcher) for job in jobs]])

    async def _sweep_job(self, job: str, dispatcher: Dispatcher) -> float:
        """Look at the open runs of one job; says in how many seconds to look again."""
        try:
            runs = await self._parts.records.open_runs(job)
            return min([SWEEP_S, *[await self._sweep_run(run, dispatcher) for run in runs]])
        except LivejobError as error:
            self._parts.reporter.report(Warned(f"open runs of {job} could not be read: {error.message}"))
            return SWEEP_S

    async def _sweep_run(self, run: Run, dispatcher: Dispatcher) -> float:
        now_ms = self._parts.clock.now_ms()
        if run.is_expired(now_ms):
            await self._parts.records.expire(run)
        elif run.due_ms is not None and not run.is_due(now_ms):
            return (run.due_ms - now_ms) / 1000 + LOOK_AGAIN_S
        elif run.state is State.QUEUED:
            # The build of a container job cannot see that a session was faster: its command would run too.
            if not (run.is_container and run.submitted_id):
                dispatcher.offer(run.id, run.job)
        elif run.is_lease_over(now_ms - _patience_ms(run)):
            await self._parts.records.lose(run)
        elif run.lease_until_ms is not None and run.owner != self._parts.attachment.me.id:
            # Somebody else's: just after its lease is the moment to see whether it lives.
            return (run.lease_until_ms + _patience_ms(run) - now_ms) / 1000 + LOOK_AGAIN_S
        return SWEEP_S

    async def _warm_workers(self) -> None:
        """Have workers of the jobs used lately ready. What goes wrong is told by the run that needs one."""
        for name in self._parts.recent.lately():
            if name in self._parts.jobs:
                with contextlib.suppress(LivejobError):
                    await self._parts.execution.warm(self._parts.jobs[name])

    async def _tidy_workers(self, attached: Attached) -> None:
        count = await self._parts.end_orphans(attached.live)
        if count:
            self._parts.reporter.report(Warned(f"{count} worker(s) of a session that died were removed"))
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for pool in self._pools():
                await pool.end_unused()

    async def _drain(self, dispatcher: Dispatcher) -> None:
        self._parts.records.give_up_within(self._settings.drain_s)
        # Detached first: no stub routes a run here while the rest winds down.
        await self._quietly(self._parts.attachment.detach())
        returned = dispatcher.give_back_waiting()
        running = [active.run.id for active in dispatcher.active if active.has_worker]
        self._parts.reporter.report(
            Stopping(self._cause, running, returned, self._settings.drain_s, self._by)
        )
        await dispatcher.drain(self._settings.drain_s, self._hurry)

    async def _leave(self) -> None:
        await self._parts.transport.close()
        await self._parts.reload.close()
        await asyncio.gather(*(pool.close() for pool in self._pools()))
        await self._quietly(self._parts.attachment.detach())

    async def _quietly(self, call: Awaitable[None]) -> None:
        """AWS may be out of reach when a session ends; its lease then ends by itself."""
        try:
            await call
        except LivejobError as error:
            self._parts.reporter.report(Warned(f"the session could not be detached: {error.message}"))

    def _pools(self) -> list[JobPool]:
        return [job.pool for job in self._parts.jobs.values()]


def _patience_ms(run: Run) -> int:
    return 0 if run.backend == "live" else round(BUILD_PATIENCE_S * 1000)
