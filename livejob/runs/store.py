"""Ports of the run record: where runs, sessions and large documents are kept.

Implementations: `dynamodb` and `documents` (the record in AWS) and `memory` (shipped twins). Both pass
tests/contract/test_run_store.py, test_session_store.py and test_documents.py. Methods block; the daemon
calls them through its thread gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from livejob.clock import EpochMs
from livejob.runs.model import Change, Document, Run, Session
from livejob.wire.ids import RunId, SessionId
from livejob.wire.names import DocumentKind


class RunStore(Protocol):
    """The runs of one stage. Every method may raise AwsError (or a subclass) besides what it says."""

    def create(self, run: Run) -> Run:
        """Record a new QUEUED run and return it.

        If another run of the same job holds the same idempotency `key`, nothing is written and that
        run is returned: compare the ids. A key is remembered for RUN_TTL_S.
        """
        ...

    def get(self, run_id: RunId) -> Run:
        """The run, read consistently.

        Raises:
            RunNotFound: no such run.
        """
        ...

    def apply(self, run_id: RunId, change: Change) -> Run:
        """Let `change` happen and return the run after it: one atomic, conditional write.

        CLAIM opens a new attempt, held by `change.owner`. An end closes the present one; REQUEUE closes
        it too and gives the run back to the queue for another QUEUE_TTL_S. LOSE needs a lease that is
        over at `change.now_ms`, EXPIRE a time in the queue that is over.

        Raises:
            RunNotFound: no such run.
            StateConflict: the table has no such transition from the present state, or a guard does not
                hold. `context["run"]` is the run as it stands.
        """
        ...

    def open_runs(self, job: str) -> Sequence[Run]:
        """All runs of the job that have not ended, oldest first.

        A run created within the last second may be missing: look again after a while.
        """
        ...

    def all_open_runs(self) -> Sequence[Run]:
        """As `open_runs`, of all jobs; one read when there are none."""
        ...

    def recent_runs(self, job: str, limit: int) -> Sequence[Run]:
        """The job's newest runs, newest first, at most `limit`."""
        ...


class SessionStore(Protocol):
    """The sessions attached to one stage."""

    def attach(self, session: Session, instead_of: SessionId | None = None) -> None:
        """Record a session that starts; with `instead_of`, that one is gone by the same write."""
        ...

    def renew(self, session_id: SessionId, lease_until_ms: EpochMs) -> bool:
        """Prolong the lease. False when the session is no longer recorded: somebody took over."""
        ...

    def live(self, now_ms: EpochMs) -> Sequence[Session]:
        """The sessions whose lease has not run out, newest first."""
        ...

    def detach(self, session_id: SessionId) -> None:
        """Forget a session. No error when it is gone already."""
        ...


class DocumentStore(Protocol):
    """Payloads and results of one stage. Every method may raise AwsError (or a subclass)."""

    def store(self, kind: DocumentKind, run_id: RunId, data: bytes) -> Document:
        """Keep `data` (UTF-8 JSON): in the document itself up to INLINE_DOCUMENT_BYTES, else apart."""
        ...

    def load(self, document: Document) -> bytes:
        """The data of a document that `store` gave."""
        ...

    def find(self, kind: DocumentKind, run_id: RunId) -> Document | None:
        """The document of that run that lies apart; None when there is none."""
        ...

    def upload_url(self, kind: DocumentKind, run_id: RunId, size_bytes: int, ttl_s: int) -> str:
        """A URL to which whoever has it can PUT that document, of exactly so many bytes, for `ttl_s` seconds.

        It grants what its maker may do, and ends with the maker's credentials if they end earlier.
        """
        ...

    def presigned_url(self, document: Document, ttl_s: int) -> str:
        """A URL from which whoever has it can read a document that lies apart, for `ttl_s` seconds.

        It grants what its maker may do, and ends with the maker's credentials if they end earlier.

        Raises:
            ValueError: the document is inline.
        """
        ...
