"""How an attempt ended: the same value from a local worker, from CodeBuild and from Fargate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from livejob.wire.limits import MESSAGE_CHARS, TRACE_CHARS
from livejob.wire.states import Input


class FailureType(StrEnum):
    """Names that livejob itself gives as `Failure.type`; an exception in a handler gives its class name."""

    HANDLER_NOT_FOUND = "HandlerNotFound"
    HANDLER_SYNTAX_ERROR = "HandlerSyntaxError"
    HANDLER_IMPORT_FAILED = "HandlerImportFailed"
    PAYLOAD_INVALID = "PayloadInvalid"  # not what the handler's annotation says
    HANDLER_EXITED = "HandlerExited"  # sys.exit or os._exit before it returned
    HANDLER_KILLED = "HandlerKilled"  # by a signal that livejob did not send
    COMMAND_FAILED = "CommandFailed"  # a container job's command, by its exit code
    OUT_OF_MEMORY = "OutOfMemory"
    RESULT_NOT_SERIALIZABLE = "ResultNotSerializable"
    RESULT_TOO_LARGE = "ResultTooLarge"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    WORKER_FAILED = "WorkerFailed"  # the container or the engine under the attempt went away
    SESSION_STOPPED = "SessionStopped"  # the daemon was stopped while the attempt ran
    LEASE_EXPIRED = "LeaseExpired"
    QUEUE_EXPIRED = "QueueExpired"
    NO_SESSION = "NoSession"
    BUILD_STOPPED = "BuildStopped"  # somebody stopped it in CodeBuild itself
    BUILD_FAILED = "BuildFailed"  # CodeBuild ended it before the handler had
    BUILD_NOT_STARTED = "BuildNotStarted"  # CodeBuild did not take it
    IMAGE_PULL_FAILED = "ImagePullFailed"
    SOURCE_FAILED = "SourceFailed"  # the bundle could not be fetched or unpacked
    IMAGE_NOT_BUILT = "ImageNotBuilt"  # of a container job, on this machine
    ACCOUNT_LIMIT = "AccountLimit"  # as many builds as the account may have


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result.

    type:    a `FailureType`, or the class name of the handler's exception (`ValueError`).
    message: one sentence or the exception's text, at most MESSAGE_CHARS.
    trace:   the traceback as Python prints it, its last TRACE_CHARS; "" where there is none.
    remedy:  what to do, "" where the trace says it all.
    """

    type: str
    message: str
    trace: str = ""
    remedy: str = ""

    def clipped(self) -> Self:
        """The same within the limits of a record, and encodable: Python's texts need not be.

        (A file name that is not UTF-8 puts a lone surrogate into an exception's message.)
        """
        return type(self)(
            type=_encodable(self.type)[:200],
            message=_encodable(self.message)[:MESSAGE_CHARS],
            trace=_encodable(self.trace)[-TRACE_CHARS:],
            remedy=_encodable(self.remedy)[:MESSAGE_CHARS],
        )

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, str]) -> Self:
        return cls(**{name: str(fields.get(name, "")) for name in cls.__dataclass_fields__})


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def command_failed(exit_code: int) -> Failure:
    """Of a container job whose command did not end with 0."""
    return Failure(FailureType.COMMAND_FAILED, f"its command ended with exit code {exit_code}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to.

    input:     SUCCEED, FAIL, TIME_OUT, CANCEL or REQUEUE: what happens to the run by it.
    result:    the handler's result as UTF-8 JSON; only with SUCCEED.
    failure:   with every input but SUCCEED.
    exit_code: of the attempt's process, negative for a signal; None where it is not known.
    """

    input: Input
    result: bytes | None = None
    failure: Failure | None = None
    exit_code: int | None = None
