"""One directory and one file of the source on disk, as a listing has them. Blocks: called in a thread."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from livejob.local_runner.sources.journal import Journal
from livejob.local_runner.sources.listing import Folder, SourceFile
from livejob.project.ignored import GIT_IGNORE, IgnoredDirectories
from livejob.runner.snapshot import pack
from livejob.runner.sources import SETTLED_MS, Stamp
from livejob.wire.limits import MIB

FILE_BYTES_MAX = 2 * MIB
"""A larger file stays on disk: it is data in the form of Python."""

NO_TEXT = pack(b"")

WRITTEN_LOOKS = 100
WRITTEN_PAUSE_S = 0.002
"""How often, and in what pauses, to look at a file that is just being written."""

EXTENSIONS = (".so", ".pyd")
SKIPPED = frozenset({"node_modules", "site-packages", "cdk.out"})


class Reader(Protocol):
    """The disk as one scan sees it. Paths are relative to the source, with `/`."""

    def folder(self, path: str, known: Folder | None) -> Folder | None:
        """The directory as it is, `known` itself when it is the same; None when there is none."""
        ...

    def file(self, path: str, known: SourceFile | None) -> SourceFile | None:
        """The file as it is, `known` itself when it is the same.

        None for what is no file, cannot be read or is too large: imports meet it on disk.
        """
        ...

    def is_there(self, path: str) -> bool:
        """True for anything that lies there."""
        ...

    def is_gitignore_changed(self, path: str, folder: Folder) -> bool:
        """True when the .gitignore of a directory that had one has changed."""
        ...


class SourceReader:
    """Reads for one scan: what it calls settled is so at the scan's begin.

    A directory is listed anew when its stamp has changed, a file read anew when its own has; a stamp that is
    so young that another change might not show in it counts as changed (`SETTLED_MS`).
    """

    def __init__(self, source: str, journal: Journal, now_ms: int) -> None:
        self._source = source
        self._journal = journal
        self._settled_before_ns = (now_ms - SETTLED_MS) * 1_000_000
        self._ignored = IgnoredDirectories(Path(source))

    def place(self, path: str) -> str:
        return f"{self._source}/{path}" if path else self._source

    def folder(self, path: str, known: Folder | None) -> Folder | None:
        place = self.place(path)
        stamp = stamp_of(place)
        if stamp is None:
            return None
        if known is not None and known.is_settled and known.stamp == stamp:
            return known
        # Before it is listed: what changes from here on is noted.
        self._journal.watch(path, place)
        try:
            with os.scandir(place) as entries:
                return self._listed(path, stamp, entries)
        except OSError:
            return None

    def file(self, path: str, known: SourceFile | None) -> SourceFile | None:
        place = self.place(path)
        stamp = stamp_of(place)
        if stamp is None or (known is not None and known.is_settled and known.stamp == stamp):
            return known if stamp is not None else None
        return self._read(place, stamp, known)

    def is_there(self, path: str) -> bool:
        return stamp_of(self.place(path)) is not None

    def is_gitignore_changed(self, path: str, folder: Folder) -> bool:
        return folder.gitignore is not None and folder.gitignore != stamp_of(
            f"{self.place(path)}/{GIT_IGNORE}"
        )

    def _listed(self, path: str, stamp: Stamp, entries: Iterator[os.DirEntry[str]]) -> Folder:
        python: list[str] = []
        links: list[str] = []
        extensions: list[str] = []
        folders: list[str] = []
        skipped: list[str] = []
        gitignore = None
        prefix = f"{path}/" if path else ""
        for entry in entries:
            name = entry.name
            if name.endswith(".py"):
                python.append(name)
                if entry.is_symlink():
                    links.append(name)
            elif name.endswith(EXTENSIONS):
                extensions.append(name)
            elif name == GIT_IGNORE:
                gitignore = stamp_of(entry.path)
            elif name != "__pycache__" and entry.is_dir():
                (skipped if self._is_skipped(prefix + name, name) else folders).append(name)
        return Folder(
            stamp,
            self._is_settled(stamp),
            python=tuple(sorted(python)),
            links=tuple(sorted(links)),
            extensions=tuple(sorted(extensions)),
            folders=tuple(sorted(folders)),
            skipped=tuple(sorted(skipped)),
            gitignore=gitignore,
        )

    def _is_skipped(self, path: str, name: str) -> bool:
        return (
            name.startswith(".")
            or name in SKIPPED
            or Path(self.place(path), "pyvenv.cfg").exists()
            or self._ignored.matches(path)
        )

    def _read(self, place: str, stamp: Stamp, known: SourceFile | None) -> SourceFile | None:
        try:
            found = os.stat(place)  # noqa: PTH116
            if stamp.size_bytes > FILE_BYTES_MAX or not stat.S_ISREG(found.st_mode):
                return None
            had_text = known is not None and known.packed != NO_TEXT
            stamp, text = self._read_whole(place, stamp, had_text)
        except OSError:
            return None
        digest = hashlib.blake2b(text, digest_size=16).digest()
        packed = known.packed if known is not None and known.digest == digest else pack(text)
        return SourceFile(stamp, self._is_settled(stamp), digest, packed, is_shared=found.st_nlink > 1)

    def _read_whole(self, place: str, stamp: Stamp, had_text: bool) -> tuple[Stamp, bytes]:
        """The content, not one that is just being written; with the stamp from before it was read.

        A save in place first makes the file empty; who looks at that moment waits for the rest, a little: the
        file may be meant to be empty. (Its stamp tells nothing: the kernel changes the size before the time.)
        """
        text = b""
        for _ in range(WRITTEN_LOOKS):
            text = Path(place).read_bytes() or text
            after = stamp_of(place) or stamp
            if after == stamp and (text or not had_text):
                break
            if had_text and not text:
                time.sleep(WRITTEN_PAUSE_S)
            stamp = after
        return stamp, text

    def _is_settled(self, stamp: Stamp) -> bool:
        return max(stamp.mtime_ns, stamp.ctime_ns) < self._settled_before_ns


def stamp_of(place: str) -> Stamp | None:
    """None when nothing lies there."""
    try:
        found = os.stat(place)  # noqa: PTH116 - once for each file of the source
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
