"""The daemon's side of the run record: the blocking stores behind one gateway, in this session's name.

Everything that a daemon has to tell the cloud goes through here. A write that the record does not allow
means that somebody else decided first; it is answered with None, never forced.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from livejob.clock import Clock, EpochMs
from livejob.errors import AwsError, RunNotFound, StateConflict
from livejob.local_runner.threads import ThreadGateway
from livejob.runs.model import Change, Document, Run
from livejob.runs.retries import closing
from livejob.runs.store import DocumentStore, RunStore
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import LEASE_S
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input

T = TypeVar("T")

KEEP_TRYING_S = 600.0
"""How long an outcome is kept and written again while AWS cannot be reached."""


class Records:
    """Reads and writes the runs of one session. Async; every call goes through the gateway."""

    def __init__(
        self,
        store: RunStore,
        documents: DocumentStore,
        gateway: ThreadGateway,
        clock: Clock,
        owner: SessionId,
    ) -> None:
        self._store = store
        self._documents = documents
        self._gateway = gateway
        self._clock = clock
        self._owner = owner
        self._give_up_s = math.inf

    def give_up_within(self, seconds: float) -> None:
        """The session ends: an outcome that cannot be written is kept for so long only."""
        self._give_up_s = self._clock.monotonic_s() + seconds

    async def claim(self, run_id: RunId) -> Run | None:
        """Take a QUEUED run for this session; None when somebody else has it or it has ended."""
        now_ms = self._clock.now_ms()
        return await self._apply(
            run_id,
            Change(
                Input.CLAIM,
                now_ms,
                backend="live",
                lease_until_ms=self._lease_until(now_ms),
                # The claim's guard is the state alone; the owner is what it writes.
                owner=self._owner,
            ),
        )

    async def running(self, run: Run, log: str) -> Run | None:
        """The handler runs; `log` is where its output can be read."""
        return await self._apply(run.id, self._held(run, Input.RUN, log=log))

    async def heartbeat(self, run: Run, note: str | None = None) -> Run | None:
        """Prolong the lease, and write a note if there is one ("" takes it away).

        None when the run is no longer this session's.
        """
        return await self._apply(run.id, replace(self._held(run, Input.HEARTBEAT), note=note))

    async def finish(self, run: Run, outcome: Outcome) -> Run | None:
        """Record how the attempt ended; tries again for KEEP_TRYING_S while AWS cannot be reached.

        None when the run is no longer this session's.

        Raises:
            AwsError: it still could not be written.
        """
        document: Document | None = None
        if outcome.result is not None:
            data = outcome.result
            document = await self._insist(lambda: self._documents.store("results", run.id, data))
        change = Change(
            outcome.input,
            self._clock.now_ms(),
            owner=self._owner,
            attempt=run.attempt_number,
            result=document,
            failure=outcome.failure.clipped() if outcome.failure else None,
            exit_code=outcome.exit_code,
        )
        # Another attempt, if there is one left, comes after a pause: see `runs.retries`.
        recorded = closing(run, change, random.random())
        try:
            return await self._insist(lambda: self._store.apply(run.id, recorded))
        except (StateConflict, RunNotFound):
            return None

    async def payload(self, run: Run) -> bytes:
        """The run's payload, UTF-8 JSON."""
        if run.payload.inline is not None:
            return run.payload.inline
        return await self._gateway.call(self._documents.load, run.payload)

    async def open_runs(self, job: str) -> Sequence[Run]:
        """The job's runs that have not ended, oldest first."""
        return await self._gateway.call(self._store.open_runs, job)

    async def lose(self, run: Run) -> Run | None:
        """Record that the holder of a run went away without a word. None when it has spoken since."""
        failure = Failure(
            FailureType.LEASE_EXPIRED,
            "its holder gave no sign of life until its lease ran out",
            remedy=f"`livejob run {run.job}` with the same payload runs it again.",
        )
        change = Change(
            Input.LOSE, self._clock.now_ms(), owner=run.owner, attempt=run.attempt_number, failure=failure
        )
        return await self._apply(run.id, change)

    async def expire(self, run: Run) -> Run | None:
        """Record that a run waited in the queue for longer than it may."""
        failure = Failure(
            FailureType.QUEUE_EXPIRED,
            "no session took it before its time in the queue was over",
            remedy="Keep a session attached (`livejob start`), then run it again.",
        )
        return await self._apply(run.id, Change(Input.EXPIRE, self._clock.now_ms(), failure=failure))

    def _held(self, run: Run, what: Input, log: str | None = None) -> Change:
        now_ms = self._clock.now_ms()
        return Change(
            what,
            now_ms,
            owner=self._owner,
            attempt=run.attempt_number,
            lease_until_ms=self._lease_until(now_ms),
            log=log,
        )

    def _lease_until(self, now_ms: int) -> EpochMs:
        return EpochMs(now_ms + round(LEASE_S * 1000))

    async def _apply(self, run_id: RunId, change: Change) -> Run | None:
        try:
            return await self._gateway.call(self._store.apply, run_id, change)
        except (StateConflict, RunNotFound):
            return None

    async def _insist(self, write: Callable[[], T]) -> T:
        keep_until_s = self._clock.monotonic_s() + KEEP_TRYING_S
        pause_s = 0.2
        while True:
            try:
                return await self._gateway.call(write)
            except AwsError:
                if self._clock.monotonic_s() >= min(keep_until_s, self._give_up_s):
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 10.0)
