"""What daemon and supervisor say to each other over a worker's channel.

Each message is a frozen dataclass; its `body` field, if any, travels as the frame's raw body, the rest
as the frame's JSON head. Both sides run the same copy of this module.

    daemon     --StartAttempt, StopAttempt, CredentialsReply, Shutdown-->              supervisor
    supervisor --Hello, Started, Output, Ended, CredentialsWanted, Notice-->           daemon
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from livejob.wire.framing import FrameError, Head, encode_frame
from livejob.wire.ids import RunId


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Fork a child and run the handler in it. A worker has at most one attempt at a time.

    handler:     `path/to/file.function`, relative to the task root, without `.py`.
    deadline_ms: Unix epoch milliseconds at which the daemon will stop it; for the context only.
    environment: added to the worker's own environment in the child.
    body:        the payload, UTF-8 JSON.
    """

    run_id: RunId
    attempt: int
    job: str
    handler: str
    deadline_ms: int
    environment: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """SIGTERM to the attempt's process group, SIGKILL after `grace_s`. Ignored when it has ended."""

    run_id: RunId
    attempt: int
    reason: Literal["cancel", "timeout", "shutdown"]
    grace_s: float


@dataclass(frozen=True, slots=True)
class CredentialsReply:
    """Answer to CredentialsWanted; `document` is the JSON that the credential endpoint returns.

    With `error`, `document` is empty and the endpoint answers HTTP 500 with that text.
    """

    request: int
    document: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End what runs (SIGKILL) and exit 0. The end of the channel means the same."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First frame: the supervisor is ready for an attempt. `python` is like "3.12.1"."""

    python: str
    pid: int


@dataclass(frozen=True, slots=True)
class Started:
    """The attempt's process exists and is about to import the handler."""

    run_id: RunId
    attempt: int
    pid: int


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that the attempt wrote, as they came: any length, may end within a line or a character."""

    run_id: RunId
    attempt: int
    stream: Literal["stdout", "stderr"]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Ended:
    """The attempt has ended and nothing of it is left; all its Output frames came before.

    input:     "succeed", "fail", "time_out" or "cancel" (values of `states.Input`).
    failure:   `Failure.to_json()`, {} on success.
    exit_code: of the process, negative for a signal.
    peak_bytes: largest resident size of the attempt's process.
    body:      the result, UTF-8 JSON, on success.
    """

    run_id: RunId
    attempt: int
    input: str
    failure: dict[str, str]
    exit_code: int
    peak_bytes: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CredentialsWanted:
    """The attempt asks for credentials of the job's role; the daemon answers with the same `request`."""

    request: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the worker that a person should see once, e.g. left-over children killed."""

    text: str
    fields: dict[str, str] = field(default_factory=dict)


WorkerMessage = (
    StartAttempt
    | StopAttempt
    | CredentialsReply
    | Shutdown
    | Hello
    | Started
    | Output
    | Ended
    | CredentialsWanted
    | Notice
)

_KINDS: dict[str, type[WorkerMessage]] = {
    cls.__name__: cls
    for cls in (
        StartAttempt,
        StopAttempt,
        CredentialsReply,
        Shutdown,
        Hello,
        Started,
        Output,
        Ended,
        CredentialsWanted,
        Notice,
    )
}


def encode(message: WorkerMessage) -> bytes:
    """The message as one frame.

    Raises:
        FrameError: larger than a frame may be.
    """
    fields: dict[str, Any] = asdict(message)
    body = fields.pop("body", b"")
    return encode_frame({"kind": type(message).__name__, **fields}, body)


def decode(head: Head, body: bytes) -> WorkerMessage:
    """The message of one frame.

    Raises:
        FrameError: no message of this protocol.
    """
    fields: dict[str, Any] = dict(head)
    cls = _KINDS.get(str(fields.pop("kind", None)))
    if cls is None:
        raise FrameError(f"unknown kind in {head!r:.200}")
    if "body" in cls.__dataclass_fields__:
        fields["body"] = body
    try:
        return cls(**fields)
    except TypeError as error:
        raise FrameError(str(error)) from error
