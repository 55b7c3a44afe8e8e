"""Hands a recorded run to the backend, and says so in the record.

    backend takes it    -> QUEUED, with the backend's id of the execution
    backend refuses it  -> FAILED, with the reason by name

The execution claims the run when it begins, so one that was asked for twice runs once.
"""

from __future__ import annotations

from livejob.clock import Clock
from livejob.errors import AwsError, BuildNotStarted, StateConflict
from livejob.runs.model import Change, Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.backend import Backend, Order
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State


class Handover:
    """Hands over the runs of one stage."""

    def __init__(self, runs: RunStore, backend: Backend, clock: Clock) -> None:
        self._runs = runs
        self._backend = backend
        self._clock = clock

    def hand_over(self, run: Run, troubles: list[str]) -> Run:
        """The run as it is recorded then.

        troubles: gets what went wrong and was got over.

        Raises:
            BuildNotStarted: the backend does not take it; it is recorded as FAILED.
            AwsError: the backend did not answer; it is recorded as FAILED.
        """
        payload = run.payload if run.is_container else None
        try:
            execution_id = self._backend.start(Order(run.id, run.attempt_number + 1, run.job, payload))
        except BuildNotStarted as error:
            return self._refused(run, error, error.context["failure"])
        except AwsError as error:
            failure = Failure(FailureType.BUILD_NOT_STARTED, error.message, remedy=error.remedy)
            return self._refused(run, error, failure)
        return self._submitted(run, execution_id, troubles)

    def _submitted(self, run: Run, execution_id: str, troubles: list[str]) -> Run:
        change = Change(
            Input.SUBMIT,
            self._clock.now_ms(),
            owner=execution_id,
            attempt=run.attempt_number,
            backend=self._backend.name,
        )
        try:
            return self._runs.apply(run.id, change)
        except StateConflict as error:
            # It began at once, or the run was cancelled meanwhile: then the execution finds nothing to do.
            now = error.context["run"]
            assert isinstance(now, Run)
            return now
        except AwsError as error:
            # It has been asked for: an error here would be taken for a run that was not started.
            troubles.append(f"{run.id} is in {execution_id}, which is not recorded: {error.message}")
            return run

    def _refused(self, run: Run, error: AwsError | BuildNotStarted, failure: object) -> Run:
        assert isinstance(failure, Failure)
        return fail_queued(self._runs, run, failure, self._clock, error)


def fail_queued(runs: RunStore, run: Run, failure: Failure, clock: Clock, error: Exception) -> Run:
    """Record that a run which nobody has cannot be started, and raise `error`.

    The run as it stands is returned when somebody took it at the last moment.
    """
    # The attempt is the guard: with a claim, a new one begins.
    change = Change(Input.FAIL, clock.now_ms(), attempt=run.attempt_number, failure=failure)
    try:
        runs.apply(run.id, change)
    except StateConflict:
        now = runs.get(run.id)
        if now.state is not State.FAILED:
            return now
    raise error
