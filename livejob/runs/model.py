"""A run, its attempts and the sessions that may claim it: plain values, no storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from livejob.clock import EpochMs
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import QUEUE_TTL_S
from livejob.wire.outcome import Failure
from livejob.wire.states import HELD, OPEN, TERMINAL, Input, State

Backend = Literal["live", "codebuild", "fargate"]


@dataclass(frozen=True, slots=True)
class Document:
    """A payload or a result: inline JSON, or where it lies in the stage's bucket.

    Exactly one of `inline` (UTF-8 JSON) and `key` (S3 object key) is set.
    """

    size_bytes: int
    inline: bytes | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a run. `number` counts from 1; `ended_ms` and `state` are None while it goes on.

    due_ms:       since when it might have begun: the run's creation, or the end of the pause before it.
    submitted_ms: when a backend was asked to run it; None when a session took it.
    """

    number: int
    backend: Backend
    owner: str  # session id, or the backend's own id of it (a build id)
    claimed_ms: EpochMs
    due_ms: EpochMs
    submitted_ms: EpochMs | None = None
    started_ms: EpochMs | None = None
    ended_ms: EpochMs | None = None
    state: State | None = None
    failure: Failure | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One request to run a job, and all that is known of it.

    lease_until_ms: set in the states of HELD; past it without a heartbeat the run is lost.
    expires_ms:     while QUEUED: when it is EXPIRED.
    due_ms:         while QUEUED: end of the pause before its next attempt; None when there is none.
    retries:        further attempts that it gets when one fails.
    backoff_s:      pause before the second attempt; see `runs.retries`.
    queue_s:        how long it may wait for each attempt.
    submitted_id:   while QUEUED: the backend's own id of the execution that it was asked for; or "".
    submitted_ms:   when that was.
    bundle:         digest of the code that the present or last attempt has, of an image as
                    `wire.names.image_label` makes it; "" for a session's live source.
    log:            where its output is: `file://host/path`, or as `wire.names.build_log` makes it; or "".
    note:           what its holder says of it while it is open, e.g. `paused at src/jobs.py:12`; or "".
    is_container:   its job is a command in an image of its author's, in whose builds nothing of ours runs.
    """

    id: RunId
    job: str
    state: State
    created_ms: EpochMs
    expires_ms: EpochMs
    payload: Document
    caller: str = ""  # who asked, as far as the invoker knows: an ARN or a request id
    key: str | None = None  # idempotency key
    backend: Backend | None = None
    owner: str | None = None
    lease_until_ms: EpochMs | None = None
    cancel_asked: bool = False
    retries: int = 0
    backoff_s: int = 0
    queue_s: int = QUEUE_TTL_S
    due_ms: EpochMs | None = None
    submitted_id: str = ""
    submitted_ms: EpochMs | None = None
    attempts: tuple[Attempt, ...] = ()
    result: Document | None = None
    failure: Failure | None = None
    started_ms: EpochMs | None = None
    ended_ms: EpochMs | None = None
    log: str = ""
    note: str = ""
    bundle: str = ""
    is_container: bool = False

    @property
    def attempt_number(self) -> int:
        """Of the present or last attempt; 0 before the first claim."""
        return len(self.attempts)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_ended(self) -> bool:
        return self.state in TERMINAL

    def is_lease_over(self, now_ms: int) -> bool:
        """Somebody held it and has not said a word since."""
        return self.state in HELD and self.lease_until_ms is not None and self.lease_until_ms < now_ms

    @property
    def waiting_since_ms(self) -> EpochMs:
        """While QUEUED: since when it waits for nothing but somebody to take it."""
        ended_ms = self.attempts[-1].ended_ms if self.attempts else None
        return self.due_ms or ended_ms or self.created_ms

    def is_due(self, now_ms: int) -> bool:
        """No pause keeps it from its next attempt."""
        return self.due_ms is None or self.due_ms <= now_ms

    def is_expired(self, now_ms: int) -> bool:
        """It waited in the queue for longer than it may."""
        return self.state is State.QUEUED and self.expires_ms < now_ms


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens to a run; the store writes it only if the state table allows it.

    With CLAIM, `owner` is who gets the run, and with SUBMIT the backend's own id of the execution. With
    everything else it is a guard: only while that owner holds the run. `attempt` guards likewise: a word
    that comes late from an earlier attempt changes nothing.

    due_ms: with REQUEUE: when the next attempt may begin; None means at once. With CLAIM the run itself
    has to be due.
    queue_s: with REQUEUE: how long it may wait from `due_ms` on.
    """

    input: Input
    now_ms: EpochMs
    owner: str | None = None
    attempt: int | None = None
    backend: Backend | None = None  # with CLAIM, SUBMIT
    lease_until_ms: EpochMs | None = None  # with CLAIM, START, RUN, HEARTBEAT
    result: Document | None = None  # with SUCCEED
    failure: Failure | None = None  # with every other end
    exit_code: int | None = None
    due_ms: EpochMs | None = None
    queue_s: int = QUEUE_TTL_S
    bundle: str | None = None  # with CLAIM
    log: str | None = None
    note: str | None = None  # with HEARTBEAT; None leaves it as it is, an end takes it away


@dataclass(frozen=True, slots=True)
class Session:
    """One attached daemon. Live while `lease_until_ms` lies ahead.

    jobs: names of the jobs it takes; empty means all.
    """

    id: SessionId
    owner: str  # the developer, e.g. "mia"
    host: str
    pid: int
    started_ms: EpochMs
    lease_until_ms: EpochMs
    jobs: tuple[str, ...] = field(default=())

    def is_live(self, now_ms: int) -> bool:
        return self.lease_until_ms >= now_ms

    def takes(self, job: str) -> bool:
        """True when this session's filter lets the job through."""
        return not self.jobs or job in self.jobs
