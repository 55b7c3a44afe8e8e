"""The fork, and what children inherit by it.

Whatever this process has imported and compiled, its children have at once. That is the standard library
(with asyncio), this package, and the code objects of the user's sources that earlier attempts have used;
never the user's modules themselves: each attempt imports its own.

Third-party modules that a job needs can be imported ahead in `settle`, before the first fork: this is the
place for it, because nothing has been forked yet and the garbage collector has not yet been told to leave
everything alone.
"""

from __future__ import annotations

import gc
import os
import signal
import traceback
from collections.abc import Callable, Iterable
from typing import NoReturn

from livejob.local_runner.supervisor.source_inbox import SourceInbox
from livejob.runner.sources import CodeCache
from livejob.wire.worker import SourcesChanged

CRASHED = 70
"""Exit code of a child that this package itself has failed (EX_SOFTWARE of sysexits.h)."""


class Zygote:
    """Forks children that execute what is compiled already. Single-threaded, as is its owner."""

    def __init__(self, code: CodeCache, inbox: SourceInbox) -> None:
        self.code = code
        self._inbox = inbox
        self._known: dict[str, None] = {}
        self._unwarmed: list[str] = []

    def settle(self) -> None:
        """Let the memory that children will share stay as it is.

        A collector that runs in a child would touch every object that it inherits, and so copy it all.
        """
        gc.collect()
        gc.freeze()

    def take_sources(self, message: SourcesChanged) -> None:
        """Have the children that are forked from here on see changed sources."""
        if self._inbox.take(message):
            self._unwarmed = list(self._known)

    def learn(self, paths: Iterable[str]) -> list[str]:
        """Remember source files that an attempt has used, to have them compiled for the next one.

        Gives those that are new.
        """
        fresh = [path for path in paths if path not in self._known]
        self._known.update(dict.fromkeys(fresh))
        self._unwarmed = list(self._known)
        return fresh

    @property
    def has_work(self) -> bool:
        """True while there are files to compile ahead."""
        return bool(self._unwarmed)

    def work(self) -> None:
        """Compile one file ahead: a small step, to be taken while there is nothing else to do."""
        if self._unwarmed:
            self.code.warm([self._unwarmed.pop(0)])

    def fork(self, child: Callable[[], int]) -> int:
        """Fork; `child` runs in the child, which ends with the exit code that it returns. Gives its pid.

        All signals are blocked in the child until it lets them through: those that arrive before it has
        handlers of its own must not meet its parent's.

        Raises:
            OSError: no memory or no process to be had.
        """
        # What has changed since is compiled here and now: the child needs it anyway.
        self.code.warm(self._known)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                _end_with(child)
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(child: Callable[[], int]) -> NoReturn:
    # The stack of the parent lies above: nothing may be raised into it, nothing of it run.
    code = CRASHED
    try:
        code = child()
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        traceback.print_exc()
    finally:
        os._exit(code)
