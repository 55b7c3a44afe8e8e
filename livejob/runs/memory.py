"""Stores in memory: twins of the record in AWS, for tests (the user's and ours).

They keep every rule of the ports and pass the same contract suites. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from livejob.clock import EpochMs
from livejob.errors import RunNotFound
from livejob.runs.deadlines import key_deletion_s
from livejob.runs.model import Change, Document, Run, Session
from livejob.runs.transition import changed
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.names import DocumentKind, document_key


class MemoryRunStore:
    """The runs of one stage, in a dictionary."""

    def __init__(self) -> None:
        self._runs: dict[RunId, Run] = {}
        self._locks: dict[tuple[str, str], RunId] = {}
        self._mutex = threading.Lock()

    def create(self, run: Run) -> Run:
        with self._mutex:
            if run.id in self._runs:
                return self._runs[run.id]
            if run.key is not None:
                holder = self._runs.get(self._locks.get((run.job, run.key), run.id))
                if holder is not None and run.created_ms // 1000 <= key_deletion_s(holder.created_ms):
                    return holder
                self._locks[run.job, run.key] = run.id
            self._runs[run.id] = run
            return run

    def get(self, run_id: RunId) -> Run:
        with self._mutex:
            return self._get(run_id)

    def apply(self, run_id: RunId, change: Change) -> Run:
        with self._mutex:
            after = changed(self._get(run_id), change)
            self._runs[run_id] = after
            return after

    def open_runs(self, job: str) -> Sequence[Run]:
        with self._mutex:
            return [run for run in self._by_age(job) if run.is_open]

    def all_open_runs(self) -> Sequence[Run]:
        with self._mutex:
            runs = sorted(self._runs.values(), key=lambda run: (run.created_ms, run.id))
            return [run for run in runs if run.is_open]

    def recent_runs(self, job: str, limit: int) -> Sequence[Run]:
        with self._mutex:
            return self._by_age(job)[::-1][:limit]

    def _get(self, run_id: RunId) -> Run:
        try:
            return self._runs[run_id]
        except KeyError:
            raise RunNotFound(f"there is no run {run_id}") from None

    def _by_age(self, job: str) -> list[Run]:
        """Oldest first."""
        runs = (run for run in self._runs.values() if run.job == job)
        return sorted(runs, key=lambda run: (run.created_ms, run.id))


class MemorySessionStore:
    """The sessions of one stage, in a dictionary."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, Session] = {}
        self._mutex = threading.Lock()

    def attach(self, session: Session, instead_of: SessionId | None = None) -> None:
        with self._mutex:
            if instead_of is not None:
                self._sessions.pop(instead_of, None)
            self._sessions[session.id] = session

    def renew(self, session_id: SessionId, lease_until_ms: EpochMs) -> bool:
        with self._mutex:
            session = self._sessions.get(session_id)
            if session is None:
                return False
            self._sessions[session_id] = replace(session, lease_until_ms=lease_until_ms)
            return True

    def live(self, now_ms: EpochMs) -> Sequence[Session]:
        with self._mutex:
            sessions = [session for session in self._sessions.values() if session.is_live(now_ms)]
        return sorted(sessions, key=lambda session: session.id, reverse=True)

    def detach(self, session_id: SessionId) -> None:
        with self._mutex:
            self._sessions.pop(session_id, None)


class MemoryDocuments:
    """Large documents of one stage, in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def store(self, kind: DocumentKind, run_id: RunId, data: bytes) -> Document:
        if len(data) <= INLINE_DOCUMENT_BYTES:
            return Document(len(data), inline=data)
        key = document_key(kind, run_id)
        self._objects[key] = data
        return Document(len(data), key=key)

    def load(self, document: Document) -> bytes:
        if document.inline is not None:
            return document.inline
        return self._objects[str(document.key)]

    def find(self, kind: DocumentKind, run_id: RunId) -> Document | None:
        key = document_key(kind, run_id)
        return Document(len(self._objects[key]), key=key) if key in self._objects else None

    def upload_url(self, kind: DocumentKind, run_id: RunId, size_bytes: int, ttl_s: int) -> str:
        return f"memory:///{document_key(kind, run_id)}?upload={size_bytes}&expires={ttl_s}"

    def presigned_url(self, document: Document, ttl_s: int) -> str:
        if document.key is None:
            raise ValueError("an inline document has no URL")
        return f"memory:///{document.key}?expires={ttl_s}"
