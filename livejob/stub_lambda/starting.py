"""Starts a run in a development stage.

    record it as QUEUED
    offer it to live sessions until the record says that one has it
    nobody took it -> what the job's policy says

The record is the truth throughout: the caller hears what is recorded, never more. Called by `stub`.
"""

from __future__ import annotations

import os

from livejob.bridge.transport import Doorbell
from livejob.errors import NoBackend, NoSession, StateConflict
from livejob.runs.deadlines import queue_deadline_ms
from livejob.runs.model import Change, Run
from livejob.stub_lambda.offer import Offer
from livejob.stub_lambda.requests import RunRequest
from livejob.stub_lambda.surroundings import JobIdentity, Pace, Stores
from livejob.wire.ids import RANDOM_BYTES, new_run_id
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State


class Starter:
    """Starts the runs of one job."""

    def __init__(self, identity: JobIdentity, stores: Stores, doorbell: Doorbell, pace: Pace) -> None:
        self._identity = identity
        self._stores = stores
        self._doorbell = doorbell
        self._pace = pace

    def start(self, request: RunRequest, caller: str, troubles: list[str]) -> Run:
        """The run as it is recorded once somebody has it, or once it is left to wait.

        With an idempotency key that is in use, it is the run that holds the key, as it stands; it is
        offered again if nobody has it, and whoever asked first deals with it if nobody takes it.

        troubles: gets what went wrong and was got over, for the log.

        Raises:
            NoSession, NoBackend: nobody took it and the policy is not to wait; it is recorded as FAILED.
            AwsError: it could not be recorded.
        """
        run = self._new_run(request, caller)
        recorded = self._stores.runs.create(run)
        if recorded.state is not State.QUEUED:
            return recorded
        offer = Offer(recorded, self._stores, self._doorbell, self._pace)
        offered = offer.make()
        troubles += offer.troubles
        if offered.state is not State.QUEUED or recorded.id != run.id:
            return offered
        return self._leave(offered, "; ".join(offer.troubles))

    def _new_run(self, request: RunRequest, caller: str) -> Run:
        now_ms = self._pace.clock.now_ms()
        run_id = new_run_id(now_ms, os.urandom(RANDOM_BYTES))
        return Run(
            id=run_id,
            job=self._identity.job,
            state=State.QUEUED,
            created_ms=now_ms,
            expires_ms=queue_deadline_ms(now_ms),
            payload=self._stores.documents.store("payloads", run_id, request.payload),
            caller=caller,
            key=request.key,
        )

    def _leave(self, run: Run, why: str) -> Run:
        """What the policy says of a run that nobody took."""
        stage = self._identity.stage.stage
        match self._identity.when_disconnected:
            case "queue":
                return run
            case "run":
                error: NoSession | NoBackend = NoBackend(
                    f"{why}, and stage {stage} has no backend to run {run.job} instead", stage=stage
                )
                failure = Failure(FailureType.NO_BACKEND, error.message, remedy=error.remedy)
            case _:
                error = NoSession(f"{run.id} was not started: {why}", stage=stage)
                failure = Failure(FailureType.NO_SESSION, error.message, remedy=error.remedy)
        # The attempt is the guard: with a claim, a new one begins.
        now_ms, attempt = self._pace.clock.now_ms(), run.attempt_number
        try:
            self._stores.runs.apply(run.id, Change(Input.FAIL, now_ms, attempt=attempt, failure=failure))
        except StateConflict:
            return self._stores.runs.get(run.id)  # somebody took it at the last moment
        raise error
