"""One claimed run, from its worker to its recorded outcome.

Decides when an attempt has to end (cancel, timeout, the session's own end) and what its end means.
Knows nothing of the bridge or of other runs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from livejob.clock import Clock
from livejob.errors import LivejobError
from livejob.local_runner.active_run import ActiveRun
from livejob.local_runner.attempt_output import AttemptOutput
from livejob.local_runner.debugging import AttemptAtHand, AttemptDebugging, Debugging, NoDebugging
from livejob.local_runner.endings import nothing_to_run_in, outcome_of, requeued, stopped_before_start
from livejob.local_runner.events import Reporter, RunEnded, RunStarted, Warned
from livejob.local_runner.lending import AttemptLink, JobPool
from livejob.local_runner.logs import RunLogs
from livejob.local_runner.pauses import Pauses, Telling
from livejob.local_runner.records import Records
from livejob.local_runner.reservation import Reservation
from livejob.local_runner.sources.feed import SourceFeed
from livejob.local_runner.time_limit import TimeLimit
from livejob.local_runner.waiting import wait_first
from livejob.project.specs import JobSpec
from livejob.runs.model import Run
from livejob.wire.limits import CANCEL_GRACE_S
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input
from livejob.wire.worker import DeadlineMoved, DebuggerBytes, StartAttempt, StopAttempt

BEYOND_GRACE_S = 5.0
"""A supervisor that has not ended the attempt so long after the grace is ended itself."""


SOURCES_AGE_S = 1.0
"""How old the look at the source may be that an attempt starts from, if it is younger than the invocation."""


class LiveJob(Protocol):
    """A job as it stands: its present definition and its workers."""

    @property
    def spec(self) -> JobSpec: ...

    @property
    def pool(self) -> JobPool: ...


class RunExecution:
    """Executes the runs of one session, each by one call of `execute`."""

    def __init__(
        self,
        records: Records,
        sources: SourceFeed,
        logs: RunLogs,
        clock: Clock,
        reporter: Reporter,
        debugging: Debugging | None = None,
    ) -> None:
        """`debugging` None: nothing is debugged."""
        self._records = records
        self._sources = sources
        self._logs = logs
        self._clock = clock
        self._reporter = reporter
        self._debugging = debugging or NoDebugging()

    def expect(self, job: LiveJob) -> Reservation:
        """A run was heard of and will perhaps be executed: what it needs is made ready meanwhile."""
        return Reservation(job.pool, self._sources.expect())

    async def warm(self, job: LiveJob) -> None:
        """Have a worker of the job ready, with its sources and packages.

        Raises:
            EngineUnavailable, ImageMissing, WorkerFailed: it cannot be started.
        """

        async def prepare(link: AttemptLink) -> None:
            await link.prepare(await self._sources.current(self._clock.monotonic_s() - SOURCES_AGE_S))

        await job.pool.warm(prepare)

    async def execute(self, active: ActiveRun, job: LiveJob, reservation: Reservation) -> None:
        """Take the run to its end and record it."""
        began_s = self._clock.monotonic_s()
        try:
            link = await reservation.take(active.stop_asked)
        except LivejobError as error:
            await self._record(active, nothing_to_run_in(error), began_s)
            return
        if link is None:
            await self._record(active, stopped_before_start(active.reason), began_s)
            return
        active.has_worker = True
        try:
            began_s, outcome = await self._attempt(active, job.spec, link)
        finally:
            await job.pool.release(link)
        if active.is_restarting:
            outcome = requeued(outcome)
            active.is_restarting = outcome.input is Input.REQUEUE
        await self._record(active, outcome, began_s)

    async def _attempt(self, active: ActiveRun, spec: JobSpec, link: AttemptLink) -> tuple[float, Outcome]:
        run = active.run
        try:
            payload = await self._records.payload(run)
        except LivejobError as error:
            failure = Failure(
                FailureType.WORKER_FAILED, f"its payload cannot be read: {error}", remedy=error.remedy
            )
            return self._clock.monotonic_s(), Outcome(Input.FAIL, failure=failure)
        await self._give_sources(active, link)
        limit = TimeLimit(spec.timeout_s, self._clock)
        telling = Telling(partial(self._write_note, active), partial(_move_deadline, link, run))
        pauses = Pauses(run, limit, telling, self._reporter)
        at_hand = AttemptAtHand(
            run, link.hello, link.dependencies, partial(_send_debugger, link, run), pauses
        )
        try:
            async with self._debugging.attempt(at_hand) as debugging:
                return await self._debugged(active, spec, link, payload, _Debugged(debugging, limit))
        finally:
            await pauses.close()

    async def _debugged(
        self, active: ActiveRun, spec: JobSpec, link: AttemptLink, payload: bytes, debugged: _Debugged
    ) -> tuple[float, Outcome]:
        run = active.run
        log_file = self._logs.open(run.id)
        output = AttemptOutput(run, log_file, self._clock, self._reporter, debugged.debugging)
        start = StartAttempt(
            run_id=run.id,
            attempt=run.attempt_number,
            job=run.job,
            handler=spec.handler,
            deadline_ms=self._clock.now_ms() + spec.timeout_s * 1000,
            environment=dict(spec.environment),
            body=payload,
            debugger=debugged.debugging.start,
        )
        log = self._logs.address(run.id)
        began_s = self._clock.monotonic_s()
        try:
            # The record follows while the handler already starts: it must not wait for a round trip.
            async with asyncio.TaskGroup() as group:
                group.create_task(self._note_running(active, log))
                outcome = await self._until_ended(active, spec, link, _Attempt(start, output, debugged))
        finally:
            output.close()
        return began_s, outcome

    async def _give_sources(self, active: ActiveRun, link: AttemptLink) -> None:
        """What was saved before the invocation; of a run that has waited, what was saved until just now."""
        since_s = max(active.heard_s, self._clock.monotonic_s() - SOURCES_AGE_S)
        await link.give_sources(await self._sources.current(since_s))

    async def _note_running(self, active: ActiveRun, log: str) -> None:
        run = active.run
        self._reporter.report(RunStarted(run.id, run.job, run.attempt_number))
        try:
            now = await self._records.running(run, log)
        except LivejobError as error:
            # The lease still holds, and the outcome is written with more patience.
            self._reporter.report(
                Warned(f"{run.id}: its start is not recorded: {error.message}", about=run.id)
            )
            return
        if now is None:
            active.disown()
        elif now.cancel_asked:
            active.stop("cancel")

    async def _until_ended(
        self, active: ActiveRun, spec: JobSpec, link: AttemptLink, this: _Attempt
    ) -> Outcome:
        start = this.start
        attempt = asyncio.ensure_future(link.run(start, this.output.take))
        stopping = asyncio.ensure_future(active.stop_asked.wait())
        timing_out = asyncio.ensure_future(this.debugged.limit.wait_over())
        try:
            await wait_first(attempt, stopping, timing_out)
            if not attempt.done():
                active.stop("timeout")
                assert active.reason is not None
                stop = StopAttempt(start.run_id, start.attempt, active.reason, CANCEL_GRACE_S)
                await link.stop_attempt(stop)
                # Afterwards: a paused handler that went on first could end before it hears of the stop.
                await this.debugged.debugging.let_go()
                await wait_first(attempt, timeout_s=CANCEL_GRACE_S + BEYOND_GRACE_S)
            if not attempt.done():
                await link.kill()
            return outcome_of(await attempt, active.reason, spec)
        finally:
            timing_out.cancel()
            stopping.cancel()
            attempt.cancel()

    async def _write_note(self, active: ActiveRun, note: str) -> None:
        active.note = note
        try:
            await self._records.heartbeat(active.run, note)
        except LivejobError:
            # The next heartbeat carries it again, and says it if that fails too.
            return

    async def _record(self, active: ActiveRun, outcome: Outcome, began_s: float) -> None:
        if active.is_disowned:
            self._warn_disowned(active.run)
            return
        took_s = self._clock.monotonic_s() - began_s
        run = active.run
        after = await self._records.finish(run, outcome)
        if after is None:
            self._warn_disowned(run)
            return
        if after.due_ms is not None:
            active.pause_s = max(0, after.due_ms - self._clock.now_ms()) / 1000
        self._reporter.report(
            RunEnded(run.id, run.job, run.attempt_number, after.state, took_s, outcome.failure)
        )

    def _warn_disowned(self, run: Run) -> None:
        self._reporter.report(
            Warned(
                f"{run.id} is no longer this session's: what it did here is not recorded",
                remedy=f"`livejob show {run.id}` shows who has it and what became of it.",
                about=run.id,
            )
        )


@dataclass(frozen=True, slots=True)
class _Debugged:
    """What a debugger does to an attempt: `limit` stands still while it holds it."""

    debugging: AttemptDebugging
    limit: TimeLimit


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt and who hears of it."""

    start: StartAttempt
    output: AttemptOutput
    debugged: _Debugged


async def _send_debugger(link: AttemptLink, run: Run, data: bytes) -> None:
    await link.tell_attempt(DebuggerBytes(run.id, run.attempt_number, data))


async def _move_deadline(link: AttemptLink, run: Run, left_s: float, is_standing: bool) -> None:
    left_ms = max(0, round(left_s * 1000))
    await link.tell_attempt(DeadlineMoved(run.id, run.attempt_number, left_ms, is_standing))
