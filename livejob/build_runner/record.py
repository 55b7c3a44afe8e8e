"""The run record as a build uses it: claims one run, keeps the lease, records the end.

An end is written with patience: whoever waits for the run must not lose hours of work to a moment in which
DynamoDB does not answer. Blocks; knows nothing of processes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from livejob.build_runner.build import Build
from livejob.clock import Clock, EpochMs
from livejob.errors import AccessRefused, AwsError, AwsUnreachable, NotDeployed, RunNotFound, StateConflict
from livejob.runs.model import Change, Document, Run
from livejob.runs.retries import closing
from livejob.runs.store import DocumentStore, RunStore
from livejob.wire.limits import LEASE_S
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input

KEEP_TRYING_S = 600.0
"""How long an end is tried to be written."""

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes: `sleep` takes seconds."""

    clock: Clock
    sleep: Callable[[float], None]


class BuildRecord:
    """The record of the run that one build is for."""

    def __init__(self, build: Build, runs: RunStore, documents: DocumentStore, pace: Pace) -> None:
        self._build = build
        self._runs = runs
        self._documents = documents
        self._pace = pace

    def claim(self) -> Run:
        """Take the run; waits while the pause before its attempt is not over (clocks differ).

        A run whose time in the queue is over is recorded as EXPIRED instead.

        Raises:
            StateConflict: somebody else has it, or it has ended: there is nothing to do.
            RunNotFound, AwsError
        """
        while True:
            now_ms = self._pace.clock.now_ms()
            self._expire(now_ms)
            try:
                return self._runs.apply(self._build.run_id, self._claim_change(now_ms))
            except StateConflict as error:
                run = error.context["run"]
                if not isinstance(run, Run) or run.is_due(now_ms) or run.due_ms is None:
                    raise
            self._pace.sleep((run.due_ms - now_ms) / 1000)

    def payload(self, run: Run) -> bytes:
        """The run's payload, UTF-8 JSON. Nothing is lost yet, so only silence is waited out.

        Raises:
            AwsError
        """
        return self._insist(lambda: self._documents.load(run.payload), AwsUnreachable)

    def running(self) -> Run | None:
        """Record that the handler starts. None when the run is no longer this build's."""
        return self._apply(self._held(Input.RUN, log=self._build.log))

    def heartbeat(self) -> Run | None:
        """Prolong the lease. None when the run is no longer this build's."""
        return self._apply(self._held(Input.HEARTBEAT))

    def finish(self, run: Run, outcome: Outcome) -> Run | None:
        """Record how the attempt ended. None when the run is no longer this build's.

        run: as it was last seen, with its policy for further attempts.
        """
        change = closing(run, self._end_change(outcome), random.random())
        try:
            return self._insist(lambda: self._runs.apply(self._build.run_id, change))
        except (StateConflict, RunNotFound):
            return None

    def _expire(self, now_ms: EpochMs) -> None:
        if not self._runs.get(self._build.run_id).is_expired(now_ms):
            return
        failure = Failure(
            FailureType.QUEUE_EXPIRED,
            f"its build {self._build.id} began after its time in the queue was over",
            remedy="Raise queue_timeout= of the job, or the account's limit of concurrent builds.",
        )
        # Refused when somebody has it by now; then the claim is refused as well.
        self._apply(Change(Input.EXPIRE, now_ms, failure=failure))

    def _end_change(self, outcome: Outcome) -> Change:
        result: Document | None = None
        if outcome.result is not None:
            data = outcome.result
            try:
                result = self._insist(lambda: self._documents.store("results", self._build.run_id, data))
            except AwsError as error:
                failure = Failure(
                    FailureType.WORKER_FAILED,
                    f"its result cannot be kept: {error.message}",
                    remedy=error.remedy,
                )
                outcome = Outcome(Input.FAIL, failure=failure, exit_code=outcome.exit_code)
        return Change(
            outcome.input,
            self._pace.clock.now_ms(),
            owner=self._build.id,
            attempt=self._build.attempt,
            result=result,
            failure=outcome.failure,
            exit_code=outcome.exit_code,
            log=self._build.log,
        )

    def _claim_change(self, now_ms: EpochMs) -> Change:
        return Change(
            Input.CLAIM,
            now_ms,
            owner=self._build.id,
            attempt=self._build.attempt - 1,
            backend="codebuild",
            lease_until_ms=_lease_until(now_ms),
            bundle=self._build.bundle,
            log=self._build.log,
        )

    def _held(self, what: Input, log: str | None = None) -> Change:
        now_ms = self._pace.clock.now_ms()
        return Change(
            what,
            now_ms,
            owner=self._build.id,
            attempt=self._build.attempt,
            lease_until_ms=_lease_until(now_ms),
            log=log,
        )

    def _apply(self, change: Change) -> Run | None:
        try:
            return self._runs.apply(self._build.run_id, change)
        except (StateConflict, RunNotFound):
            return None

    def _insist(self, step: Callable[[], T], over: type[AwsError] = AwsError) -> T:
        """Do the step; again, for KEEP_TRYING_S, when it fails with an `over` that may pass."""
        give_up_s = self._pace.clock.monotonic_s() + KEEP_TRYING_S
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return step()
            except (AccessRefused, NotDeployed):
                raise
            except over:
                if self._pace.clock.monotonic_s() >= give_up_s:
                    raise
            self._pace.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _lease_until(now_ms: int) -> EpochMs:
    return EpochMs(now_ms + round(LEASE_S * 1000))
