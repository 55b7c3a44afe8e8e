"""Ports of the run record: where runs and sessions are kept.

Implementations: `dynamodb` (the record in AWS) and `memory` (a shipped twin). Both pass
tests/contract/test_run_store.py and test_session_store.py. Methods block; the daemon calls them
through its thread gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from livejob.clock import EpochMs
from livejob.runs.model import Change, Run, Session
from livejob.wire.ids import RunId, SessionId


class RunStore(Protocol):
    """The runs of one stage. Every method may raise AwsError (or a subclass) besides what it says."""

    def create(self, run: Run) -> Run:
        """Record a new QUEUED run and return it.

        If another run of the same job holds the same idempotency `key`, nothing is written and that
        run is returned: compare the ids.
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

        CLAIM opens a new attempt. An end closes the present one; REQUEUE closes it too and gives the
        run back to the queue.

        Raises:
            RunNotFound: no such run.
            StateConflict: the table has no such transition from the present state, or a guard does not
                hold. `context["run"]` is the run as it stands.
        """
        ...

    def open_runs(self, job: str) -> Sequence[Run]:
        """All runs of the job that have not ended, oldest first."""
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
