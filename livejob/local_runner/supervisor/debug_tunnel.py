"""The present attempt's debugger as the supervisor sees it: a tunnel for its bytes, if it has a debugger."""

from __future__ import annotations

from collections.abc import Callable

from livejob.local_runner.supervisor.debugger import AttemptDebugger, Debugger, NoDebugger
from livejob.local_runner.supervisor.loop import Loop
from livejob.local_runner.supervisor.tunnel import Tunnel
from livejob.wire.worker import DebuggerStart


class DebugTunnel:
    """One for all attempts, one after the other; does nothing for one without debugger."""

    def __init__(self, loop: Loop, debugger: Debugger | None, take: Callable[[bytes], None]) -> None:
        """`take` gets what a debugger says; `debugger` None: there is none in this worker."""
        self._loop = loop
        self._debugger = debugger
        self._take = take
        self._tunnel: Tunnel | None = None

    def open(self, start: DebuggerStart) -> AttemptDebugger:
        """For an attempt that is about to be forked. Raises OSError without a descriptor."""
        if self._debugger is None or start == "off":
            return NoDebugger()
        self._tunnel = Tunnel()
        return self._debugger.for_attempt(self._tunnel.far, start)

    def take_output(self) -> None:
        if self._tunnel is not None:
            self._tunnel.take_output(self._loop, self._take)

    def leave_output(self) -> None:
        """What the debugger says has to wait."""
        if self._tunnel is not None:
            self._tunnel.leave_output(self._loop)

    def write(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.write(self._loop, data)

    def close(self) -> None:
        """The attempt has ended, or has not begun."""
        if self._tunnel is not None:
            self._tunnel.close(self._loop)
            self._tunnel = None

    def release(self) -> None:
        """Close the supervisor's descriptors, in a child."""
        if self._tunnel is not None:
            self._tunnel.release()
