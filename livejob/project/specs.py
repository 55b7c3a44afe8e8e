"""What a job is, as its author wrote it: the value that deploy, daemon and runner share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from livejob.wire.limits import GIB, QUEUE_TIMEOUT_MAX_S

WhenDisconnected = Literal["run", "queue", "fail"]
Architecture = Literal["x86_64", "arm64"]
OnSave = Literal["finish", "restart"]


@dataclass(frozen=True, slots=True)
class Statement:
    """An IAM permission of a job: actions on resources. `*` alone is refused in both."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DebugCommand:
    """What runs in a container job's place in a session with --debug.

    command: with a debugger that listens on 127.0.0.1, at the port that takes the place of `{port}`.
    port:    of this machine, to which editors attach.
    root:    where in the image the job's directory is.
    """

    command: tuple[str, ...]
    port: int
    root: str

    def listening_at(self, port: int) -> tuple[str, ...]:
        """The command, its debugger at that port."""
        return tuple(word.replace("{port}", str(port)) for word in self.command)

    @property
    def is_python(self) -> bool:
        """True for debugpy, False for Node's inspector."""
        return any("debugpy" in word for word in self.command)


@dataclass(frozen=True, slots=True)
class Container:
    """What runs in a container job, and how its image is made.

    command:    command and arguments, run by a shell in the build's directory; at least one.
    file:       the Dockerfile, relative to the job's directory.
    build_args: `docker build --build-arg`, values by name.
    debug:      for development alone; None for a job that cannot be debugged.
    """

    command: tuple[str, ...]
    file: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=dict)
    debug: DebugCommand | None = None


CONTAINER_RUNTIME = "container"
DEFAULT_RUNTIME = "python3.11"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job of the app.

    handler:           `path/to/file.function` relative to the app's source directory, without `.py`; of a
                       container job the directory that its image is made from.
    runtime:           `python3.x`, x the minor version; `container` for a container job.
    timeout_s:         of one attempt.
    memory_bytes:      of one attempt.
    concurrency:       how many runs of it one session executes at the same time.
    when_disconnected: what the invoker of a development stage does when no session is attached.
    architecture:      of the machine that a deployed run has.
    retries:           further attempts of a deployed run whose attempt failed.
    backoff_s:         before the second attempt, up to BACKOFF_MAX_S; doubled before each later one.
    queue_timeout_s:   how long a deployed run may wait for a machine.
    log_days:          how long the output of deployed runs is kept; None: for ever.
    on_save:           what a session does with a running run of it when its source is saved.
    container:         of a container job; None otherwise.
    defined_at:        `file:line`, for messages.
    """

    name: str
    handler: str
    defined_at: str
    runtime: str = DEFAULT_RUNTIME
    timeout_s: int = 8 * 3600
    memory_bytes: int = 3 * GIB
    concurrency: int = 10
    when_disconnected: WhenDisconnected = "queue"
    architecture: Architecture = "x86_64"
    retries: int = 0
    backoff_s: int = 10
    queue_timeout_s: int = QUEUE_TIMEOUT_MAX_S
    log_days: int | None = 14
    on_save: OnSave = "finish"
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: Sequence[Statement] = ()
    container: Container | None = None

    @property
    def is_container(self) -> bool:
        """True for a command in an image of the author's own, False for a Python function."""
        return self.container is not None


@dataclass(frozen=True, slots=True)
class App:
    """The app: its name, where it is, and its jobs by name.

    root:   directory of livejob.toml.
    source: directory that becomes /var/task.
    """

    name: str
    root: Path
    source: Path
    jobs: Mapping[str, JobSpec]
