"""Makes the record of a new run out of a request, and takes in payloads that come by upload.

An upload's id is the id of the run that it is for: it is as hard to guess, it can be used once, and a caller
that asks twice gets one run. Called by whatever starts runs.
"""

from __future__ import annotations

import os

from livejob.clock import Clock
from livejob.errors import PayloadInvalid
from livejob.runs.deadlines import queue_deadline_ms
from livejob.runs.model import Document, Run
from livejob.runs.store import DocumentStore
from livejob.stub_lambda.requests import RunUploadedRequest, StartRequest
from livejob.stub_lambda.surroundings import JobIdentity
from livejob.wire.ids import RANDOM_BYTES, RunId, new_run_id
from livejob.wire.limits import UPLOAD_URL_S
from livejob.wire.states import State

UPLOAD_REMEDY = 'Ask for an upload ({"action": "upload"}), PUT the payload to its link, then run.'


def check_own(recorded: Run, job: str) -> Run:
    """The run, if it is of this job: an upload's id that another job's run has gives nobody that run.

    Raises:
        PayloadInvalid: it is not.
    """
    if recorded.job != job:
        raise PayloadInvalid(f"nothing was uploaded as {recorded.id} for {job}", remedy=UPLOAD_REMEDY)
    return recorded


class Recorder:
    """Makes the runs of one job; nothing is written but a payload that is too large for the record."""

    def __init__(self, identity: JobIdentity, documents: DocumentStore, clock: Clock) -> None:
        self._identity = identity
        self._documents = documents
        self._clock = clock

    @property
    def job(self) -> str:
        return self._identity.job

    def open_upload(self, size_bytes: int) -> tuple[RunId, str]:
        """The id of an upload, and the link by which it may be made."""
        upload_id = new_run_id(self._clock.now_ms(), os.urandom(RANDOM_BYTES))
        return upload_id, self._documents.upload_url("payloads", upload_id, size_bytes, UPLOAD_URL_S)

    def new_run(self, request: StartRequest, caller: str) -> Run:
        """A QUEUED run with the job's policy.

        Raises:
            PayloadInvalid: there is no such upload.
            AwsError
        """
        policy = self._identity.policy
        now_ms = self._clock.now_ms()
        run_id, payload = self._payload(request, now_ms)
        return Run(
            id=run_id,
            job=self._identity.job,
            state=State.QUEUED,
            created_ms=now_ms,
            expires_ms=queue_deadline_ms(now_ms, policy.queue_s),
            payload=payload,
            caller=caller,
            key=request.key,
            retries=policy.retries,
            backoff_s=policy.backoff_s,
            queue_s=policy.queue_s,
            is_container=self._identity.is_container,
        )

    def _payload(self, request: StartRequest, now_ms: int) -> tuple[RunId, Document]:
        if isinstance(request, RunUploadedRequest):
            found = self._documents.find("payloads", request.upload_id)
            if found is None:
                raise PayloadInvalid(
                    f"nothing was uploaded as {request.upload_id}",
                    remedy=UPLOAD_REMEDY,
                )
            return request.upload_id, found
        run_id = new_run_id(now_ms, os.urandom(RANDOM_BYTES))
        return run_id, self._documents.store("payloads", run_id, request.payload)
