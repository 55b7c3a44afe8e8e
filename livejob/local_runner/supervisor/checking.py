"""The import of a handler on trial: what a save has broken is known before a run meets it.

The import is the same as an attempt's, with the job's environment and its credentials, in a process that is
thrown away. What it does to the outside it does; so it is made once for a save, never waits for anything, and
gives way to attempts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livejob.local_runner.supervisor.aside import Aside, scratch_file
from livejob.runner.handler import HandlerUnusable, load_handler
from livejob.runner.importing import Preloaded, add_root, forget_shadowed
from livejob.runner.sources import CodeCache
from livejob.runner.traces import failure_of
from livejob.wire.framing import FrameError, FrameReader, encode_frame
from livejob.wire.limits import KIB
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.worker import CheckImport, ImportChecked

CHECK_S = 15.0
"""An import that takes longer is nothing to wait for; nothing is said of it."""

OUTPUT_BYTES = 16 * KIB


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What the process needs to know; see `ChildPlan`."""

    handler: str
    root: str
    environment: Mapping[str, str]
    code: CodeCache
    preloaded: Preloaded


class ImportCheck:
    """At most one at a time; a newer one takes the place of an older."""

    def __init__(self, aside: Aside, tell: Callable[[ImportChecked], None]) -> None:
        self._aside = aside
        self._tell = tell
        self._handler = ""

    def begin(self, message: CheckImport, plan: CheckPlan) -> None:
        self.give_way()
        self._aside.break_off()
        self._handler = message.handler
        self._aside.begin(lambda fd: _check(plan, fd), self._finished, CHECK_S)

    def give_way(self) -> None:
        """End what goes on: an attempt needs the worker."""
        if self._handler:
            self._aside.break_off()
            self._end({}, is_whole=False)

    def _finished(self, data: bytes) -> None:
        try:
            (head, output), *_ = FrameReader().feed(data)
            failure = head["failure"]
        except (FrameError, KeyError, ValueError):  # it has ended its process, or took too long
            self._end({}, is_whole=False)
            return
        self._end(failure if isinstance(failure, dict) else {}, is_whole=True, output=output)

    def _end(self, failure: dict[str, str], *, is_whole: bool, output: bytes = b"") -> None:
        handler, self._handler = self._handler, ""
        self._tell(ImportChecked(handler, failure, is_whole, output))


def _check(plan: CheckPlan, fd: int) -> None:
    output = scratch_file()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(plan.environment)
    os.chdir(plan.root)
    sys.argv = [plan.handler]
    add_root(plan.root)
    forget_shadowed(plan.preloaded, plan.root, plan.code)
    failure: Failure | None = None
    try:
        load_handler(plan.handler, plan.root, plan.code.sources)
    except HandlerUnusable as error:
        failure = error.failure
    except BaseException as error:  # noqa: BLE001 - whatever an import raises is what this is to find
        failure = failure_of(error, FailureType.HANDLER_IMPORT_FAILED).clipped()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    size_bytes = os.fstat(output).st_size
    tail = os.pread(output, OUTPUT_BYTES, max(0, size_bytes - OUTPUT_BYTES))
    data = memoryview(encode_frame({"failure": failure.to_json() if failure is not None else {}}, tail))
    while data:
        data = data[os.write(fd, data) :]
