"""Starts a run in a production stage: record it as QUEUED, hand it to the backend. Called by `invoker`."""

from __future__ import annotations

from livejob.runs.model import Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.recording import Recorder, check_own
from livejob.stub_lambda.requests import StartRequest
from livejob.wire.states import State


class Submitter:
    """Starts the runs of one job."""

    def __init__(self, recorder: Recorder, runs: RunStore, handover: Handover) -> None:
        self._recorder = recorder
        self._runs = runs
        self._handover = handover

    def start(self, request: StartRequest, caller: str, troubles: list[str]) -> Run:
        """The run as it is recorded once the backend has it.

        With an idempotency key that is in use, it is the run that holds the key, as it stands; it is handed
        over again if nobody has done that, because whoever asked first may have died in between.

        Raises:
            BuildNotStarted: the backend does not take it; it is recorded as FAILED.
            AwsError: it could not be recorded, or the backend did not answer.
        """
        new = self._recorder.new_run(request, caller)
        run = check_own(self._runs.create(new), new.job)
        if run.state is not State.QUEUED or run.submitted_id or run.attempts:
            return run
        return self._handover.hand_over(run, troubles)
