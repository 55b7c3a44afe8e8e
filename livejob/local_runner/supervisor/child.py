"""What an attempt's process does between its fork and its end.

It starts as a copy of the supervisor, gives up what is the supervisor's and becomes a session of its own.
Then it has its order, or waits for it if it was forked ahead; takes on the attempt's environment, runs the
handler, reports, and ends as any Python program does: other threads are waited for, exit functions run,
output is flushed.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import random
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper

from livejob.clock import Clock
from livejob.local_runner.supervisor.attempt import Shared
from livejob.local_runner.supervisor.debugger import AttemptDebugger
from livejob.local_runner.supervisor.zygote import CRASHED
from livejob.runner.context import Context
from livejob.runner.ending import Report
from livejob.runner.execute import Order, execute
from livejob.runner.handler import load_handler
from livejob.runner.importing import (
    Preloaded,
    add_root,
    forget_shadowed,
    last_imported,
    packages_imported_after,
)
from livejob.runner.memory import be_killed_first, limit_own_memory
from livejob.runner.processes import die_with_parent
from livejob.runner.sources import CodeCache
from livejob.runner.stop import StopSignal
from livejob.wire.names import ENV_APP, ENV_STAGE
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input
from livejob.wire.worker import StartAttempt


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """All that a child needs to know whichever attempt it becomes, made before the fork.

    root:         absolute path of the source; becomes the working directory.
    stdout, stderr, report: descriptors that it writes to.
    memory_bytes: limit of its data; None where a container limits it.
    preloaded:    what was imported ahead; None where nobody asks what it imports.
    release:      closes what is the supervisor's.
    """

    root: str
    stdout: int
    stderr: int
    report: int
    shared: Shared
    code: CodeCache
    preloaded: Preloaded | None
    clock: Clock
    parent: int
    memory_bytes: int | None
    release: Callable[[], None]


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """Which attempt it becomes. environment: the whole of it."""

    start: StartAttempt
    environment: Mapping[str, str]
    debugger: AttemptDebugger


def run_child(plan: ChildPlan, wait_order: Callable[[], ChildOrder]) -> int:
    """Be the attempt that `wait_order` gives; returns the exit code of its process."""
    reports: list[Outcome] = []
    last = last_imported()

    def modules() -> tuple[str, ...]:
        return () if plan.preloaded is None else tuple(packages_imported_after(last))

    def report(outcome: Outcome) -> None:
        reports.append(outcome)
        _write(plan.report, Report(outcome, tuple(plan.code.used), modules()).encode())
        # What is left to do is the end of a Python program; a request to stop may cut it short.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        stop = _become_child(plan)
        order = wait_order()
        _take_on(plan, order)
        execute(_job(plan, order), stop, report, order.debugger.look_at)
    except BaseException as error:  # noqa: BLE001 - told to the supervisor, which tells the user
        _crash(error, report if not reports else None)
    _end_like_python()
    return reports[0].exit_code or 0 if reports else CRASHED


def _become_child(plan: ChildPlan) -> StopSignal:
    """What any attempt needs."""
    plan.release()
    os.setsid()
    die_with_parent(plan.parent)
    be_killed_first()
    _open_output(plan)
    _reseed()
    # A crash should not leave a core file among the user's sources.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    stop = StopSignal(plan.shared.stop)
    stop.install()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if plan.memory_bytes is not None:
        limit_own_memory(plan.memory_bytes)
    return stop


def _take_on(plan: ChildPlan, order: ChildOrder) -> None:
    """What this attempt needs; the source may have changed since the fork."""
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(plan.root)
    sys.argv = [order.start.handler]
    add_root(plan.root)
    forget_shadowed(plan.preloaded or Preloaded(), plan.root, plan.code)
    order.debugger.begin()


def _open_output(plan: ChildPlan) -> None:
    os.dup2(plan.stdout, 1)
    os.dup2(plan.stderr, 2)
    os.close(plan.stdout)
    os.close(plan.stderr)
    # By lines, so that each `print` shows at once and as one piece (unbuffered Python writes each argument
    # and the newline by itself). What cannot be encoded must not end a job.
    sys.stdout = sys.__stdout__ = _text(1, "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "backslashreplace")  # type: ignore[misc]
    faulthandler.enable()


def _text(fd: int, errors: str) -> TextIOWrapper:
    return open(fd, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False)


def _reseed() -> None:
    """Python reseeds `random` at a fork by itself; numpy's global generator would repeat in every child."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    random.seed()


def _job(plan: ChildPlan, order: ChildOrder) -> Order:
    start = order.start
    context = Context(
        run_id=start.run_id,
        attempt=start.attempt,
        job=start.job,
        app=order.environment.get(ENV_APP, ""),
        stage=order.environment.get(ENV_STAGE, ""),
        _deadline=plan.shared.deadline,
        _clock=plan.clock,
        _stop=plan.shared.stop,
    )
    load = partial(load_handler, start.handler, plan.root, plan.code.sources)
    return Order(load, start.body, context)


def _crash(error: BaseException, report: Callable[[Outcome], None] | None) -> None:
    trace = "".join(traceback.format_exception(error))
    os.write(2, trace.encode(errors="replace"))
    if report is not None:
        failure = Failure(FailureType.WORKER_FAILED, f"the runner itself failed: {error!r}", trace)
        report(Outcome(Input.FAIL, failure=failure.clipped(), exit_code=CRASHED))


def _end_like_python() -> None:
    """What the interpreter does at its end, without taking itself apart.

    The process ends by os._exit, because the supervisor's stack lies above. multiprocessing ends the
    children that it forks by the same two functions.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # closed, None, or an object of the user's that raises what it likes
            stream.flush()  # type: ignore[union-attr]


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
