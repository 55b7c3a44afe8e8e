"""Cancels a run: records the wish for its end, and tells whoever can do something about it.

The record comes first: who has the run reads the wish there even if no word reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from livejob.bridge.transport import Doorbell
from livejob.clock import Clock
from livejob.errors import AwsError, StateConflict
from livejob.runs.model import Change, Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.backend import Backend
from livejob.wire.ids import SessionId
from livejob.wire.messages import Cancel
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State


class Notified(Protocol):
    """Somebody to tell of a cancel that is recorded."""

    def cancelled(self, before: Run, after: Run, troubles: list[str]) -> None:
        """The run before and after it. Does not raise: `troubles` gets what went wrong."""
        ...


class Canceller:
    """Cancels the runs of one stage."""

    def __init__(self, runs: RunStore, notified: Sequence[Notified], clock: Clock) -> None:
        self._runs = runs
        self._notified = notified
        self._clock = clock

    def cancel(self, run: Run, troubles: list[str]) -> Run:
        """The run after the wish for its end is recorded; one that has ended stays as it is."""
        while run.is_open:
            try:
                after = self._runs.apply(run.id, self._change(run))
            except StateConflict:
                run = self._runs.get(run.id)  # it went on meanwhile
                continue
            for each in self._notified:
                each.cancelled(run, after, troubles)
            return after
        return run

    def _change(self, run: Run) -> Change:
        now_ms = self._clock.now_ms()
        if run.state is not State.QUEUED:
            return Change(Input.ASK_CANCEL, now_ms)
        failure = Failure(FailureType.CANCELLED, "cancelled before anybody had taken it")
        # With a claim a new attempt begins, and then it is for the owner to end it.
        return Change(Input.CANCEL, now_ms, attempt=run.attempt_number, failure=failure)


class NotifiedSession:
    """The session that has the run is rung."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell

    def cancelled(self, before: Run, after: Run, troubles: list[str]) -> None:
        if not after.is_open or after.backend != "live":
            return
        try:
            self._doorbell.ring(SessionId(str(after.owner)), Cancel(after.id))
        except AwsError as error:
            # The owner reads the wish in the record with its next heartbeat.
            troubles.append(f"{after.owner} could not be rung: {error.message}")


class NotifiedBackend:
    """An execution that waits for its machine is stopped: it would find nothing to do.

    One that has the run reads the wish with its next heartbeat, and lets the handler clean up. Only in a
    container job's nobody reads, so that one is stopped as well; its end tells that the run is cancelled.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def cancelled(self, before: Run, after: Run, troubles: list[str]) -> None:
        execution_id = self._stopped_by(before, after)
        if not execution_id:
            return
        try:
            self._backend.stop(execution_id)
        except AwsError as error:
            troubles.append(f"{execution_id} could not be stopped: {error.message}")

    def _stopped_by(self, before: Run, after: Run) -> str:
        """The execution that the cancel is to end; "" when there is none."""
        if not after.is_open:
            return before.submitted_id
        is_deaf = after.is_container and after.backend == self._backend.name
        return str(after.owner) if is_deaf else ""
