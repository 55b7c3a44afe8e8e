"""A child that is forked ahead and waits for its order, so that an attempt starts without a fork.

It is told what is saved meanwhile, compiles it, and so has the sources of the moment of its order; from then
on it keeps them, as every child does. What does not fit into its pipe at once is not given: the child is let
go then, and the attempt gets a fork of its own. Only ever an optimization.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from livejob.local_runner.supervisor.attempt import AttemptPipes, Shared
from livejob.local_runner.supervisor.environment import EndpointAddress
from livejob.local_runner.supervisor.zygote import Zygote
from livejob.runner.processes import kill
from livejob.wire.framing import FrameReader, encode_frame
from livejob.wire.limits import KIB
from livejob.wire.worker import SourcesChanged, StartAttempt, decode, encode

READ_BYTES = 64 * KIB
GIVEN_BYTES = 32 * KIB
"""More is not given at once: a pipe takes 64 KiB, on some systems less."""


class Spare:
    """The supervisor's side, until the child is an attempt or has been let go."""

    def __init__(self, pid: int, pipes: AttemptPipes, shared: Shared, writing: int) -> None:
        """`writing`: to the child, which reads it with `wait_for_order`; owned from here on."""
        self.pid = pid
        self.pipes = pipes
        self.shared = shared
        self._writing = writing
        os.set_blocking(writing, False)

    def give(self, message: SourcesChanged) -> bool:
        """Tell it what was saved; False when it must be let go, because it cannot have heard it."""
        return self._write(encode(message))

    def order(self, start: StartAttempt, address: EndpointAddress) -> bool:
        """Let it be this attempt; False when it must be let go."""
        self.shared.deadline.move(start.deadline_ms)
        head = encode_frame({"uri": address.uri, "token": address.token})
        is_told = self._write(head + encode(start))
        if is_told:
            os.close(self._writing)
        return is_told

    def let_go(self) -> None:
        """End it; it has begun nothing."""
        with suppress(ChildProcessError):  # reaped already: the pid may be another's by now
            if os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        self.release()

    def release(self) -> None:
        """Close the supervisor's descriptors, in this process."""
        self.pipes.close_reading()
        os.close(self._writing)

    def _write(self, data: bytes) -> bool:
        if len(data) > GIVEN_BYTES:
            return False
        try:
            return os.write(self._writing, data) == len(data)
        except OSError:  # its pipe is full, or it has gone
            return False


def wait_for_order(reading: int, zygote: Zygote) -> tuple[StartAttempt, EndpointAddress]:
    """In the child: keep its copy of the sources as new as the supervisor's until the order comes.

    Ends the process when the supervisor has let it go.
    """
    frames = FrameReader()
    address = EndpointAddress("", "")
    while data := os.read(reading, READ_BYTES):
        for head, body in frames.feed(data):
            if "token" in head:
                address = EndpointAddress(str(head["uri"]), str(head["token"]))
                continue
            message = decode(head, body)
            if isinstance(message, StartAttempt):
                os.close(reading)
                return message, address
            if isinstance(message, SourcesChanged):
                zygote.take_sources(message)
        while zygote.has_work:
            zygote.work()
    os._exit(0)
