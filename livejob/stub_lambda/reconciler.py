"""Closes the runs of executions that ended without a word, and starts the next attempt of those that get one.

    end of an execution --> its run is open and this execution's -> closed, or back in the queue
                            its run waits for a retry            -> after its pause, handed over again

Everything is decided by conditional writes, so an event that comes twice or late changes nothing more.
Called by `reconcile`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from livejob.clock import EpochMs
from livejob.errors import BuildNotStarted, RunNotFound, StateConflict
from livejob.runs.model import Change, Run
from livejob.runs.retries import closing
from livejob.runs.store import RunStore
from livejob.stub_lambda.backend import Backend, BuildEnd
from livejob.stub_lambda.build_ends import failure_of
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.surroundings import Pace
from livejob.wire.ids import RunId
from livejob.wire.limits import LEASE_S
from livejob.wire.names import ENV_ATTEMPT, ENV_RUN_ID
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import HELD, Input, State


class Reconciler:
    """Brings the runs of one stage in line with what became of their executions."""

    def __init__(self, runs: RunStore, backend: Backend, handover: Handover, pace: Pace) -> None:
        self._runs = runs
        self.backend = backend
        self._handover = handover
        self._pace = pace

    def take(self, end: BuildEnd, variables: Mapping[str, str], troubles: list[str]) -> Run | None:
        """The run of an execution that has ended, as it stands afterwards; None when it has none.

        variables: the execution's environment.
        troubles:  gets what went wrong and was got over.
        """
        if ENV_RUN_ID not in variables or ENV_ATTEMPT not in variables:
            troubles.append(f"{end.id} was not started by livejob")
            return None
        try:
            run = self.close(RunId(variables[ENV_RUN_ID]), int(variables[ENV_ATTEMPT]), end)
        except RunNotFound as error:
            troubles.append(error.message)
            return None
        if run.state is not State.QUEUED or run.submitted_id or not run.attempts:
            return run
        return self._retried(run, troubles)

    def close(self, run_id: RunId, attempt: int, end: BuildEnd) -> Run:
        """The run after the end of the execution for that attempt is recorded, if that was still to do.

        Raises:
            RunNotFound
        """
        run = self._runs.get(run_id)
        try:
            if run.state is State.QUEUED and run.attempt_number == attempt - 1:
                run = self._close_waiting(run, end)
            if run.state in HELD and run.owner == end.id and run.attempt_number == attempt:
                run = self._close_held(run, end)
        except StateConflict as error:
            now = error.context["run"]
            assert isinstance(now, Run)
            return now
        return run

    def _close_waiting(self, run: Run, end: BuildEnd) -> Run:
        """It ended before it could claim the run: claim it for it, so that the attempt is counted."""
        failure = failure_of(end)
        now_ms = self._pace.clock.now_ms()
        if failure.type == FailureType.QUEUE_EXPIRED and run.is_expired(now_ms):
            return self._runs.apply(run.id, Change(Input.EXPIRE, now_ms, failure=failure))
        claim = Change(
            Input.CLAIM,
            now_ms,
            owner=end.id,
            attempt=run.attempt_number,
            backend=self.backend.name,
            lease_until_ms=EpochMs(now_ms + round(LEASE_S * 1000)),
        )
        return self._runs.apply(run.id, claim)

    def _close_held(self, run: Run, end: BuildEnd) -> Run:
        change = Change(
            _input_of(run, end),
            self._pace.clock.now_ms(),
            owner=end.id,
            attempt=run.attempt_number,
            failure=_failure_of(run, end),
        )
        return self._runs.apply(run.id, closing(run, change, random.random()))

    def _retried(self, run: Run, troubles: list[str]) -> Run:
        """The run after it was handed over again, which may have to wait for the end of its pause."""
        pause_ms = (run.due_ms or 0) - self._pace.clock.now_ms()
        if pause_ms > 0:
            self._pace.sleep(pause_ms / 1000)
            run = self._runs.get(run.id)
            if run.state is not State.QUEUED or run.submitted_id:
                return run  # cancelled, or taken, meanwhile
        try:
            return self._handover.hand_over(run, troubles)
        except BuildNotStarted as error:
            troubles.append(error.message)
            return self._runs.get(run.id)


def _input_of(run: Run, end: BuildEnd) -> Input:
    if run.cancel_asked:
        return Input.CANCEL
    return Input.TIME_OUT if failure_of(end).type == FailureType.TIMED_OUT else Input.FAIL


def _failure_of(run: Run, end: BuildEnd) -> Failure:
    if run.cancel_asked:
        return Failure(FailureType.CANCELLED, f"it was cancelled, and its build {end.id} has ended")
    return failure_of(end)
