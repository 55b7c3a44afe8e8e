"""Debugging of container jobs: a session with --debug runs their debug commands, and leads editors to them.

livejob does not take part in what editor and debugger say to each other: it neither knows breakpoints nor
pauses. So the time limit of such a run stands still from its begin. `NoCommandDebugger` is what a session
without --debug has.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from livejob.local_runner.containers.forward import HOST, forwarded
from livejob.local_runner.debugging import AttemptAtHand, AttemptDebugging, Debugging, NoDebugging
from livejob.local_runner.events import CommandDebuggable, Reporter
from livejob.local_runner.worker_link import WorkerLink
from livejob.project.specs import DebugCommand, JobSpec
from livejob.wire.worker import DebuggerStart, StartAttempt

HELD = "runs its debug command"


class NoCommandDebugger:
    """Commands run as in production."""

    def attempt(self, start: StartAttempt, sidecar: WorkerLink) -> AbstractAsyncContextManager[int | None]:
        return nullcontext(None)


class ForwardingDebugger:
    """Of one job. `debug` tells its present debug command; None for a job without."""

    def __init__(self, debug: Callable[[], DebugCommand | None], reporter: Reporter) -> None:
        self._debug = debug
        self._reporter = reporter

    @asynccontextmanager
    async def attempt(self, start: StartAttempt, sidecar: WorkerLink) -> AsyncIterator[int | None]:
        debug = self._debug()
        if debug is None or start.debugger == "off":
            yield None
            return
        inside = free_port()
        async with forwarded(sidecar, inside, debug.port) as port:
            self._reporter.report(CommandDebuggable(start.run_id, start.job, f"{HOST}:{port}"))
            yield inside


class DebuggingByJob:
    """The Debugging of a session with --debug: functions by its server, commands by their own debuggers."""

    def __init__(self, functions: Debugging, spec: Callable[[str], JobSpec]) -> None:
        self._functions = functions
        self._spec = spec

    def attempt(self, attempt: AttemptAtHand) -> AbstractAsyncContextManager[AttemptDebugging]:
        container = self._spec(attempt.run.job).container
        if container is None:
            return self._functions.attempt(attempt)
        return nullcontext(_Held(attempt) if container.debug is not None else NoDebugging())


class _Held(NoDebugging):
    """An attempt whose time does not count."""

    start: DebuggerStart = "later"

    def __init__(self, attempt: AttemptAtHand) -> None:
        self._pauses = attempt.pauses

    def begin(self) -> None:
        self._pauses.paused(HELD)


def free_port() -> int:
    """One that nobody listens on at this moment, on this machine's loopback."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
