"""The processes of attempts: forked when one is asked for, or ahead, while the worker has nothing else to do.

Knows nothing of what comes of an attempt.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from livejob.clock import Clock
from livejob.local_runner.supervisor.attempt import AttemptPipes, AttemptProcess, Shared, open_pipes
from livejob.local_runner.supervisor.child import ChildOrder, ChildPlan, run_child
from livejob.local_runner.supervisor.debugger import AttemptDebugger, NoDebugger
from livejob.local_runner.supervisor.environment import EndpointAddress, attempt_environment
from livejob.local_runner.supervisor.preloading import Preloading
from livejob.local_runner.supervisor.spare import Spare, wait_for_order
from livejob.local_runner.supervisor.surroundings import Surroundings
from livejob.local_runner.supervisor.tunnel import Tunnel
from livejob.local_runner.supervisor.zygote import Zygote
from livejob.runner.deadline import MovableDeadline
from livejob.runner.stop import StopSlot
from livejob.wire.worker import SourcesChanged, StartAttempt


class Launcher:
    """Owns the child that is forked ahead; what it has launched is the caller's."""

    def __init__(
        self,
        zygote: Zygote,
        preloading: Preloading,
        surroundings: Surroundings,
        release: Callable[[], None],
        clock: Clock,
    ) -> None:
        """`release` closes in a child what is the supervisor's own."""
        self._zygote = zygote
        self._preloading = preloading
        self._surroundings = surroundings
        self._release = release
        self._clock = clock
        self._spare: Spare | None = None
        self._may_prepare = False

    @property
    def spare_pid(self) -> int | None:
        """Of the child that waits; None without one."""
        return self._spare.pid if self._spare is not None else None

    @property
    def has_work(self) -> bool:
        """True while a child could be forked ahead. Not before the worker is in use: see `expect`."""
        return self._may_prepare and self._spare is None

    def expect(self) -> None:
        """An attempt will follow, sooner or later."""
        # A debugger's connection belongs to its attempt: such a worker forks when it is asked to.
        self._may_prepare = self._surroundings.debugger is None

    def work(self) -> None:
        """Fork a child ahead."""
        self._may_prepare = False
        # No process to be had: the attempt will find that out, and say so.
        with suppress(OSError):
            self._spare = self._fork_ahead()
            self._may_prepare = True

    def give_sources(self, message: SourcesChanged) -> None:
        """Let the child that waits know what was saved."""
        if self._spare is not None and not self._spare.give(message):
            self.let_go()

    def let_go(self) -> None:
        """End the child that waits."""
        if self._spare is not None:
            self._spare.let_go()
            self._spare = None

    def note_end(self, pid: int) -> None:
        """A child has been reaped."""
        if pid == self.spare_pid:
            self.release()
            self._spare = None

    def release(self) -> None:
        """Close what belongs to the child that waits, in this process."""
        if self._spare is not None:
            self._spare.release()

    def launch(self, start: StartAttempt, address: EndpointAddress) -> AttemptProcess:
        """The process of an attempt; afterwards none waits.

        Raises:
            OSError: no process to be had.
        """
        self._may_prepare = False
        spare = self._spare
        if spare is not None and start.debugger == "off" and spare.order(start, address):
            self._spare = None
            return AttemptProcess(spare.pid, spare.pipes, spare.shared)
        self.let_go()
        return self._fork(start, address)

    def _fork(self, start: StartAttempt, address: EndpointAddress) -> AttemptProcess:
        tunnel, debugger = self._debugging(start)
        pipes, shared = open_pipes(), Shared(StopSlot(), MovableDeadline(start.deadline_ms))

        def close_reading() -> None:
            pipes.close_reading()
            if tunnel is not None:
                tunnel.release()

        plan = self._plan(pipes, shared, close_reading)
        order = self._order(start, address, debugger)
        try:
            pid = self._zygote.fork(lambda: run_child(plan, lambda: order))
        except OSError:
            close_reading()
            raise
        finally:
            pipes.close_writing()
        return AttemptProcess(pid, pipes, shared, tunnel)

    def _fork_ahead(self) -> Spare:
        pipes, shared = open_pipes(), Shared(StopSlot(), MovableDeadline(0))
        reading, writing = os.pipe()

        def close_reading() -> None:
            pipes.close_reading()
            os.close(writing)

        def wait_order() -> ChildOrder:
            return self._order(*wait_for_order(reading, self._zygote), NoDebugger())

        plan = self._plan(pipes, shared, close_reading)
        try:
            pid = self._zygote.fork(lambda: run_child(plan, wait_order))
        except OSError:
            close_reading()
            raise
        finally:
            pipes.close_writing()
            os.close(reading)
        return Spare(pid, pipes, shared, writing)

    def _plan(self, pipes: AttemptPipes, shared: Shared, close_reading: Callable[[], None]) -> ChildPlan:
        def release() -> None:
            close_reading()
            self._release()

        return ChildPlan(
            root=self._surroundings.root,
            stdout=pipes.stdout[1],
            stderr=pipes.stderr[1],
            report=pipes.report[1],
            shared=shared,
            code=self._zygote.code,
            preloaded=self._preloading.preloaded,
            clock=self._clock,
            parent=os.getpid(),
            memory_bytes=self._surroundings.memory_bytes,
            release=release,
        )

    def _order(self, start: StartAttempt, address: EndpointAddress, debugger: AttemptDebugger) -> ChildOrder:
        environment = attempt_environment(self._surroundings.environment, start, address)
        return ChildOrder(start, environment, debugger)

    def _debugging(self, start: StartAttempt) -> tuple[Tunnel | None, AttemptDebugger]:
        debugger = self._surroundings.debugger
        if debugger is None or start.debugger == "off":
            return None, NoDebugger()
        tunnel = Tunnel()
        return tunnel, debugger.for_attempt(tunnel.far, start.debugger)
