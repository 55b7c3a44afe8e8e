"""What an invoker answers, made from the run record. Pure but for the link to a large result.

Times are Unix epoch milliseconds, null until known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from livejob.runs.model import Run
from livejob.runs.store import DocumentStore
from livejob.wire.ids import RunId
from livejob.wire.limits import RESULT_URL_S
from livejob.wire.states import State

Answer = Mapping[str, object]


def run_answer(run: Run) -> Answer:
    """To "run". `jobId` is what SST's callers read."""
    return {"jobId": run.id, "runId": run.id, "status": run.state.value, "backend": run.backend}


def upload_answer(upload_id: RunId, url: str) -> Answer:
    """To "upload": PUT exactly the bytes that were announced to the link."""
    return {"uploadId": upload_id, "uploadUrl": url}


def cancel_answer(run: Run) -> Answer:
    """To "cancel"."""
    return {"runId": run.id, "status": run.state.value}


def status_answer(run: Run, documents: DocumentStore, now_ms: int) -> Answer:
    """To "status": all of the record that a caller may need, so that it needs no other permission.

    A run that succeeded has `result`, or `resultUrl` if the result is large. `leaseOver` says that whoever
    holds the run owes a sign of life; it stays in its state until somebody records that it is lost.
    """
    return {
        "runId": run.id,
        "job": run.job,
        "status": run.state.value,
        "attempt": run.attempt_number,
        "backend": run.backend,
        "createdMs": run.created_ms,
        "startedMs": run.started_ms,
        "endedMs": run.ended_ms,
        "failure": run.failure.to_json() if run.failure else None,
        "log": run.log,
        "leaseOver": run.is_lease_over(now_ms),
        **_result(run, documents),
    }


def _result(run: Run, documents: DocumentStore) -> Answer:
    if run.state is not State.SUCCEEDED:
        return {}
    if run.result is None or run.result.inline is not None:
        return {"result": json.loads(run.result.inline or b"null") if run.result else None}
    return {"resultUrl": documents.presigned_url(run.result, RESULT_URL_S)}
