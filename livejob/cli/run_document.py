"""A run as the JSON that `--json` prints. Its fields are stable; new ones may come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from livejob.runs.model import Attempt, Run
from livejob.runs.phases import Phase
from livejob.wire.outcome import Failure


def run_document(run: Run) -> dict[str, Any]:
    """All that is recorded of a run, without payload and result. Times are Unix epoch milliseconds."""
    return {
        "id": run.id,
        "job": run.job,
        "state": run.state,
        "attempt": run.attempt_number,
        "backend": run.backend,
        "owner": run.owner,
        "caller": run.caller,
        "key": run.key,
        "created_ms": run.created_ms,
        "started_ms": run.started_ms,
        "ended_ms": run.ended_ms,
        "expires_ms": run.expires_ms,
        "lease_until_ms": run.lease_until_ms,
        "cancel_asked": run.cancel_asked,
        "failure": _failure(run.failure),
        "log": run.log,
        "note": run.note,
        "bundle": run.bundle,
        "submitted_id": run.submitted_id,
        "submitted_ms": run.submitted_ms,
        "due_ms": run.due_ms,
        "retries": run.retries,
        "attempts": [_attempt(each) for each in run.attempts],
    }


def phases_document(phases: Iterable[Phase]) -> dict[str, float]:
    """Seconds by phase, of the present or last attempt."""
    return {each.name: each.seconds for each in phases}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "backend": attempt.backend,
        "owner": attempt.owner,
        "state": attempt.state,
        "due_ms": attempt.due_ms,
        "submitted_ms": attempt.submitted_ms,
        "claimed_ms": attempt.claimed_ms,
        "started_ms": attempt.started_ms,
        "ended_ms": attempt.ended_ms,
        "exit_code": attempt.exit_code,
        "failure": _failure(attempt.failure),
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else failure.to_json()


def shown_json(value: object) -> str:
    """A JSON value for a person's eyes: indented, characters beyond ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, indent=2)
