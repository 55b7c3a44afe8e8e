"""A run, its attempts and the sessions that may claim it: plain values, no storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from livejob.clock import EpochMs
from livejob.wire.ids import RunId, SessionId
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
    """One execution of a run. `number` counts from 1; `ended_ms` and `state` are None while it goes on."""

    number: int
    backend: Backend
    owner: str  # session id, or the backend's own id of it (a build id)
    claimed_ms: EpochMs
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
    log:            where its output is, e.g. `file://host/path` or a CloudWatch link; "" if not known.
    note:           what its holder says of it while it is open, e.g. `paused at src/jobs.py:12`; or "".
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
    attempts: tuple[Attempt, ...] = ()
    result: Document | None = None
    failure: Failure | None = None
    started_ms: EpochMs | None = None
    ended_ms: EpochMs | None = None
    log: str = ""
    note: str = ""

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

    def is_expired(self, now_ms: int) -> bool:
        """It waited in the queue for longer than it may."""
        return self.state is State.QUEUED and self.expires_ms < now_ms


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens to a run; the store writes it only if the state table allows it.

    With CLAIM, `owner` is who gets the run. With everything else it is a guard: only while that owner
    holds the run. `attempt` guards likewise: a word that comes late from an earlier attempt changes
    nothing.
    """

    input: Input
    now_ms: EpochMs
    owner: str | None = None
    attempt: int | None = None
    backend: Backend | None = None  # with CLAIM
    lease_until_ms: EpochMs | None = None  # with CLAIM, START, RUN, HEARTBEAT
    result: Document | None = None  # with SUCCEED
    failure: Failure | None = None  # with every other end
    exit_code: int | None = None
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
