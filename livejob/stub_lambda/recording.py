"""Makes the record of a new run out of a request. Called by whatever starts runs."""

from __future__ import annotations

import os

from livejob.clock import Clock
from livejob.runs.deadlines import queue_deadline_ms
from livejob.runs.model import Run
from livejob.runs.store import DocumentStore
from livejob.stub_lambda.requests import RunRequest
from livejob.stub_lambda.surroundings import JobIdentity
from livejob.wire.ids import RANDOM_BYTES, new_run_id
from livejob.wire.states import State


class Recorder:
    """Makes the runs of one job; nothing is written but a payload that is too large for the record."""

    def __init__(self, identity: JobIdentity, documents: DocumentStore, clock: Clock) -> None:
        self._identity = identity
        self._documents = documents
        self._clock = clock

    def new_run(self, request: RunRequest, caller: str) -> Run:
        """A QUEUED run with the job's policy."""
        policy = self._identity.policy
        now_ms = self._clock.now_ms()
        run_id = new_run_id(now_ms, os.urandom(RANDOM_BYTES))
        return Run(
            id=run_id,
            job=self._identity.job,
            state=State.QUEUED,
            created_ms=now_ms,
            expires_ms=queue_deadline_ms(now_ms, policy.queue_s),
            payload=self._documents.store("payloads", run_id, request.payload),
            caller=caller,
            key=request.key,
            retries=policy.retries,
            backoff_s=policy.backoff_s,
            queue_s=policy.queue_s,
        )
