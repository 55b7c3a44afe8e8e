"""Where the user's source files come from, and the code objects made of them.

`Sources` is the seam: the files on disk, or a snapshot in memory that a running attempt keeps
(`livejob.runner.snapshot`).
`CodeCache` compiles each file once for as long as it stays the same; a supervisor fills it before it
forks, so that its children execute what is compiled already. It never reads or writes a `.pyc` file:
those are matched by whole seconds and size, so two quick edits of one length run the older code.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import decode_source
from io import StringIO
from pathlib import Path
from types import CodeType
from typing import NamedTuple, Protocol

from livejob.clock import Clock

SETTLED_MS = 50
"""A file changed less than so long ago may change again without a change of its stamp.

Kernels stamp files with the time of their last tick (4 ms, up to 10), so two writes of one length within
a tick look the same. Git calls such a file "racily clean". Code of it is used, but not kept.
"""


class Stamp(NamedTuple):
    """What tells one content of a file from another without reading it."""

    mtime_ns: int
    size_bytes: int
    inode: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies at a path."""

    is_directory: bool
    stamp: Stamp


class Sources(Protocol):
    """The tree of the user's source files. Paths are absolute, as they stand in tracebacks."""

    def look(self, path: str) -> Entry | None:
        """What lies at `path`, None when nothing does or it is neither file nor directory."""
        ...

    def read(self, path: str) -> bytes:
        """Content of the file.

        Raises:
            OSError: it cannot be read.
        """
        ...

    def names(self, path: str) -> list[str]:
        """Names of what lies in the directory, in no order; none when there is no such directory."""
        ...


class DiskSources:
    """The files as they lie on disk."""

    def look(self, path: str) -> Entry | None:
        try:
            found = os.stat(path)  # noqa: PTH116 - some thousand times per attempt
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return None
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            return None
        stamp = Stamp(found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
        return Entry(stat.S_ISDIR(found.st_mode), stamp)

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def names(self, path: str) -> list[str]:
        try:
            return os.listdir(path)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return []


@dataclass(frozen=True, slots=True)
class Compiled:
    """The code of one file and the lines it was made from (for tracebacks and `inspect`)."""

    code: CodeType
    lines: list[str]
    size_bytes: int


class CodeCache:
    """Code objects of source files, by path and stamp."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self.sources = sources
        self._clock = clock
        self._kept: dict[str, tuple[Stamp, Compiled]] = {}
        self._used: dict[str, None] = {}

    @property
    def used(self) -> list[str]:
        """Paths of the files whose code was asked for, in that order."""
        return list(self._used)

    def compiled(self, path: str) -> Compiled:
        """The code of the file as it is now.

        Raises:
            OSError: it cannot be read.
            SyntaxError, ValueError: it cannot be compiled.
        """
        self._used[path] = None
        return self._compiled(path)

    def warm(self, paths: Iterable[str]) -> None:
        """Compile ahead what has changed among `paths`. What cannot be compiled is left to its import."""
        for path in paths:
            try:
                self._compiled(path)
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                # The import in the attempt meets the same, and tells the user there.
                continue

    def _compiled(self, path: str) -> Compiled:
        entry = self.sources.look(path)
        kept = self._kept.get(path)
        if entry is not None and kept is not None and kept[0] == entry.stamp:
            return kept[1]
        self._kept.pop(path, None)
        # Stamped before it is read: a write in between leaves an old stamp, which the next look sees.
        compiled = _compile(self.sources.read(path), path)
        if entry is not None and self._is_settled(entry.stamp):
            self._kept[path] = (entry.stamp, compiled)
        return compiled

    def _is_settled(self, stamp: Stamp) -> bool:
        changed_ms = max(stamp.mtime_ns, stamp.ctime_ns) // 1_000_000
        return self._clock.now_ms() - changed_ms > SETTLED_MS


def _compile(source: bytes, path: str) -> Compiled:
    # dont_inherit: the annotations import of this module is none of the user's code.
    code = compile(source, path, "exec", dont_inherit=True)
    return Compiled(code, _lines(source), len(source))


def _lines(source: bytes) -> list[str]:
    """As linecache has them: ended by newlines alone (`splitlines` knows ten more), the last one too."""
    text = decode_source(source)
    return StringIO(text if text.endswith("\n") else f"{text}\n").readlines()
