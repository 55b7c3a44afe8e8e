"""The kernel's own notes of which files have changed: complete at any moment, and read without waiting.

A write is noted before it returns to its writer, so whoever asks after a save finds it. On Linux that is
inotify, on file systems of this machine: of one that others write to as well (a network's, that of a virtual
machine's host) the kernel hears only what happens here. It hears nothing either of a change through another
name of a file (a link) in a directory that is not watched.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Protocol

# Source: inotify(7), <sys/inotify.h>.
_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x40, 0x80, 0x100, 0x200
_IN_ONLYDIR = 0x01000000
_IN_Q_OVERFLOW, _IN_UNMOUNT = 0x4000, 0x2000
_MASK = (
    _IN_MODIFY
    | _IN_ATTRIB
    | _IN_CLOSE_WRITE
    | _IN_MOVED_FROM
    | _IN_MOVED_TO
    | _IN_CREATE
    | _IN_DELETE
    | _IN_ONLYDIR
)
_EVENT = struct.Struct("iIII")
_READ_BYTES = 64 * 1024

_MOUNTS = Path("/proc/self/mountinfo")
_LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "jfs"}
    | {"tmpfs", "ramfs", "overlay", "vfat", "exfat", "ntfs3"}
)
"""File systems that only this machine's kernel writes to."""


class Journal(Protocol):
    """Of the directories that it was told to watch. One thread at a time."""

    def watch(self, path: str, place: str) -> None:
        """Note what happens in the directory `place`, which is `path` in the source. Again: no error."""
        ...

    def take(self) -> frozenset[str] | None:
        """Python files, relative to the source, that may have changed since the last call; perhaps more.

        None when it cannot tell: anything may have changed.
        """
        ...

    def close(self) -> None: ...


class NoJournal:
    """Where nobody takes notes."""

    def watch(self, path: str, place: str) -> None:
        """Nothing is noted."""

    def take(self) -> frozenset[str] | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


class InotifyJournal:
    """One inotify instance. Cannot tell any more once a directory could not be watched."""

    def __init__(self, fd: int, libc: ctypes.CDLL) -> None:
        """`fd`: of inotify_init1, not blocking; owned from here on."""
        self._fd = fd
        self._libc = libc
        self._paths: defaultdict[int, set[str]] = defaultdict(set)
        self._is_local: dict[int, bool] = {}
        self._is_blind = False

    def watch(self, path: str, place: str) -> None:
        if self._is_blind:
            return
        watch = self._libc.inotify_add_watch(self._fd, os.fsencode(place), _MASK)
        if watch < 0:
            # It has just gone, or there may be no more watches (fs.inotify.max_user_watches).
            self._is_blind = Path(place).is_dir()
        elif self._is_on_this_machine(place):
            self._paths[watch].add(path)
        else:
            self._is_blind = True

    def take(self) -> frozenset[str] | None:
        changed: set[str] = set()
        is_whole = True
        while data := self._read():
            is_whole = self._note(data, changed) and is_whole
        return frozenset(changed) if is_whole and not self._is_blind else None

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return b""

    def _note(self, data: bytes, changed: set[str]) -> bool:
        """Add the files of whole events to `changed`; False when events were lost."""
        at, is_whole = 0, True
        while at < len(data):
            watch, mask, _, name_bytes = _EVENT.unpack_from(data, at)
            at += _EVENT.size + name_bytes
            is_whole = is_whole and not mask & (_IN_Q_OVERFLOW | _IN_UNMOUNT)
            name = os.fsdecode(data[at - name_bytes : at].rstrip(b"\0"))
            if name.endswith(".py"):
                changed.update(f"{path}/{name}" if path else name for path in self._paths.get(watch, ()))
        return is_whole

    def _is_on_this_machine(self, place: str) -> bool:
        device = Path(place).stat().st_dev
        if device not in self._is_local:
            self._is_local[device] = file_system_of(Path(place)) in _LOCAL
        return self._is_local[device]


def open_journal() -> Journal:
    """A journal where the system has one."""
    if sys.platform != "linux":
        return NoJournal()
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    # A limit of the system is reached (fs.inotify.max_user_instances).
    return InotifyJournal(fd, libc) if fd >= 0 else NoJournal()


def file_system_of(place: Path, mounts: Path = _MOUNTS) -> str:
    """Type of the file system that holds `place`; "" when it is not known. Source: proc(5), mountinfo."""
    resolved = place.resolve()
    found, depth = "", -1
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split()[4]))
        # The last one counts: it lies over earlier ones at the same place.
        if resolved.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = after.split()[0], len(point.parts)
    return found


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
