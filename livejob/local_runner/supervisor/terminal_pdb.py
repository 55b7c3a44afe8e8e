"""pdb in an attempt's process, for a person at the daemon's terminal.

The process has no terminal: what pdb prints and reads goes over a socket that it inherits, as messages of
`livejob.wire.terminal`. pdb is Python's own; what differs from it at a terminal:
  - frames of livejob are neither shown nor stopped in: a step out of the handler lets it end;
  - `quit` (and the end of input) raises what no `except Exception` of a handler takes for its own;
  - several threads take turns.
"""

from __future__ import annotations

import pdb
import socket
import sys
import threading
from bdb import BdbQuit
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal

from livejob.local_runner.supervisor.debugger import (
    OWN_DIRECTORY,
    AttemptDebugger,
    has_user_frame,
    leave_forks_alone,
    nothing_to_stop_in,
    take_over_breakpoint,
)
from livejob.runner.traces import describe
from livejob.wire.framing import FrameError, FrameReader
from livejob.wire.limits import KIB
from livejob.wire.terminal import (
    Asked,
    LetGo,
    Said,
    Stopped,
    TerminalMessage,
    Typed,
    WentOn,
    decode,
    encode,
)
from livejob.wire.worker import DebuggerStart

READ_BYTES = 64 * KIB

GOES_ON = "continue\n"
"""What pdb reads once nobody is there any more."""

_ELSEWHERE = "This works only in a terminal of the program's own.\n"


class QuitInDebugger(BaseException):
    """Raised in a handler by `quit` in pdb. Not an Exception: handlers catch those around single items."""


class TerminalPdb:
    """There is one in a worker."""

    def for_attempt(self, inherited: socket.socket, start: DebuggerStart) -> AttemptDebugger:
        """pdb in one attempt, which has `inherited` for it."""
        return _AttemptPdb(_Talk(inherited))


class _AttemptPdb:
    def __init__(self, talk: _Talk) -> None:
        self._talk = talk
        self._own = threading.local()

    def begin(self) -> None:
        # `import pdb; pdb.set_trace()` is as old as pdb.
        pdb.set_trace = take_over_breakpoint(self._stop_in)
        leave_forks_alone()

    def look_at(self, error: BaseException) -> None:
        if has_user_frame(error):
            self._pdb().look_at(error)
        elif isinstance(error, SyntaxError):
            self._talk.send(Stopped(error.filename or "", error.lineno or 0, "error"))
            self._talk.write(f"{nothing_to_stop_in(error)}(Enter to go on) ")
            self._talk.readline()
            self._talk.send(WentOn(is_stepping=False))

    def _stop_in(self, frame: FrameType) -> bool:
        if self._talk.is_over:
            return False
        self._pdb().set_trace(frame)
        return True

    def _pdb(self) -> _Pdb:
        # One for each thread, so that what was set at one stop is there at the next.
        if not hasattr(self._own, "pdb"):
            self._own.pdb = _Pdb(self._talk)
        found: _Pdb = self._own.pdb
        return found


class _Talk:
    """The socket as the text file that pdb reads and writes. One thread at a time uses it: `turn`."""

    def __init__(self, inherited: socket.socket) -> None:
        self.turn = threading.RLock()
        self.is_over = False
        self._socket = inherited
        self._reader = FrameReader()
        self._came: list[TerminalMessage] = []
        self._unsaid = ""

    def send(self, message: TerminalMessage) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError:  # the supervisor has gone, and this process will follow
            self.is_over = True

    def write(self, text: str) -> int:
        self._unsaid += text
        whole, newline, self._unsaid = self._unsaid.rpartition("\n")
        if newline:
            self.send(Said(whole + newline))
        return len(text)

    def flush(self) -> None:
        """Lines go at once; what is not one is the prompt for what comes."""

    def readline(self) -> str:
        """What the person types; from the end of the talk on always the same."""
        prompt, self._unsaid = self._unsaid, ""
        if not self.is_over:
            self.send(Asked(prompt))
        while not self.is_over:
            match self._receive():
                case Typed(text):
                    return text
                case LetGo():
                    self.is_over = True
        return GOES_ON

    def _receive(self) -> TerminalMessage:
        while not self._came:
            data = self._socket.recv(READ_BYTES)
            try:
                self._came += [decode(head) for head, _ in self._reader.feed(data)]
            except FrameError:  # somebody else in this process has read from the socket
                data = b""
            if not data:
                return LetGo()
        return self._came.pop(0)


class _Pdb(pdb.Pdb):
    """Of one thread."""

    def __init__(self, talk: _Talk) -> None:
        super().__init__(stdin=talk, stdout=talk, nosigint=True)  # type: ignore[arg-type]
        self._talk = talk
        self._lowest: FrameType | None = None
        self._why: Literal["line", "error"] = "line"
        self._head = ""

    def set_trace(self, frame: FrameType | None = None, *arguments: Any, **more: Any) -> None:
        self._lowest = _lowest_of_user(frame)
        super().set_trace(frame, *arguments, **more)

    def look_at(self, error: BaseException) -> None:
        """Stand where the error was raised; it stays raised whatever is typed."""
        self._why = "error"
        self._head = describe(error)
        self.reset()
        self.interaction(None, error.__traceback__)

    def stop_here(self, frame: FrameType) -> bool:
        # Steps lead neither into livejob nor into what it calls once the handler has returned.
        if _lowest_of_user(frame) is not self._lowest:
            return False
        return super().stop_here(frame)

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        try:
            return super().trace_dispatch(frame, event, arg)
        except BdbQuit:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            raise QuitInDebugger(f"ended by `quit` in pdb, at {place}") from None

    def interaction(self, frame: FrameType | None, traceback: TracebackType | None) -> None:
        with self._talk.turn:
            if self._talk.is_over:
                self.set_continue()
                return
            sys.stdout.flush()
            sys.stderr.flush()
            self._talk.send(Stopped(*_place(frame, traceback), self._why))
            try:
                if self._head:
                    self.message(self._head)
                super().interaction(frame, traceback)
            finally:
                self._talk.send(WentOn(is_stepping=self._is_stepping()))

    def get_stack(
        self, frame: FrameType | None, traceback: TracebackType | None
    ) -> tuple[list[tuple[FrameType, int]], int]:
        stack, at = super().get_stack(frame, traceback)
        own = [number for number, (each, _) in enumerate(stack[: at + 1]) if _is_own(each)]
        first = own[-1] + 1 if own and own[-1] < at else 0
        return stack[first:], at - first

    def _is_stepping(self) -> bool:
        is_continuing = self.stopframe is self.botframe and self.stoplineno == -1
        return self._why == "line" and not is_continuing and not self.quitting

    def _refuse(self, arg: str) -> None:
        self.error(_ELSEWHERE.strip())

    do_interact = do_run = do_restart = do_debug = _refuse


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(OWN_DIRECTORY)


def _lowest_of_user(frame: FrameType | None) -> FrameType | None:
    """The frame that livejob has called on the way to this one; None for a frame of livejob itself."""
    lowest = None
    while frame is not None and not _is_own(frame):
        lowest, frame = frame, frame.f_back
    return lowest


def _place(frame: FrameType | None, traceback: TracebackType | None) -> tuple[str, int]:
    if frame is not None:
        return _absolute(frame), frame.f_lineno
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return _absolute(traceback.tb_frame), traceback.tb_lineno


def _absolute(frame: FrameType) -> str:
    return str(Path(frame.f_code.co_filename).absolute())
