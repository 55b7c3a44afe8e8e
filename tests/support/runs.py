"""Runs, changes and sessions as the tests need them, with sensible values for what a test leaves open."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

from livejob.clock import EpochMs
from livejob.runs.model import Change, Document, Run, Session
from livejob.runs.store import RunStore
from livejob.wire.ids import RANDOM_BYTES, SessionId, new_run_id, new_session_id
from livejob.wire.limits import QUEUE_TTL_S
from livejob.wire.outcome import Failure
from livejob.wire.states import Input, State

T0 = EpochMs(1_700_000_000_000)
"""When the tests' stories begin."""

LEASE_MS = 30_000

_numbers = itertools.count()


def at(seconds: float) -> EpochMs:
    """So many seconds after T0."""
    return EpochMs(T0 + round(seconds * 1000))


def a_job_name() -> str:
    """A job that no other test uses."""
    return f"Job{next(_numbers)}"


def a_run(job: str = "Resize", created_ms: int = T0, **fields: Any) -> Run:
    """A QUEUED run, created at T0."""
    run = Run(
        id=new_run_id(created_ms, os.urandom(RANDOM_BYTES)),
        job=job,
        state=State.QUEUED,
        created_ms=EpochMs(created_ms),
        expires_ms=EpochMs(created_ms + QUEUE_TTL_S * 1000),
        payload=Document(2, inline=b"{}"),
        caller="request-1",
    )
    return replace(run, **fields)


def a_session_id() -> SessionId:
    return new_session_id(T0, os.urandom(RANDOM_BYTES))


def a_session(started_ms: int = T0, **fields: Any) -> Session:
    """A session that attached at T0, with its first lease."""
    session = Session(
        id=new_session_id(started_ms, os.urandom(RANDOM_BYTES)),
        owner="mia",
        host="mias-laptop",
        pid=4711,
        started_ms=EpochMs(started_ms),
        lease_until_ms=EpochMs(started_ms + LEASE_MS),
    )
    return replace(session, **fields)


def a_change(what: Input, now_ms: int = T0, **fields: Any) -> Change:
    """A change without guards; a claim is by session `ses_a`, a success has a small result."""
    fields = _DEFAULTS.get(what, {}) | fields
    if what is Input.CLAIM:
        fields.setdefault("lease_until_ms", EpochMs(now_ms + LEASE_MS))
    return Change(what, EpochMs(now_ms), **fields)


_DEFAULTS: dict[Input, dict[str, Any]] = {
    Input.SUBMIT: {"owner": "livejob-shop-prod_Resize:1", "backend": "codebuild"},
    Input.CLAIM: {"owner": "ses_a", "backend": "live"},
    Input.SUCCEED: {"result": Document(2, inline=b"42"), "exit_code": 0},
    Input.FAIL: {"failure": Failure("ValueError", "no such width", "Traceback ..."), "exit_code": 1},
}


def let(runs: RunStore, run: Run, *changes: Change) -> Run:
    """The run after all those changes."""
    for change in changes:
        run = runs.apply(run.id, change)
    return run
