"""Runs and sessions as items of the stage's table, and back. Pure; which item is where says `schema`.

Attempts are not stored as such. `history` lists what happened to the run, one entry for each change of
its state, and every write appends to it without knowing what is in it. Reading folds it into attempts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from livejob.clock import EpochMs
from livejob.runs import attempts
from livejob.runs.attributes import Attribute, Item, Value, from_item, to_item
from livejob.runs.deadlines import session_deletion_s
from livejob.runs.model import Attempt, Change, Document, Run, Session
from livejob.runs.schema import (
    CREATED,
    JOB,
    OPEN_JOB,
    PK,
    RUN_PREFIX,
    SESSION_PREFIX,
    SK,
    TTL_ATTRIBUTE,
    created_key,
    run_key,
    session_key,
)
from livejob.runs.transition import recorded_failure
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import QUEUE_TTL_S
from livejob.wire.outcome import Failure
from livejob.wire.states import Input, State


def item_of(run: Run) -> Item:
    """The item of a run that nobody has claimed yet."""
    return run_key(run.id) | to_item(
        {
            JOB: run.job,
            OPEN_JOB: run.job,
            CREATED: created_key(run.created_ms, run.id),
            "state": run.state.value,
            "created_ms": run.created_ms,
            "expires_ms": run.expires_ms,
            "payload": document_value(run.payload),
            "caller": run.caller,
            "key": run.key,
            "retries": run.retries,
            "backoff_s": run.backoff_s,
            "queue_s": run.queue_s,
            "cancel_asked": False,
            "attempt": 0,
            "history": [],
            "log": run.log,
            "is_container": run.is_container or None,
        }
    )


def run_of(item: Mapping[str, Attribute]) -> Run:
    """The run in an item, as `item_of` made it and changes left it."""
    found = from_item(item)
    state = State(found["state"])
    failure = _failure_of(found.get("failure"))
    return Run(
        id=RunId(found[PK].removeprefix(RUN_PREFIX)),
        job=found[JOB],
        state=state,
        created_ms=EpochMs(found["created_ms"]),
        expires_ms=EpochMs(found["expires_ms"]),
        payload=_document_of(found["payload"]),
        caller=found["caller"],
        key=found.get("key"),
        backend=found.get("backend"),
        owner=found.get("owner"),
        lease_until_ms=found.get("lease_until_ms"),
        cancel_asked=found["cancel_asked"],
        retries=found.get("retries", 0),
        backoff_s=found.get("backoff_s", 0),
        queue_s=found.get("queue_s", QUEUE_TTL_S),
        due_ms=found.get("due_ms"),
        submitted_id=found.get("submitted_id", ""),
        submitted_ms=found.get("submitted_ms"),
        attempts=_attempts_of(found["history"], failure, EpochMs(found["created_ms"])),
        result=_document_of(found["result"]) if "result" in found else None,
        failure=failure,
        started_ms=found.get("started_ms"),
        ended_ms=found.get("ended_ms"),
        log=found["log"],
        note=found.get("note", ""),
        bundle=found.get("bundle", ""),
        is_container=found.get("is_container", False),
    )


def history_entry(change: Change, after: State) -> Mapping[str, Value]:
    """What a change of state adds to the history: `after` is the state that it led to."""
    claim = change.input is Input.CLAIM
    # An end for good keeps its failure in the run; no need to store a trace twice.
    failure = recorded_failure(change) if change.input is Input.REQUEUE else None
    entry: Mapping[str, Value | None] = {
        "state": after.value,
        "at_ms": change.now_ms,
        "submitted": change.owner if change.input is Input.SUBMIT else None,
        "due_ms": change.due_ms,
        "owner": change.owner if claim else None,
        "backend": change.backend if claim else None,
        "exit_code": change.exit_code,
        "failure": failure.to_json() if failure else None,
    }
    return {name: value for name, value in entry.items() if value is not None}


def document_value(document: Document) -> Mapping[str, Value]:
    """A document as it lies in a run's item."""
    if document.inline is not None:
        return {"size_bytes": document.size_bytes, "inline": document.inline}
    return {"size_bytes": document.size_bytes, "key": str(document.key)}


def session_item_of(session: Session) -> Item:
    """The item of a session."""
    return session_key(session.id) | to_item(
        {
            "owner": session.owner,
            "host": session.host,
            "pid": session.pid,
            "started_ms": session.started_ms,
            "lease_until_ms": session.lease_until_ms,
            "jobs": list(session.jobs),
            TTL_ATTRIBUTE: session_deletion_s(session.lease_until_ms),
        }
    )


def session_of(item: Mapping[str, Attribute]) -> Session:
    """The session in an item."""
    found = from_item(item)
    return Session(
        id=SessionId(found[SK].removeprefix(SESSION_PREFIX)),
        owner=found["owner"],
        host=found["host"],
        pid=found["pid"],
        started_ms=EpochMs(found["started_ms"]),
        lease_until_ms=EpochMs(found["lease_until_ms"]),
        jobs=tuple(found["jobs"]),
    )


def _attempts_of(
    history: Sequence[Mapping[str, Any]], last_failure: Failure | None, created_ms: EpochMs
) -> tuple[Attempt, ...]:
    so_far: tuple[Attempt, ...] = ()
    wait = attempts.Wait(created_ms)
    for entry in history:
        state, at_ms = State(entry["state"]), EpochMs(entry["at_ms"])
        match state:
            case State.QUEUED if "submitted" in entry:
                wait = replace(wait, submitted_ms=at_ms)
                continue
            case State.QUEUED:
                wait = attempts.Wait(EpochMs(entry.get("due_ms", at_ms)))
            case _:
                pass
        match state:
            case State.CLAIMED:
                so_far = attempts.opened(so_far, entry["owner"], entry["backend"], at_ms, wait)
            case State.STARTING:
                pass
            case State.RUNNING:
                so_far = attempts.started(so_far, at_ms)
            case _:
                failure = _failure_of(entry.get("failure")) if state is State.QUEUED else last_failure
                so_far = attempts.closed(so_far, state, at_ms, failure, entry.get("exit_code"))
    return so_far


def _document_of(found: Mapping[str, Any]) -> Document:
    return Document(found["size_bytes"], inline=found.get("inline"), key=found.get("key"))


def _failure_of(found: Mapping[str, str] | None) -> Failure | None:
    return Failure.from_json(dict(found)) if found is not None else None
