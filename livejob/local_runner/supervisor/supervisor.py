"""The supervisor's loop: messages in, attempts, messages out.

One attempt at a time. Its Ended is sent when its process is reaped, whatever it left behind is killed, and
all that it wrote is on its way; so after Ended the worker is as clean as before. Ends with the channel.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig

from livejob.clock import Clock
from livejob.local_runner.supervisor import telling
from livejob.local_runner.supervisor.aside import Aside
from livejob.local_runner.supervisor.attempt import AttemptHearing, RunningAttempt, Stream
from livejob.local_runner.supervisor.beside import Beside
from livejob.local_runner.supervisor.channel import Channel, ChannelEnded
from livejob.local_runner.supervisor.checking import CheckPlan, ImportCheck
from livejob.local_runner.supervisor.endpoint import CredentialsEndpoint
from livejob.local_runner.supervisor.environment import check_environment, environment_without_attempt
from livejob.local_runner.supervisor.launching import Launcher
from livejob.local_runner.supervisor.loop import Loop, Wakeups
from livejob.local_runner.supervisor.preloading import Preloading
from livejob.local_runner.supervisor.surroundings import Surroundings
from livejob.local_runner.supervisor.zygote import Zygote
from livejob.runner.ending import Death, outcome_at_end
from livejob.runner.importing import Preloaded
from livejob.runner.memory import OomCounter
from livejob.runner.processes import end_children
from livejob.runner.stop import StopReason
from livejob.wire.beside import BesideMessage
from livejob.wire.framing import FrameError
from livejob.wire.limits import MIB
from livejob.wire.worker import (
    CheckImport,
    CredentialsReply,
    CredentialsWanted,
    DeadlineMoved,
    DebuggerBytes,
    Hello,
    ImportChecked,
    Output,
    Preload,
    Shutdown,
    SourcesChanged,
    StartAttempt,
    Started,
    StopAttempt,
    WorkerMessage,
)

PENDING_BYTES = MIB
"""While more than this waits for the daemon to read it, the attempt has to wait with its output."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Owns the channel, the loop and the present attempt."""

    def __init__(self, channel: Channel, zygote: Zygote, surroundings: Surroundings, clock: Clock) -> None:
        self._channel = channel
        self._zygote = zygote
        self._surroundings = surroundings
        self._clock = clock
        self._oom = OomCounter()
        self._loop = Loop()
        self._wakeups = Wakeups(signal.SIGCHLD, *STOP_SIGNALS)
        self._endpoint = CredentialsEndpoint(self._loop, self._ask_credentials)
        self._beside = Beside(self._loop, self._endpoint, channel.send)
        self._aside = Aside(self._loop, zygote.fork, self._release_all, self._spare_pid, clock)
        self._preloading = Preloading(self._aside, channel.send)
        self._launcher = Launcher(zygote, self._preloading, surroundings, self._release_own, clock)
        self._check = ImportCheck(self._aside, self._tell_checked)
        self._hearing = AttemptHearing(self._output, self._debugger_output)
        self._attempt: RunningAttempt | None = None
        self._is_over = False
        self._is_writing = False

    def run(self) -> int:
        """Serve until the channel ends, a Shutdown or a signal; the exit code, 0 unless livejob failed."""
        self._loop.watch(self._channel.read_fd, self._receive)
        self._loop.watch(self._wakeups.fileno(), self._on_signals)
        try:
            self._channel.send(self._hello())
            while not self._is_over:
                self._turn()
        except ChannelEnded:
            return 0
        except FrameError as error:
            sys.stderr.write(f"the daemon sent what is no message: {error}\n")
            return 1
        finally:
            self._end_everything()
        return 0

    def _hello(self) -> Hello:
        version = ".".join(map(str, sys.version_info[:3]))
        stdlib = sysconfig.get_path("stdlib")
        return Hello(version, os.getpid(), task=self._surroundings.root, stdlib=stdlib)

    def _turn(self) -> None:
        is_idle = not self._loop.run_once(self._patience_s())
        attempt = self._attempt
        if attempt is None:
            self._aside.heed_patience()
            if is_idle:
                self._work_ahead()
        elif attempt.kill_at_s is not None and attempt.kill_at_s <= self._clock.monotonic_s():
            attempt.kill()
        self._heed_pressure()

    def _work_ahead(self) -> None:
        """One step of what will save the next attempt time."""
        if self._zygote.has_work:
            self._zygote.work()
        elif self._preloading.has_work:
            # A child that waits would not have what is imported from here on.
            self._launcher.let_go()
            self._preloading.work()
        elif self._can_fork_ahead:
            self._launcher.work()

    @property
    def _can_fork_ahead(self) -> bool:
        return self._launcher.has_work and not self._aside.is_busy

    def _patience_s(self) -> float | None:
        """How long the loop may wait for something to happen; None for as long as it takes."""
        until_s = self._aside.give_up_s
        if self._attempt is not None:
            until_s = self._attempt.kill_at_s
        elif self._zygote.has_work or self._preloading.has_work or self._can_fork_ahead:
            return 0.0
        return None if until_s is None else max(0.0, until_s - self._clock.monotonic_s())

    def _heed_pressure(self) -> None:
        """Write when the daemon can read; take no more output while it does not."""
        is_pending = self._channel.pending_bytes > 0
        if is_pending and not self._is_writing:
            self._loop.watch(self._channel.write_fd, self._channel.flush, is_write=True)
        elif self._is_writing and not is_pending:
            self._loop.unwatch(self._channel.write_fd)
        self._is_writing = is_pending
        if self._attempt is None:
            return
        if self._channel.pending_bytes > PENDING_BYTES:
            self._attempt.leave_output(self._loop)
        else:
            self._attempt.take_output(self._loop)

    def _receive(self) -> None:
        for message in self._channel.receive():
            self._take(message)

    def _take(self, message: WorkerMessage) -> None:
        match message:
            case Preload():
                self._preload(message)
            case CheckImport():
                self._begin_check(message)
            case SourcesChanged():
                self._launcher.give_sources(message)
                self._zygote.take_sources(message)
            case StartAttempt():
                self._start(message)
            case StopAttempt():
                self._stop(message)
            case CredentialsReply() | BesideMessage():
                self._beside.obey(message)
            case DebuggerBytes() | DeadlineMoved():
                self._pass_on(message)
            case Shutdown():
                self._is_over = True
            case _:
                raise FrameError(f"{type(message).__name__} is not for a supervisor")

    def _preload(self, message: Preload) -> None:
        self._launcher.let_go()
        environment = environment_without_attempt(self._surroundings.environment, message.environment)
        self._preloading.begin(message, environment)
        self._launcher.expect()

    def _start(self, start: StartAttempt) -> None:
        if self._attempt is not None:
            busy_with = self._attempt.start.run_id
            self._channel.send(telling.refused(start, f"the worker is busy with {busy_with}"))
            return
        self._check.give_way()
        self._aside.break_off()
        self._preloading.catch_up()
        try:
            process = self._launcher.launch(start, self._endpoint.grant())
        except OSError as error:
            self._endpoint.revoke()
            self._channel.send(telling.refused(start, f"the worker cannot start a process: {error}"))
            return
        self._attempt = RunningAttempt(start, process, self._hearing, self._oom.count())
        self._channel.send(Started(start.run_id, start.attempt, process.pid))
        self._attempt.watch(self._loop)

    def _pass_on(self, message: DebuggerBytes | DeadlineMoved) -> None:
        attempt = self._attempt
        if attempt is None or not attempt.is_for(message.run_id, message.attempt):
            return
        if isinstance(message, DebuggerBytes):
            attempt.tell_debugger(self._loop, message.body)
        else:
            attempt.move_deadline(self._clock.now_ms(), message.left_ms, message.is_standing)

    def _debugger_output(self, data: bytes) -> None:
        assert self._attempt is not None
        # What it wrote before it stops is told before.
        self._attempt.take_ready()
        start = self._attempt.start
        self._channel.send(DebuggerBytes(start.run_id, start.attempt, data))

    def _release_own(self) -> None:
        """In a child: close what is the supervisor's own."""
        self._channel.close()
        self._endpoint.close()
        self._wakeups.close()
        self._loop.close()

    def _release_all(self) -> None:
        """In a child that is no attempt."""
        self._launcher.release()
        self._release_own()

    def _stop(self, stop: StopAttempt) -> None:
        if self._attempt is not None and self._attempt.is_for(stop.run_id, stop.attempt):
            kill_at_s = self._clock.monotonic_s() + stop.grace_s
            self._attempt.ask_to_stop(StopReason(stop.reason), kill_at_s)

    def _output(self, stream: Stream, data: bytes) -> None:
        assert self._attempt is not None
        start = self._attempt.start
        self._channel.send(Output(start.run_id, start.attempt, stream, data))

    def _ask_credentials(self, request: int) -> None:
        self._channel.send(CredentialsWanted(request))

    def _on_signals(self) -> None:
        arrived = self._wakeups.take()
        if not arrived.isdisjoint(STOP_SIGNALS):
            self._is_over = True
        if signal.SIGCHLD in arrived:
            self._reap()

    def _reap(self) -> None:
        """Take note of every child that has ended: the attempt, or an orphan that came to this process."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._launcher.note_end(pid)
            if self._attempt is not None and pid == self._attempt.pid:
                peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
                self._attempt_ended(self._attempt, os.waitstatus_to_exitcode(status), peak_bytes)

    def _attempt_ended(self, attempt: RunningAttempt, exit_code: int, peak_bytes: int) -> None:
        names_left = end_children()
        report = attempt.finish(self._loop)
        self._endpoint.revoke()
        self._attempt = None
        is_oom = self._oom.count() > attempt.oom_count
        if report is not None:
            loaded = self._zygote.learn(report.sources)
            if loaded:
                self._channel.send(telling.sources_loaded(loaded, self._surroundings.root))
            self._preloading.learn(report.modules)
        if names_left:
            self._channel.send(telling.left_behind(names_left))
        death = Death(
            exit_code=exit_code,
            stop_reason=attempt.stop_reason,
            is_killed=attempt.is_killed,
            is_oom=is_oom,
            limit_bytes=self._oom.limit_bytes() if is_oom else None,
        )
        outcome = outcome_at_end(report.outcome if report is not None else None, death)
        notice = telling.out_of_memory(outcome)
        if is_oom and self._surroundings.memory_bytes is None and notice is not None:
            self._channel.send(notice)
        self._channel.send(telling.ended(attempt.start, outcome, peak_bytes))
        self._launcher.expect()

    def _begin_check(self, message: CheckImport) -> None:
        if self._attempt is not None:
            self._channel.send(ImportChecked(message.handler, {}, is_whole=False))
            return
        self._preloading.catch_up()
        environment = check_environment(
            self._surroundings.environment, message.environment, self._endpoint.grant()
        )
        self._check.begin(
            message,
            CheckPlan(
                message.handler,
                self._surroundings.root,
                environment,
                self._zygote.code,
                self._preloading.preloaded or Preloaded(),
            ),
        )

    def _spare_pid(self) -> int | None:
        return self._launcher.spare_pid

    def _tell_checked(self, checked: ImportChecked) -> None:
        self._endpoint.revoke()
        self._channel.send(checked)

    def _end_everything(self) -> None:
        if self._attempt is not None:
            self._attempt.kill()
        self._aside.break_off()
        end_children()
