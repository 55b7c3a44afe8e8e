"""The backend port: where a run is executed when no session does it.

Implementations: `codebuild` and `backend_memory` (the shipped twin). Both pass
tests/contract/test_backend.py. Methods block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from livejob.runs.model import Document
from livejob.wire.ids import RunId

COMMANDS_PHASE = "BUILD"
"""The phase of an execution in which the job itself runs."""

EndStatus = Literal["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"]


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt, counted from 1, of a run of `job`.

    payload: of a container job, whose command begins beside a file of it; None for a job whose runner
             reads the record.
    """

    run_id: RunId
    attempt: int
    job: str
    payload: Document | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A phase of an execution that did not end well. phase: like `PROVISIONING`; code, message: its own."""

    phase: str
    status: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BuildStart:
    """An execution that has its machine and its input, and begins with its commands.

    id:      the backend's own.
    log:     where its output is, as a run's record has it.
    limit_s: how long the backend lets it last.
    """

    id: str
    log: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class BuildEnd:
    """How an execution ended, as the backend itself saw it.

    id:     the backend's own.
    log:    where its output is, as a run's record has it; "" where the backend does not say.
    busy_s: for how long its commands ran, in whole seconds; None when they never began.
    """

    id: str
    status: EndStatus
    troubles: tuple[Trouble, ...] = ()
    log: str = ""
    busy_s: float | None = None


class Backend(Protocol):
    """Executes attempts. Every method may raise AwsError (or a subclass) besides what it says."""

    @property
    def name(self) -> Literal["codebuild", "fargate"]:
        """As the run's record has it."""
        ...

    def start(self, order: Order) -> str:
        """Ask for an execution; the backend's own id of it. Asked again soon, it gives the same one.

        Raises:
            BuildNotStarted: the backend does not take it; the failure is in the error's context.
        """
        ...

    def stop(self, execution_id: str) -> None:
        """Ask for the end of an execution. No error when it has ended, or is not known."""
        ...

    def end(self, execution_id: str) -> BuildEnd | None:
        """How it ended; None while it goes on, or when it is not known."""
        ...
