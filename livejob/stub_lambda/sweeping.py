"""Looks through a stage's open runs for those that nobody would end any more. Events can be lost, and with
them the word that a build has ended; leases run out where nobody is left to notice.

    waits for an execution that has ended            -> closed as by its event
    held by an execution that has ended              -> closed as by its event
    held, and nothing heard for LOST_AFTER_S         -> LOST, and its execution is stopped
    waits longer than it may                         -> EXPIRED
    waits for nobody, and a backend has to take it   -> handed over

One read of a sparse index when nothing is open. The backend is asked only about runs that are overdue, so not
about those whose heartbeats come. Pauses between attempts are not waited for. Called by `reconcile`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from livejob.clock import Clock
from livejob.errors import BuildNotStarted, LivejobError, RunNotFound, StateConflict
from livejob.runs.model import Change, Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.reconciler import Reconciler
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State

OVERDUE_S = 120
"""So long after it was handed over, or might have been, a run is looked at: a build begins sooner."""

LOST_AFTER_S = 600
"""So long after the end of its lease a run is given up, whatever its execution does."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A run that was changed: how it stood, and how it stands."""

    before: Run
    after: Run


class Sweep:
    """Of one stage. takes_all: every run of the stage is a backend's, as in production."""

    def __init__(
        self, runs: RunStore, reconciler: Reconciler, handover: Handover, clock: Clock, *, takes_all: bool
    ) -> None:
        self._runs = runs
        self._backend = reconciler.backend
        self._reconciler = reconciler
        self._handover = handover
        self._clock = clock
        self._takes_all = takes_all

    def run(self, troubles: list[str]) -> Iterator[Swept]:
        """What was mended.

        troubles: gets what went wrong with single runs; the next sweep tries again.
        """
        for run in self._runs.all_open_runs():
            try:
                after = self._looked_at(run, troubles)
            except (RunNotFound, StateConflict, BuildNotStarted):
                continue  # it is gone, somebody else was faster, or it is recorded as FAILED
            except LivejobError as error:
                troubles.append(f"{run.id}: {error.message}")
                continue
            if after != run:
                yield Swept(run, after)

    def _looked_at(self, run: Run, troubles: list[str]) -> Run:
        now_ms = self._clock.now_ms()
        if run.state is State.QUEUED:
            return self._waiting(run, now_ms, troubles)
        if run.is_lease_over(now_ms):
            return self._silent(run, now_ms)
        return run

    def _waiting(self, run: Run, now_ms: int, troubles: list[str]) -> Run:
        if run.submitted_id:
            is_overdue = _is_overdue(run.submitted_ms, now_ms)
            end = self._backend.end(run.submitted_id) if is_overdue else None
            if end is not None:
                return self._reconciler.close(run.id, run.attempt_number + 1, end)
        if run.is_expired(now_ms):
            return self._runs.apply(run.id, Change(Input.EXPIRE, self._clock.now_ms(), failure=_EXPIRED))
        is_left = not run.submitted_id and run.is_due(now_ms) and _is_overdue(run.waiting_since_ms, now_ms)
        if is_left and self._is_backends(run):
            return self._handover.hand_over(run, troubles)
        return run

    def _silent(self, run: Run, now_ms: int) -> Run:
        is_built = run.backend == self._backend.name and run.owner is not None
        if is_built:
            end = self._backend.end(str(run.owner))
            if end is not None:
                return self._reconciler.close(run.id, run.attempt_number, end)
        if now_ms - (run.lease_until_ms or now_ms) < LOST_AFTER_S * 1000:
            return run
        lost = self._runs.apply(run.id, self._loss_of(run))
        if is_built:
            self._backend.stop(str(run.owner))
        return lost

    def _loss_of(self, run: Run) -> Change:
        failure = Failure(
            FailureType.LEASE_EXPIRED,
            f"nothing was heard of it any more from {run.owner}",
            remedy="`livejob rerun` runs it again.",
        )
        return Change(
            Input.LOSE, self._clock.now_ms(), owner=run.owner, attempt=run.attempt_number, failure=failure
        )

    def _is_backends(self, run: Run) -> bool:
        return self._takes_all or bool(run.attempts and run.attempts[-1].backend == self._backend.name)


def _is_overdue(since_ms: int | None, now_ms: int) -> bool:
    return since_ms is not None and now_ms - since_ms > OVERDUE_S * 1000


_EXPIRED = Failure(
    FailureType.QUEUE_EXPIRED,
    "nobody took it before its time in the queue was over",
    remedy="Raise queue_timeout= of the job; `livejob rerun` runs it again.",
)
