"""What daemon and supervisor say to each other over a worker's channel.

Each message is a frozen dataclass; its `body` field, if any, travels as the frame's raw body, the rest
as the frame's JSON head. Both sides run the same copy of this module.

    daemon     --Preload, SourcesChanged, CheckImport, StartAttempt, StopAttempt, CredentialsReply,
                 DebuggerBytes, DeadlineMoved, Shutdown-->
    supervisor --Hello, Started, Output, Ended, SourcesLoaded, ModulesLearned, ImportChecked,
                 CredentialsWanted, DebuggerBytes, Notice-->

Those about what runs beside a worker are in `beside`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from livejob.wire.beside import (
    CredentialsGranted,
    GrantCredentials,
    OpenStream,
    RevokeCredentials,
    StreamBytes,
    StreamClosed,
    StreamOpened,
)
from livejob.wire.framing import FrameError, Head, encode_frame
from livejob.wire.ids import RunId

DebuggerStart = Literal["off", "later", "now"]

DEBUGGER_OPENS = b"+"
"""First byte to an attempt's debugger: open it; what follows is the Debug Adapter Protocol, both ways."""

DEBUGGER_LATER = b"-"
"""First byte to an attempt that waits: run without; the next byte may open the debugger later."""


@dataclass(frozen=True, slots=True)
class Preload:
    """Import third-party modules before attempts, and learn from attempts which those are.

    Sent before an attempt, again when more is known; without it nothing is imported ahead.

    modules:     found good before, in the order of their import.
    excluded:    found to be none that can be imported ahead; with all below them.
    environment: the job's own variables, which packages may read at their import.
    is_to_learn: whether this worker shall try out what its attempts import.
    """

    modules: list[str]
    excluded: list[str]
    environment: dict[str, str]
    is_to_learn: bool


@dataclass(frozen=True, slots=True)
class ModulesLearned:
    """What attempts of this worker have taught, to be kept for the next worker of the job.

    modules:   can be imported ahead, after those that were known.
    excluded:  module -> why it cannot be.
    is_spoilt: what was imported ahead has left something in this worker after all: it should be replaced.
    """

    modules: list[str]
    excluded: dict[str, str]
    is_spoilt: bool


@dataclass(frozen=True, slots=True)
class CheckImport:
    """Import a job's handler in a process that is thrown away. Gives way to an attempt.

    handler, environment: as in StartAttempt.
    """

    handler: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportChecked:
    """What came of a CheckImport.

    failure:  `Failure.to_json()`, {} when the handler can be imported.
    is_whole: False when it was broken off or took too long: then nothing is known.
    body:     the last of what the import has printed.
    """

    handler: str
    failure: dict[str, str]
    is_whole: bool
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SourcesChanged:
    """What has changed in the app's source; attempts that start after the last one of a set have it.

    Paths are relative to the task root, with `/`. Until the first set the worker reads the disk.

    files:       [path, how many bytes of the body], in the body's order; each text as `pack` makes it.
    directories, left, removed: as in `livejob.runner.snapshot.SourceChanges`.
    is_last:     of its set, which takes effect as a whole.
    """

    files: list[tuple[str, int]]
    directories: list[str]
    left: list[str]
    removed: list[str]
    is_last: bool
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SourcesLoaded:
    """Source files that an attempt has loaded, and none before in this worker.

    Paths relative to the task root with `/`; absolute, as the worker sees them, outside of it.
    """

    paths: list[str]


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Fork a child and run the handler in it. A worker has at most one attempt at a time.

    handler:     `path/to/file.function`, relative to the task root, without `.py`.
    deadline_ms: Unix epoch milliseconds at which the daemon will stop it, if that does not move; for the
                 context only.
    environment: added to the worker's own environment in the child.
    body:        the payload, UTF-8 JSON.
    debugger:    "off"; "later": DebuggerBytes may come at any time; "now": the attempt waits for the
                 first of them before it imports the handler. Not "off" only in a worker that has one.
    """

    run_id: RunId
    attempt: int
    job: str
    handler: str
    deadline_ms: int
    environment: dict[str, str]
    body: bytes = b""
    debugger: DebuggerStart = "off"


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
class DebuggerBytes:
    """Both ways: bytes to and from the debugger in the attempt's process; dropped when it has ended.

    Without bytes, to the attempt: there will be no more, as at the end of a connection.
    """

    run_id: RunId
    attempt: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class DeadlineMoved:
    """The attempt's time has stood still, or stands (`is_standing`): so much of it is left from now on.

    Sent only for an attempt that a debugger holds or has held; ignored when it has ended.
    """

    run_id: RunId
    attempt: int
    left_ms: int
    is_standing: bool


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End what runs (SIGKILL) and exit 0. The end of the channel means the same."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First frame: the supervisor is ready for an attempt.

    python: its version, like "3.12.1".
    task:   absolute path of the app's source in the worker.
    stdlib: directory of the worker's standard library.
    """

    python: str
    pid: int
    task: str = ""
    stdlib: str = ""


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
    Preload
    | ModulesLearned
    | CheckImport
    | ImportChecked
    | SourcesChanged
    | SourcesLoaded
    | StartAttempt
    | StopAttempt
    | CredentialsReply
    | GrantCredentials
    | RevokeCredentials
    | OpenStream
    | StreamOpened
    | StreamBytes
    | StreamClosed
    | DebuggerBytes
    | DeadlineMoved
    | Shutdown
    | Hello
    | Started
    | Output
    | Ended
    | CredentialsWanted
    | CredentialsGranted
    | Notice
)

_KINDS: dict[str, type[WorkerMessage]] = {
    cls.__name__: cls
    for cls in (
        Preload,
        ModulesLearned,
        CheckImport,
        ImportChecked,
        SourcesChanged,
        SourcesLoaded,
        StartAttempt,
        StopAttempt,
        CredentialsReply,
        GrantCredentials,
        RevokeCredentials,
        OpenStream,
        StreamOpened,
        StreamBytes,
        StreamClosed,
        DebuggerBytes,
        DeadlineMoved,
        Shutdown,
        Hello,
        Started,
        Output,
        Ended,
        CredentialsWanted,
        CredentialsGranted,
        Notice,
    )
}


def encode(message: WorkerMessage) -> bytes:
    """The message as one frame.

    Raises:
        FrameError: larger than a frame may be.
    """
    # Not `asdict`, which copies all that is in them.
    fields: dict[str, Any] = {name: getattr(message, name) for name in message.__dataclass_fields__}
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
