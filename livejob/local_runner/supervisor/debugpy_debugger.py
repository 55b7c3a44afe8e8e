"""debugpy inside an attempt's process, over a socket that the process inherits.

An attempt opens it when the daemon says so: at once if a debugger is attached, later if one comes, never
otherwise; so an attempt that nobody debugs costs nothing, on any Python.

debugpy itself can only listen on a port or connect to one. What stands here in place of its server
socket hands over the inherited one instead; the rest is debugpy as it is.
"""

from __future__ import annotations

import atexit
import os
import runpy
import socket
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from livejob.local_runner.supervisor.debugger import (
    OWN_DIRECTORY,
    AttemptDebugger,
    has_user_frame,
    leave_forks_alone,
    nothing_to_stop_in,
    take_over_breakpoint,
)
from livejob.wire.worker import DEBUGGER_OPENS, DebuggerStart

CONFIGURED_PAUSE_S = 0.001
"""Between two looks whether the debugger has all its breakpoints; debugpy's own wait takes up to 50 ms."""


class Debugpy:
    """debugpy, imported. There is one in a worker."""

    def __init__(self) -> None:
        """Import it, and leave the environment as it was.

        Raises:
            ImportError: it is not there.
        """
        before = dict(os.environ)
        # Its check warns of modules that are frozen or of another path: ours are as they are on purpose.
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        try:
            # First, because it puts debugpy's own copy of pydevd in place.
            api: Any = import_module("debugpy.server.api")
            # Said already: else the first stop in an attempt describes all installed packages to a log
            # that nobody keeps, half a second of work under its own tracing.
            api.ensure_logging.ensured = True
            # Any: neither is there when types are checked.
            self.debugpy: Any = import_module("debugpy")
            self.pydevd: Any = import_module("pydevd")
        finally:
            os.environ.clear()
            os.environ.update(before)

    def for_attempt(self, inherited: socket.socket, start: DebuggerStart) -> AttemptDebugger:
        """The debugger of one attempt, which has `inherited` for it."""
        return _OpenedOnDemand(self.debugpy, self.pydevd, inherited, is_awaited=start == "now")


class _OpenedOnDemand:
    """Opens the debugger when the daemon says so."""

    def __init__(self, debugpy: Any, pydevd: Any, inherited: socket.socket, *, is_awaited: bool) -> None:
        self._debugpy = debugpy
        self._pydevd = pydevd
        self._inherited = inherited
        self._is_awaited = is_awaited

    def begin(self) -> None:
        take_over_breakpoint(self._stop_in)
        leave_forks_alone()
        if self._is_awaited and self._is_told_to_open():
            self._open()
            while not self._is_attached():
                time.sleep(CONFIGURED_PAUSE_S)
            return
        waiting = threading.Thread(target=self._open_later, name="livejob debugger", daemon=True)
        # debugpy neither shows nor stops threads that are marked so.
        waiting.pydev_do_not_trace = waiting.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
        waiting.start()

    def look_at(self, error: BaseException) -> None:
        if not self._is_attached():
            return
        if has_user_frame(error):
            # Stops only if the debugger asked for uncaught exceptions.
            self._debugpy.trigger_exception_handler(error)
        elif self._pydevd.get_global_debugger().break_on_uncaught_exceptions:
            sys.stderr.write(nothing_to_stop_in(error))

    def _open_later(self) -> None:
        if self._is_told_to_open():
            self._open()

    def _is_told_to_open(self) -> bool:
        return self._inherited.recv(1) == DEBUGGER_OPENS

    def _open(self) -> None:
        self._pydevd.create_server_socket = lambda host, port: _OneConnection(self._inherited)
        self._pydevd.settrace(
            host="inherited",
            port=0,
            suspend=False,
            block_until_connected=False,
            wait_for_ready_to_run=False,
            patch_multiprocessing=False,
            notify_stdin=False,
            dont_trace_start_patterns=(
                OWN_DIRECTORY.rstrip(os.sep),
                str(Path(self._debugpy.__file__).parent),
                runpy.__file__,  # `python -m` of the supervisor stands below every stack
            ),
        )
        self._do_not_stay()

    def _do_not_stay(self) -> None:
        """Keep it from holding up the end of the process, by 0.7 s: the end itself tells the daemon."""
        atexit.unregister(self._pydevd.stoptrace)
        self._pydevd.get_global_debugger().check_alive_thread.do_kill_pydev_thread()

    def _is_attached(self) -> bool:
        return bool(self._debugpy.is_client_connected())

    def _stop_in(self, frame: FrameType) -> bool:
        if not self._is_attached():
            return False
        self._debugpy.breakpoint()
        return True


class _OneConnection:
    """Stands for a server socket: its one client is there already."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._is_accepted = False

    def getsockname(self) -> tuple[str, int]:
        return "inherited", 0

    def listen(self, backlog: int) -> None:
        """Nothing to do."""

    def accept(self) -> tuple[socket.socket, None]:
        if self._is_accepted:
            threading.Event().wait()  # there will be no second one
        self._is_accepted = True
        return self._connection, None

    def close(self) -> None:
        """The connection lasts as long as the process."""
