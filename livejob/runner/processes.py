"""The processes of this machine as Linux shows them under /proc: who descends from whom, and who is left.

Used by the supervisor and the build runner, to leave nothing of an attempt behind, and by the process
engine, to leave nothing of a worker behind. Where there is no /proc (macOS) it sees nothing, and only
process groups are ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_REAP_PAUSE_S = 0.001
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Looked up before any fork: a child between fork and its own code should find it loaded.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def become_subreaper() -> None:
    """From here on, orphans among this process's descendants become its children. Linux only.

    Source: prctl(2), PR_SET_CHILD_SUBREAPER. PID 1 of a PID namespace is one already.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even by SIGKILL. Linux only.

    parent: whose child this process believes to be; ends at once if that one has gone already.
    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if _LIBC is not None and os.getppid() != parent:
        os._exit(1)


def descendants(ancestor: int) -> list[int]:
    """Pids of all processes that descend from `ancestor`, zombies not among them."""
    children = defaultdict(list)
    for pid, parent, state in _table():
        children[parent].append((pid, state))
    found: list[int] = []
    unseen = [ancestor]
    while unseen:
        for pid, state in children[unseen.pop()]:
            unseen.append(pid)
            if state not in "ZX":
                found.append(pid)
    return found


def with_environment(name: str) -> Iterator[tuple[int, str]]:
    """Each process that was started with variable `name`, and its value; those of other users not."""
    prefix = os.fsencode(name) + b"="
    for pid in _pids():
        with suppress(OSError):  # it has ended meanwhile, or belongs to somebody else
            for entry in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                if entry.startswith(prefix):
                    yield pid, os.fsdecode(entry[len(prefix) :])


def end_children(patience_s: float = 2.0, kept: int | None = None) -> list[str]:
    """Kill whatever still descends from this process and reap it; names of what was still alive.

    kept: a child that stays; it has none of its own.

    Gives up after `patience_s`: a process that hangs in the kernel can be waited for, not ended.
    """
    names: dict[int, str] = {}
    give_up_s = time.monotonic() + patience_s
    while time.monotonic() < give_up_s:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            alive = [each for each in descendants(os.getpid()) if each != kept]
            if kept is not None and not alive:
                break
            names.update({each: _name(each) for each in alive if each not in names})
            _kill_all(alive, is_sparing=kept is not None)
            time.sleep(_REAP_PAUSE_S)
    return list(names.values())


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Send a signal to one process; False when it has gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def kill_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to the process group of `leader`. No error when it has gone, or is not yet one."""
    with suppress(ProcessLookupError):
        os.killpg(leader, number)


def _kill_all(alive: list[int], *, is_sparing: bool) -> None:
    """The descendants of this process; with `is_sparing`, no others than `alive`."""
    if os.getpid() == 1 and not is_sparing:
        # All but the caller, in one step that no fork can outrun. Source: kill(2).
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    for pid in alive:
        kill(pid)


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:  # it has ended meanwhile
        return "?"


def _prctl(option: int, value: int) -> None:
    if _LIBC is not None and _LIBC.prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}, {value}): {os.strerror(error)}")


def _pids() -> list[int]:
    if not _PROC.is_dir():
        return []
    return [int(each.name) for each in _PROC.iterdir() if each.name.isdigit()]


def _table() -> Iterator[tuple[int, int, str]]:
    """(pid, parent, state) of each process. Source: proc(5), /proc/pid/stat."""
    for pid in _pids():
        with suppress(OSError):  # it has ended meanwhile
            # The second field, the name in parentheses, may itself hold parentheses and spaces.
            after_name = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
            yield pid, int(after_name[1]), after_name[0].decode()
