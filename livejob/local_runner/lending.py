"""Ports of what executes attempts: a job's pool, and what it lends for one attempt.

`WorkerPool` lends workers for functions, `containers.ContainerPool` an image's command beside a worker.
`RunExecution` and `Reload` know these ports alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from livejob.local_runner.sources.listing import Listing
from livejob.local_runner.worker_link import AttemptSink, WorkerLost
from livejob.wire.worker import (
    DeadlineMoved,
    DebuggerBytes,
    Ended,
    Hello,
    ImportChecked,
    StartAttempt,
    StopAttempt,
)


class AttemptLink(Protocol):
    """One attempt's way to what executes it."""

    dependencies: Path | None
    """Directory of this machine with its third-party packages; None without."""

    @property
    def hello(self) -> Hello:
        """What it said of itself."""
        ...

    async def prepare(self, sources: Listing) -> None:
        """Have it ready for an attempt that may come. No error when it is gone."""
        ...

    async def give_sources(self, sources: Listing) -> None:
        """Have the attempts that start from here on see these sources. No error when it is gone."""
        ...

    async def run(self, start: StartAttempt, sink: AttemptSink) -> Ended | WorkerLost:
        """Run one attempt; `sink` gets what happens meanwhile, in order."""
        ...

    async def stop_attempt(self, stop: StopAttempt) -> None:
        """Ask for the attempt's end, and force it after the grace. `run` returns by it."""
        ...

    async def tell_attempt(self, message: DebuggerBytes | DeadlineMoved) -> None:
        """Tell the attempt what it, or the debugger in it, has to know. No error when it is gone."""
        ...

    async def kill(self) -> None:
        """End everything at once. `run` returns by it."""
        ...


class AttemptPool(Protocol):
    """Lends to executions. `acquire` and `release` in pairs."""

    async def acquire(self) -> AttemptLink:
        """What an attempt needs, ready; waits while the job's cap is reached.

        Raises:
            EngineError: it cannot be had; the subclass tells why.
        """
        ...

    async def release(self, link: AttemptLink) -> None:
        """Give back what `acquire` of this pool has given."""
        ...

    async def warm(self, prepare: Callable[[AttemptLink], Awaitable[None]]) -> None:
        """Have what an attempt needs ready before it is needed. Raises as `acquire`."""
        ...


class JobPool(AttemptPool, Protocol):
    """What a session does with a job's pool beside its runs."""

    async def give_sources(self, sources: Listing) -> None:
        """Let what is idle have what was saved."""
        ...

    async def check(self, handler: str, environment: Mapping[str, str]) -> tuple[Hello, ImportChecked] | None:
        """Try the import of the job's handler where that is possible; None where it is not."""
        ...

    async def renew(self) -> None:
        """What an attempt executes in is made of something else from here on."""
        ...

    async def end_unused(self) -> None:
        """End what has been idle for too long."""
        ...

    async def close(self) -> None:
        """End what is idle; what is lent ends when it comes back."""
        ...
