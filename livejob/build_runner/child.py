"""The handler's process in a build: reads its order, runs the handler, reports, and ends as any Python does.

    python -m livejob.build_runner.child <order fd> <report fd> <stop fd> <pid of the runner>

Standard library only.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
from functools import partial
from io import TextIOWrapper
from typing import cast

from livejob.clock import SystemClock
from livejob.runner.context import Context
from livejob.runner.deadline import FixedDeadline
from livejob.runner.ending import Report
from livejob.runner.execute import Order, execute
from livejob.runner.handler import load_handler
from livejob.runner.importing import add_root
from livejob.runner.memory import be_killed_first
from livejob.runner.processes import die_with_parent
from livejob.runner.sources import DiskSources
from livejob.runner.stop import StopSignal, StopSlot
from livejob.wire.framing import FrameReader
from livejob.wire.ids import RunId
from livejob.wire.outcome import Outcome


def main(order_fd: int, report_fd: int, stop_fd: int, parent: int) -> int:
    """Be the attempt; the exit code of its process."""
    for fd in (order_fd, report_fd, stop_fd):
        # Not for the processes that the handler starts.
        os.set_inheritable(fd, False)
    slot = StopSlot(stop_fd)
    stop = StopSignal(slot)
    stop.install()
    # Without its runner nobody would record what it comes to.
    die_with_parent(parent)
    _settle()
    order = _read_order(order_fd, slot)
    codes: list[int] = []

    def report(outcome: Outcome) -> None:
        codes.append(outcome.exit_code or 0)
        with os.fdopen(report_fd, "wb") as file:
            file.write(Report(outcome).encode())
        # What is left to do is the end of a Python program; a request to stop may cut it short.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    execute(order, stop, report)
    return codes[0]


def _settle() -> None:
    be_killed_first()
    # A crash should not leave a core file in the build's directory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # By lines, so that each `print` is one entry of the log. What cannot be encoded must not end a job.
    cast(TextIOWrapper, sys.stdout).reconfigure(
        encoding="utf-8", errors="surrogateescape", line_buffering=True
    )
    cast(TextIOWrapper, sys.stderr).reconfigure(
        encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    faulthandler.enable()


def _read_order(fd: int, slot: StopSlot) -> Order:
    with os.fdopen(fd, "rb") as file:
        [(head, payload)] = FrameReader().feed(file.read())
    context = Context(
        run_id=RunId(str(head["run_id"])),
        attempt=int(str(head["attempt"])),
        job=str(head["job"]),
        app=str(head["app"]),
        stage=str(head["stage"]),
        _deadline=FixedDeadline(int(str(head["deadline_ms"]))),
        _clock=SystemClock(),
        _stop=slot,
    )
    handler, root = str(head["handler"]), str(head["root"])
    add_root(root)
    sys.argv = [handler]
    return Order(partial(load_handler, handler, root, DiskSources()), payload, context)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:5])))
