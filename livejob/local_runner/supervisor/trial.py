"""Imports modules in a process that is thrown away, to see whether they may be imported before a fork.

What an import leaves behind in a process is inherited by every fork of it: threads that are not there any
more, sockets shared with strangers, one "random" number for all. A module that leaves such things is found
here and never imported ahead; so is one that prints, takes signals, or reads the clock.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from livejob.local_runner.supervisor.aside import scratch_file

STDLIB_GENERATORS = frozenset({"random", "secrets", "uuid", "tempfile"})
RESEEDED = frozenset({"numpy"})
"""Their global generators get a new seed in each child."""

HARMLESS_FILES = frozenset({"/dev/null", "/dev/urandom"})

NEVER = frozenset({"grpc"})
"""Packages whose own documentation forbids a fork after their import."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of a trial.

    good:     modules whose import was executed and left nothing, in order.
    excluded: module -> why it must not be imported ahead.
    is_whole: nothing had to be broken off: `good` may be used.
    """

    good: tuple[str, ...]
    excluded: Mapping[str, str]
    is_whole: bool

    @classmethod
    def decode(cls, data: bytes) -> Verdicts:
        """What `try_imports` has written; of one that did not come to its end, what it was at is excluded."""
        good: list[str] = []
        excluded: dict[str, str] = {}
        begun = ""
        is_whole = False
        for line in data.decode(errors="replace").splitlines():
            entry = json.loads(line)
            match entry:
                case {"begun": str(name)}:
                    begun = name
                case {"ended": str(name), "reason": str(reason)}:
                    begun = ""
                    if reason:
                        excluded[name] = reason
                    else:
                        good.append(name)
                case _:
                    is_whole = True
        if begun:
            excluded[begun] = "does not come to its end"
        return cls(tuple(good), excluded, is_whole)


def try_imports(names: Iterable[str], excluded: Collection[str], write: Callable[[bytes], object]) -> None:
    """Import one after the other and write what was seen, a line of JSON each.

    Ends after a module that has left something: what comes after it could not be told from it.
    """
    signs = _Signs()
    for name in names:
        if name in sys.modules or is_excluded(name, excluded):
            continue
        write(_line(begun=name))
        reason, is_spoilt = _try_import(name, signs)
        write(_line(ended=name, reason=reason))
        if is_spoilt:
            return
    write(_line(whole=True))


def is_excluded(name: str, excluded: Collection[str]) -> bool:
    """True for an excluded module and for what lies below one."""
    parts = name.split(".")
    return parts[0] in NEVER or any(".".join(parts[:end]) in excluded for end in range(1, len(parts) + 1))


def _try_import(name: str, signs: _Signs) -> tuple[str, bool]:
    before = set(sys.modules)
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is not imported ahead
        return f"cannot be imported by itself: {type(error).__name__}: {error}", bool(signs.new(before))
    seen = signs.new(before)
    return seen, bool(seen)


class _Signs:
    """What imports leave in this process, looked at after each. Spoils the process: for a trial only."""

    def __init__(self) -> None:
        self._output = scratch_file()
        os.dup2(self._output, 1)
        os.dup2(self._output, 2)
        self._reads: list[str] = []
        self._watch(os, "urandom", "randomness")
        self._watch(random, "_urandom", "randomness")
        for name in ("time", "time_ns", "monotonic"):
            self._watch(time, name, "the clock")
        self._files = _open_files()
        self._signals = _signals()

    def new(self, modules_before: Collection[str]) -> str:
        """What is there now and was not before, in words; "" for nothing."""
        seen = list(dict.fromkeys(self._reads))
        if thread_count_after_fork() > 1:
            seen.append("starts threads")
        if _open_files() - self._files:
            seen.append("opens sockets or files")
        if _signals() != self._signals:
            seen.append("takes signals")
        if _flushed_size(self._output):
            seen.append("prints")
        if _has_generator(modules_before):
            seen.append("makes a random generator")
        return ", ".join(seen)

    def _watch(self, module: object, name: str, what: str) -> None:
        original = getattr(module, name)

        def watched(*arguments: object) -> object:
            if _is_read_by_a_package(sys._getframe(1)):
                self._reads.append(f"reads {what}")
            return original(*arguments)

        setattr(module, name, watched)


def thread_count_after_fork() -> int:
    """Threads of this process once a fork has been: some libraries end theirs before it, as they should."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names are all that is wanted
    except FileNotFoundError:
        # No /proc (macOS): only Python's own threads can be seen.
        return len(sys._current_frames())


def _is_read_by_a_package(frame: FrameType | None) -> bool:
    while frame is not None and _top(frame) in STDLIB_GENERATORS:
        frame = frame.f_back
    return frame is not None and _top(frame) not in sys.stdlib_module_names | RESEEDED


def _top(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _has_generator(modules_before: Collection[str]) -> bool:
    for name, module in list(sys.modules.items()):
        if name in modules_before or name == "random":
            continue
        for value in list(getattr(module, "__dict__", {}).values()):
            if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
                return True
    return False


def _open_files() -> set[tuple[str, str]]:
    found = set()
    for each in ("/proc/self/fd", "/dev/fd"):
        if not Path(each).exists():
            continue
        for name in os.listdir(each):  # noqa: PTH208 - names are all that is wanted
            try:
                target = os.readlink(f"{each}/{name}")  # noqa: PTH115
            except OSError:  # the descriptor of the listing itself
                continue
            if target not in HARMLESS_FILES:
                found.add((name, target))
        break
    return found


def _signals() -> list[object]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


def _flushed_size(fd: int) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return os.fstat(fd).st_size


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"
