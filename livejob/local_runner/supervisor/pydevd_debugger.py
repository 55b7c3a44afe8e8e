"""PyCharm's own pydevd inside an attempt's process, over a socket that the process inherits.

pydevd connects to an IDE that listens. What stands here in place of its connection hands over the inherited
socket, whose other end the daemon has connected; the rest is pydevd as it is, in the version of the IDE.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType, TracebackType
from typing import Any
from urllib.parse import quote

from livejob.local_runner.supervisor.debugger import (
    OWN_DIRECTORY,
    AttemptDebugger,
    has_user_frame,
    leave_forks_alone,
    take_over_breakpoint,
)
from livejob.wire.worker import DEBUGGER_OPENS, DebuggerStart


class Pydevd:
    """pydevd-pycharm, imported. There is one in a worker."""

    def __init__(self) -> None:
        """Import it, and leave the environment as it was.

        Raises:
            ImportError: it is not there.
        """
        # Not by sys.monitoring: that way pydevd does not stop where `breakpoint()` stands.
        with _environment(PYDEVD_FILTERS=f"{OWN_DIRECTORY}*"):
            # Any: it is not there when types are checked.
            self.pydevd: Any = import_module("pydevd")
            # No other thread is there yet when it begins; looking for them can end in a complaint.
            self.pydevd.PyDB.set_tracing_for_untraced_contexts = lambda *arguments, **more: None
            self.files: Any = import_module("pydevd_file_utils")
            self.breakpoints: Any = import_module("_pydevd_bundle.pydevd_breakpoints")
            filters: Any = import_module("_pydevd_bundle.pydevd_utils")
            # Read once, and kept: what the handler's environment has is the handler's.
            filters.is_ignored_by_filter(OWN_DIRECTORY)
            _leave_out_own_frames(import_module("_pydevd_bundle.pydevd_comm"))

    def for_attempt(self, inherited: socket.socket, start: DebuggerStart) -> AttemptDebugger:
        """pydevd in one attempt, which has `inherited` for it."""
        return _AttemptPydevd(self, inherited, is_awaited=start == "now")


class _AttemptPydevd:
    """Begins with what the daemon says: no IDE, or a line of JSON and then the IDE's own bytes.

    The line has `paths`, [here, in this worker] each, and whether to stop `on_error` unasked.
    """

    def __init__(self, loaded: Pydevd, inherited: socket.socket, *, is_awaited: bool) -> None:
        self._loaded = loaded
        self._pydevd = loaded.pydevd
        self._inherited = inherited
        self._is_awaited = is_awaited
        self._is_on_error = False

    def begin(self) -> None:
        take_over_breakpoint(self._stop_in)
        leave_forks_alone()
        if not self._is_awaited or self._inherited.recv(1) != DEBUGGER_OPENS:
            return
        order = json.loads(self._first_line())
        self._is_on_error = bool(order["on_error"])
        self._loaded.files.setup_client_server_paths([tuple(pair) for pair in order["paths"]])
        self._pydevd.start_client = lambda host, port: self._inherited
        # Waits for the end of other threads to say farewell, and holds up the end of the process by 0.7 s.
        self._pydevd.CheckAliveThread._on_run = lambda thread: None
        with _environment(PYDEVD_FILTERS=""):
            # Returns when the IDE has set its breakpoints and says: run.
            self._pydevd.settrace(host="inherited", port=0, suspend=False)
        # The daemon ends the connection with the process: it needs no farewell of half a second.
        atexit.unregister(self._pydevd.stoptrace)

    def look_at(self, error: BaseException) -> None:
        py_db = self._py_db()
        if py_db is None or not has_user_frame(error):
            return
        breakpoints = self._loaded.breakpoints
        wanted = breakpoints.get_exception_breakpoint(type(error), py_db.break_on_uncaught_exceptions)
        if wanted is None and not self._is_on_error:
            return
        frames = list(_frames(error.__traceback__))
        before = sys.excepthook
        breakpoints.disable_excepthook()  # else it prints what the run's record tells
        py_db.disable_tracing()  # else it would stop a second time, in what comes next
        try:
            thread = threading.current_thread()
            self._pydevd.set_additional_thread_info(thread).pydev_message = f"python-{type(error).__name__}"
            raised = (type(error), error, error.__traceback__)
            by_id = {id(frame): frame for frame in frames}
            py_db.stop_on_unhandled_exception(thread, frames[-1], by_id, raised)
        finally:
            sys.excepthook = before

    def _stop_in(self, frame: FrameType) -> bool:
        if self._py_db() is None:
            return False
        self._pydevd.settrace(suspend=True, stop_at_frame=frame)
        return True

    def _py_db(self) -> Any:
        """pydevd's own debugger, if an IDE is there."""
        py_db = self._pydevd.get_global_debugger() if self._pydevd.connected else None
        return None if py_db is None or py_db.pydb_disposed else py_db

    def _first_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._inherited.recv(1)
        return line


def _leave_out_own_frames(pydevd_comm: Any) -> None:
    """Below the handler's frames stand those of livejob, which are not the user's."""
    whole = pydevd_comm.NetCommandFactory.make_thread_stack_str
    # `python -m` of the supervisor stands below them; its file may have the name that the IDE knows.
    files = f'{re.escape(quote(OWN_DIRECTORY))}[^"]*|[^"]*/runpy.py'
    own = re.compile(f'<frame [^>]*file="(?:{files})"[^>]*></frame>')

    def without_own(*arguments: Any, **more: Any) -> str:
        return own.sub("", whole(*arguments, **more))

    pydevd_comm.NetCommandFactory.make_thread_stack_str = without_own


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Variables that pydevd is to read, and nobody else."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
