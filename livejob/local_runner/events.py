"""What a daemon has to tell its person: values, in the order in which things happened.

The daemon reports them to one `Reporter`; the command line prints them. They carry no text layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from livejob.clock import EpochMs
from livejob.local_runner.logs import LogLine
from livejob.runs.model import Run, Session
from livejob.wire.ids import RunId
from livejob.wire.outcome import Failure
from livejob.wire.states import State


@dataclass(frozen=True, slots=True)
class SessionAttached:
    """This session is recorded; `others` are live sessions of other developers on the same stage."""

    session: Session
    others: Sequence[Session]


@dataclass(frozen=True, slots=True)
class BridgeUp:
    is_again: bool


@dataclass(frozen=True, slots=True)
class BridgeDown:
    since_ms: EpochMs
    reason: str


@dataclass(frozen=True, slots=True)
class RunClaimed:
    """This session has the run; it waits for a worker if the job's cap is reached."""

    run: Run


@dataclass(frozen=True, slots=True)
class RunStarted:
    run_id: RunId
    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RunOutput:
    run_id: RunId
    job: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class RunEnded:
    """An attempt ended and the record has it. `duration_s` counts from its start in the worker."""

    run_id: RunId
    job: str
    attempt: int
    state: State
    duration_s: float
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class SourceSaved:
    """Files changed on disk; runs that start from here on have them. Paths relative to the source."""

    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A changed file cannot be compiled, or a job not be imported. `where` is `file:line`.

    detail: the line and a caret, and what a failed import has printed.
    """

    where: str
    message: str
    detail: str


@dataclass(frozen=True, slots=True)
class SourceMended:
    """The problem in this file is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class JobsChanged:
    """Definitions of these jobs changed on disk; their next attempts follow them."""

    applied: Sequence[str]


@dataclass(frozen=True, slots=True)
class DependenciesInstalling:
    """The packages that `file` names are being installed; runs of these runtimes get them then."""

    file: Path
    runtimes: Sequence[str]


@dataclass(frozen=True, slots=True)
class DependenciesInstalled:
    """Workers that start from here on have the packages; runs that go on keep the ones they have."""

    file: Path
    took_s: float


@dataclass(frozen=True, slots=True)
class ImageBuilding:
    """The image of a container job is being built; runs that go on keep the one they have."""

    job: str


@dataclass(frozen=True, slots=True)
class ImageOutput:
    """A line of what the build says."""

    job: str
    text: str


@dataclass(frozen=True, slots=True)
class ImageBuilt:
    """Runs that start from here on have it."""

    job: str
    took_s: float


@dataclass(frozen=True, slots=True)
class EngineWaiting:
    """The engine does not answer; runs wait for it until `give_up_s` from now."""

    reason: str
    give_up_s: float


@dataclass(frozen=True, slots=True)
class EngineBack:
    waited_s: float


@dataclass(frozen=True, slots=True)
class DebuggerAttached:
    """A debugger is there; runs have its breakpoints. `client` is what it calls itself."""

    client: str


@dataclass(frozen=True, slots=True)
class DebuggerDetached:
    """The debugger has gone. `paused` runs go on."""

    client: str
    paused: Sequence[RunId]


@dataclass(frozen=True, slots=True)
class DebuggerAwaited:
    """A run waits before its first line for a debugger at `address`, for `left_s` more."""

    run_id: RunId
    job: str
    address: str
    left_s: float


@dataclass(frozen=True, slots=True)
class CommandDebuggable:
    """A container job's run has begun its debug command; editors reach its debugger at `address`."""

    run_id: RunId
    job: str
    address: str


@dataclass(frozen=True, slots=True)
class RunHeld:
    """A run stands still, and its timeout with it. `note` is like `paused at src/jobs.py:12`."""

    run_id: RunId
    job: str
    note: str


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A run that stood still goes on."""

    run_id: RunId
    job: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd that stops nothing, with what to do about it."""

    text: str
    remedy: str = ""
    about: RunId | Path | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """The session takes no more runs. `running` go on for at most `drain_s`; `returned` were given back."""

    reason: Literal["asked", "taken over", "failed"]
    running: Sequence[RunId]
    returned: int
    drain_s: float
    by: str = ""


Event = (
    SessionAttached
    | BridgeUp
    | BridgeDown
    | RunClaimed
    | RunStarted
    | RunOutput
    | RunEnded
    | SourceSaved
    | SourceProblem
    | SourceMended
    | JobsChanged
    | DependenciesInstalling
    | DependenciesInstalled
    | ImageBuilding
    | ImageOutput
    | ImageBuilt
    | EngineWaiting
    | EngineBack
    | DebuggerAttached
    | DebuggerDetached
    | DebuggerAwaited
    | CommandDebuggable
    | RunHeld
    | RunResumed
    | Warned
    | Stopping
)


class Reporter(Protocol):
    """Takes events, quickly and in order. Must not raise."""

    def report(self, event: Event) -> None: ...
