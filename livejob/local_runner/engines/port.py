"""Port of what runs workers: a container engine, or plain processes of this machine.

Implementations: `docker` and `process`. Both pass tests/contract/test_engine.py. An engine knows
nothing of runs: it gives a worker with one two-way channel of bytes, on which the supervisor inside
speaks `livejob.wire.worker`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from livejob.wire.ids import SessionId
from livejob.wire.limits import MIB

DebuggerName = Literal["debugpy", "pydevd", "pdb"]


@dataclass(frozen=True, slots=True)
class WorkerDebugger:
    """What a worker loads, to be debugged.

    path: directory of this machine to import it from; None where Python itself has it.
    part: package in `path` that is meant to be seen; "" for all that is there.
    """

    name: DebuggerName
    path: Path | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker is made of.

    image:        of the worker's root file system; the process engine ignores it.
    source:       directory of the app's source, seen by the worker read-only at TASK_ROOT.
    package:      directory that holds the `livejob` package; that package is seen read-only below
                  RUNTIME_ROOT, and what lies beside it is not meant to be.
    dependencies: directory of third-party packages, seen read-only at DEPENDENCIES_ROOT; or None.
    environment:  the worker's whole environment; nothing of the daemon's own leaks in.
    memory_bytes: hard limit of the worker (supervisor and attempt together).
    debugger:     seen read-only and loaded; None for a worker without.
    owner, app, stage, job: labels, by which orphans are found.
    """

    owner: SessionId
    app: str
    stage: str
    job: str
    image: str
    source: Path
    package: Path
    environment: Mapping[str, str]
    memory_bytes: int
    dependencies: Path | None = None
    tmp_bytes: int = 512 * MIB
    debugger: WorkerDebugger | None = None


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """How a worker ended. `exit_code` is None where the engine could not say (it was stopped itself)."""

    exit_code: int | None
    is_out_of_memory: bool
    detail: str  # last words on stderr, or the engine's reason; may be ""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the ready line shows, e.g. name "docker", version "20.10.24"."""

    name: str
    version: str
    notes: tuple[str, ...] = field(default=())


class Worker(Protocol):
    """A running worker and its channel."""

    @property
    def id(self) -> str:
        """The engine's own name of it: a container id (12 digits) or a pid."""
        ...

    async def send(self, data: bytes) -> None:
        """Write to the supervisor; waits while the pipe is full.

        Raises:
            WorkerFailed: the channel is closed.
        """
        ...

    async def receive(self) -> bytes:
        """Some bytes from the supervisor as they come; b"" once the channel has ended."""
        ...

    async def wait_ended(self) -> WorkerExit:
        """Wait until the worker is gone, its file system and processes too."""
        ...

    async def kill(self) -> None:
        """End it at once with everything in it. No error when it is gone already."""
        ...


class Engine(Protocol):
    """Makes workers."""

    async def check(self) -> EngineInfo:
        """Look whether the engine answers.

        Raises:
            EngineUnavailable: it does not.
        """
        ...

    async def launch(self, spec: WorkerSpec) -> Worker:
        """Start a worker; returns when its channel is open (its Hello may come later).

        Raises:
            EngineUnavailable: the engine does not answer.
            ImageMissing: the image is not there.
            WorkerFailed: it did not start, with the engine's reason.
        """
        ...

    async def sweep(self, app: str, stage: str, live: frozenset[SessionId]) -> int:
        """Remove workers of this app and stage whose owner is not in `live`; says how many."""
        ...

    async def close(self) -> None:
        """Let go of the engine. Workers must have ended before."""
        ...
