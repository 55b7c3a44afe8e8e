"""One attempt as the supervisor sees it: a process, its pipes, and the request to stop it.

Knows nothing of the channel; what the attempt writes goes to functions.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from livejob.local_runner.supervisor.loop import Loop
from livejob.local_runner.supervisor.tunnel import Tunnel
from livejob.runner.deadline import MovableDeadline
from livejob.runner.ending import Report
from livejob.runner.processes import kill, kill_group
from livejob.runner.stop import StopReason, StopSlot
from livejob.wire.limits import FRAME_BYTES, KIB
from livejob.wire.worker import StartAttempt

READ_BYTES = 64 * KIB

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class AttemptPipes:
    """The reading ends, and the writing ends until the child has them."""

    stdout: tuple[int, int]
    stderr: tuple[int, int]
    report: tuple[int, int]

    def close(self) -> None:
        self.close_reading()
        self.close_writing()

    def close_reading(self) -> None:
        for reading, _ in (self.stdout, self.stderr, self.report):
            os.close(reading)

    def close_writing(self) -> None:
        for _, writing in (self.stdout, self.stderr, self.report):
            os.close(writing)


def open_pipes() -> AttemptPipes:
    """Three pipes whose reading ends do not block.

    Raises:
        OSError: no descriptors to be had.
    """
    pipes = AttemptPipes(os.pipe(), os.pipe(), os.pipe())
    for reading, _ in (pipes.stdout, pipes.stderr, pipes.report):
        os.set_blocking(reading, False)
    return pipes


@dataclass(frozen=True, slots=True)
class Shared:
    """Memory that the attempt's process shares with the supervisor, which writes."""

    stop: StopSlot
    deadline: MovableDeadline


@dataclass(frozen=True, slots=True)
class AttemptProcess:
    """What there is of an attempt when it begins. tunnel: to its debugger; None without."""

    pid: int
    pipes: AttemptPipes
    shared: Shared
    tunnel: Tunnel | None = None


@dataclass(frozen=True, slots=True)
class AttemptHearing:
    """Functions that get what an attempt says: it itself, and the debugger in it."""

    output: Callable[[Stream, bytes], None]
    debugger: Callable[[bytes], None]


class RunningAttempt:
    """From the fork until its process has been reaped and its pipes are empty."""

    def __init__(
        self, start: StartAttempt, process: AttemptProcess, hearing: AttemptHearing, oom_count: int
    ) -> None:
        """`oom_count` is the kernel's count of out-of-memory kills at its begin."""
        self.start = start
        self._hearing = hearing
        self.pid = process.pid
        self.oom_count = oom_count
        self.kill_at_s: float | None = None
        self.stop_reason: StopReason | None = None
        self.is_killed = False
        self._pipes = process.pipes
        self._shared = process.shared
        self._tunnel = process.tunnel
        self._report = bytearray()
        self._is_taking = False

    def is_for(self, run_id: str, attempt: int) -> bool:
        return (self.start.run_id, self.start.attempt) == (run_id, attempt)

    def ask_to_stop(self, reason: StopReason, kill_at_s: float) -> None:
        """Say why, send SIGTERM to the process group; SIGKILL follows at `kill_at_s` (monotonic).

        Asked again, the first reason stays and the earlier time counts.
        """
        if self.stop_reason is None:
            self.stop_reason, self.kill_at_s = reason, kill_at_s
            self._shared.stop.ask(reason)
            kill_group(self.pid, signal.SIGTERM)
        elif self.kill_at_s is not None:
            self.kill_at_s = min(self.kill_at_s, kill_at_s)

    def move_deadline(self, now_ms: int, left_ms: int, is_standing: bool) -> None:
        """`left_ms` are left of its time; while it stands they stay."""
        if is_standing:
            self._shared.deadline.stand(left_ms)
        else:
            self._shared.deadline.move(now_ms + left_ms)

    def kill(self) -> None:
        """SIGKILL to the process and its group."""
        self.is_killed = True
        self.kill_at_s = None
        kill_group(self.pid, signal.SIGKILL)
        kill(self.pid)

    def watch(self, loop: Loop) -> None:
        """Take what it writes as it comes."""
        loop.watch(self._pipes.report[0], lambda: self._read_report(loop))
        self.take_output(loop)

    def take_output(self, loop: Loop) -> None:
        """Take what it and its debugger say (again)."""
        if not self._is_taking:
            self._is_taking = True
            loop.watch(self._pipes.stdout[0], lambda: self._read_output(loop, "stdout"))
            loop.watch(self._pipes.stderr[0], lambda: self._read_output(loop, "stderr"))
            if self._tunnel is not None:
                self._tunnel.take_output(loop, self._hearing.debugger)

    def leave_output(self, loop: Loop) -> None:
        """Leave what it says in the pipes, so that it has to wait, until `take_output`."""
        if self._is_taking:
            self._is_taking = False
            loop.unwatch(self._pipes.stdout[0])
            loop.unwatch(self._pipes.stderr[0])
            if self._tunnel is not None:
                self._tunnel.leave_output(loop)

    def tell_debugger(self, loop: Loop, data: bytes) -> None:
        """Give bytes to its debugger; dropped where there is none."""
        if self._tunnel is not None:
            self._tunnel.write(loop, data)

    def take_ready(self) -> None:
        """Take what it has written up to now: as much as a pipe holds."""
        for stream in ("stdout", "stderr"):
            with suppress(BlockingIOError):
                self._take_piece(stream)

    def finish(self, loop: Loop) -> Report | None:
        """Take what is left in the pipes and close them; its report, if it left one.

        To be called when nothing that could still write is alive.
        """
        self.leave_output(loop)
        loop.unwatch(self._pipes.report[0])
        self._empty(lambda: self._take_piece("stdout"))
        self._empty(lambda: self._take_piece("stderr"))
        self._empty(self._take_report)
        self._pipes.close_reading()
        if self._tunnel is not None:
            self._tunnel.close(loop)
        return Report.decode(bytes(self._report))

    def _read_output(self, loop: Loop, stream: Stream) -> None:
        with suppress(BlockingIOError):
            if not self._take_piece(stream):
                loop.unwatch(self._reading(stream))

    def _read_report(self, loop: Loop) -> None:
        with suppress(BlockingIOError):
            if not self._take_report():
                loop.unwatch(self._pipes.report[0])

    @staticmethod
    def _empty(take_some: Callable[[], bool]) -> None:
        # Without an end (somebody who cannot be killed still holds the pipe) what is there now will do.
        with suppress(BlockingIOError):
            while take_some():
                pass

    def _take_piece(self, stream: Stream) -> bool:
        """False at the end of the pipe."""
        data = os.read(self._reading(stream), READ_BYTES)
        if data:
            self._hearing.output(stream, data)
        return bool(data)

    def _take_report(self) -> bool:
        """False at the end of the pipe. What is longer than a report can be is none."""
        data = os.read(self._pipes.report[0], READ_BYTES)
        if len(self._report) <= FRAME_BYTES:
            self._report += data
        return bool(data)

    def _reading(self, stream: Stream) -> int:
        return (self._pipes.stdout if stream == "stdout" else self._pipes.stderr)[0]
