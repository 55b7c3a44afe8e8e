"""Records what builds of container jobs cannot say themselves: that they began, and how they ended.

    begins --> QUEUED -> CLAIMED -> RUNNING, under a lease until the build must be over
    ended  --> its outcome

Events come late, twice, or the end before the beginning. Each change is a conditional write that names the
attempt, so only the first word of each counts. Called by the reconciler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from livejob.clock import Clock, EpochMs
from livejob.errors import RunNotFound, StateConflict
from livejob.runs.model import Change, Document, Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.backend import Backend, BuildEnd, BuildStart
from livejob.stub_lambda.container_ends import outcome_of
from livejob.wire.ids import RunId
from livejob.wire.limits import LEASE_S
from livejob.wire.names import ENV_ATTEMPT, ENV_BUNDLE, ENV_RUN_ID
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State

EVENTS_LATE_S = 600.0
"""So long after a build must be over its end may be told of, before whoever looks takes its run for lost."""


class ContainerRuns:
    """The runs of a stage's container jobs."""

    def __init__(self, runs: RunStore, backend: Backend, clock: Clock) -> None:
        self._runs = runs
        self._backend = backend
        self._clock = clock

    def begin(self, start: BuildStart, variables: Mapping[str, str], troubles: list[str]) -> Run | None:
        """The run of an execution that begins, as it stands afterwards; None when it has none.

        An execution whose run is over, or another's, is stopped: it must not do the work again.

        variables: the execution's environment.
        troubles:  gets what went wrong and was got over.
        """
        if ENV_RUN_ID not in variables or ENV_ATTEMPT not in variables:
            troubles.append(f"{start.id} was not started by livejob")
            return None
        try:
            run = self._runs.get(RunId(variables[ENV_RUN_ID]))
        except RunNotFound as error:
            troubles.append(error.message)
            return None
        if run.is_container:
            claim = self._claim(start, variables.get(ENV_BUNDLE, ""), start.limit_s + EVENTS_LATE_S)
            run = self._begun(run, replace(claim, attempt=int(variables[ENV_ATTEMPT]) - 1))
            self._stop_other(run, start.id, troubles)
        return run

    def claimed_late(self, run: Run, end: BuildEnd, bundle: str) -> Run:
        """A run that waits, of an execution that has ended, held by it for the moment that it ran.

        bundle: what the execution says of its code.

        Raises:
            StateConflict: somebody was faster.
        """
        claim = self._claim(end, bundle, LEASE_S)
        began_ms = EpochMs(max(claim.now_ms - round((end.busy_s or 0) * 1000), run.waiting_since_ms))
        claim = replace(claim, now_ms=began_ms, attempt=run.attempt_number)
        claimed = self._runs.apply(run.id, claim)
        return claimed if end.busy_s is None else self._runs.apply(run.id, _running(claim, claimed))

    def ended(self, run: Run, end: BuildEnd) -> Change:
        """The change that records how the attempt ended of the execution that has the run."""
        outcome = outcome_of(end)
        what, failure = outcome.input, outcome.failure
        if run.cancel_asked and what is not Input.SUCCEED:
            what = Input.CANCEL
            failure = Failure(FailureType.CANCELLED, f"it was cancelled, and its build {end.id} has ended")
        result = Document(len(outcome.result), inline=outcome.result) if outcome.result is not None else None
        return Change(
            what,
            self._clock.now_ms(),
            owner=end.id,
            attempt=run.attempt_number,
            result=result,
            failure=failure,
            exit_code=outcome.exit_code,
            log=end.log or None,
        )

    def _claim(self, build: BuildStart | BuildEnd, bundle: str, lease_s: float) -> Change:
        """The claim of an execution that begins now."""
        now_ms = self._clock.now_ms()
        return Change(
            Input.CLAIM,
            now_ms,
            owner=build.id,
            backend=self._backend.name,
            lease_until_ms=EpochMs(now_ms + round(lease_s * 1000)),
            bundle=bundle,
            log=build.log or None,
        )

    def _begun(self, run: Run, claim: Change) -> Run:
        try:
            if run.state is State.QUEUED and run.attempt_number == claim.attempt:
                run = self._runs.apply(run.id, claim)
            if run.state is State.CLAIMED and run.owner == claim.owner:
                run = self._runs.apply(run.id, _running(claim, run))
        except StateConflict as error:
            now = error.context["run"]
            assert isinstance(now, Run)
            return now
        return run

    def _stop_other(self, run: Run, execution_id: str, troubles: list[str]) -> None:
        if run.attempts and run.attempts[-1].owner == execution_id and run.is_open:
            return
        troubles.append(f"{execution_id} has no run to execute, and is stopped")
        self._backend.stop(execution_id)


def _running(claim: Change, run: Run) -> Change:
    return Change(
        Input.RUN,
        claim.now_ms,
        owner=claim.owner,
        attempt=run.attempt_number,
        lease_until_ms=claim.lease_until_ms,
    )
