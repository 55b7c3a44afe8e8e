"""Port of what runs a command in an image of its author: a container beside a worker.

The worker is there for what the image cannot be asked for: the command shares its network, so that it has
the worker's credential endpoint on its loopback, and its process table, so that it ends with the worker
whatever becomes of the daemon. Knows nothing of runs or payloads. Implementation: `docker_commands`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from livejob.local_runner.engines.port import WorkerExit
from livejob.wire.ids import SessionId

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command, as root in a writable copy of its image.

    image:        id or name; it has `/bin/sh`.
    script:       path inside of the shell's script, one of `files`.
    files:        content by absolute path inside; what lies there in the image is replaced.
    directory:    working directory, absolute; made by the engine.
    environment:  beside the image's own, and stronger.
    memory_bytes: hard limit of the command with all that it starts.
    beside:       id of the worker whose network and processes it shares.
    owner, app, stage, job: labels, as a worker's; the engine's sweep finds it by them.
    """

    owner: SessionId
    app: str
    stage: str
    job: str
    image: str
    script: str
    files: Mapping[str, bytes] = field(repr=False)
    directory: str
    environment: Mapping[str, str] = field(repr=False)
    memory_bytes: int
    beside: str


class Command(Protocol):
    """A command that runs, or has ended."""

    @property
    def id(self) -> str:
        """The engine's own name of it (12 digits)."""
        ...

    async def receive(self) -> Sequence[tuple[Stream, bytes]]:
        """Its output as it comes, in order; nothing once there is nothing more to come."""
        ...

    async def wait_ended(self) -> WorkerExit:
        """Wait until it is gone with all that it has started; its container is removed then."""
        ...

    async def terminate(self) -> None:
        """SIGTERM to every process of it. No error when it has ended."""
        ...

    async def kill(self) -> None:
        """SIGKILL to every process of it. No error when it has ended."""
        ...


class CommandEngine(Protocol):
    """Runs commands."""

    async def start(self, spec: CommandSpec) -> Command:
        """Start a command; returns when it runs.

        Raises:
            EngineUnavailable: the engine does not answer.
            ImageMissing: the image is not there.
            WorkerFailed: it did not start, with the engine's reason.
        """
        ...

    async def discard_image(self, image: str) -> None:
        """Remove an image that nothing runs from any more. No error when that is not possible."""
        ...
