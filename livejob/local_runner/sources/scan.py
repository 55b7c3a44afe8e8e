"""The app's source on disk as a listing. Blocks: called in a thread.

A directory is listed anew when its stamp has changed, a file read anew when its own has; a stamp that is so
young that another change might not show in it counts as changed (`SETTLED_MS`). So a scan costs one stat
for each file and directory, and nothing else while nothing changes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from livejob.clock import Clock
from livejob.local_runner.sources.listing import Folder, Listing, SourceFile
from livejob.project.ignored import GIT_IGNORE, IgnoredDirectories
from livejob.runner.snapshot import pack
from livejob.runner.sources import SETTLED_MS, Stamp
from livejob.wire.limits import MIB

FILE_BYTES_MAX = 2 * MIB
"""A larger file stays on disk: it is data in the form of Python."""

TOTAL_BYTES_MAX = 64 * MIB
"""When so much is held, packed, the rest stays on disk."""

NO_TEXT = pack(b"")

WRITTEN_LOOKS = 100
WRITTEN_PAUSE_S = 0.002
"""How often, and in what pauses, to look at a file that is just being written."""

EXTENSIONS = (".so", ".pyd")
SKIPPED = frozenset({"node_modules", "site-packages", "cdk.out"})


class SourceScan:
    """Scans one source directory; one scan at a time."""

    def __init__(self, source: Path, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def full(self, before: Listing) -> Listing:
        """The source as it is; `before` saves the reading of what is the same."""
        run = _Run(str(self._source), before, self._clock.now_ms() - SETTLED_MS)
        if before.folders and run.is_gitignore_changed():
            # What is ignored is decided anew for every directory.
            run = _Run(str(self._source), Listing(before.files), self._clock.now_ms() - SETTLED_MS)
        return run.listing()

    def is_current(self, listing: Listing, used: Collection[str]) -> bool:
        """True when no directory, and none of the files `used`, has changed since `listing`.

        The cheap check of a large source. What it cannot see is a change within a file that is not used.
        """
        folders = ((path, each.stamp, each.is_settled) for path, each in listing.folders.items())
        files = ((path, listing.files[path]) for path in used if path in listing.files)
        stamps = ((path, each.stamp, each.is_settled) for path, each in files)
        return all(
            is_settled and _stamp_of(self._place(path)) == stamp
            for each in (folders, stamps)
            for path, stamp, is_settled in each
        )

    def _place(self, path: str) -> str:
        return f"{self._source}/{path}" if path else str(self._source)


class _Run:
    """One scan."""

    def __init__(self, source: str, before: Listing, settled_before_ms: int) -> None:
        self._source = source
        self._before = before
        self._settled_before_ns = settled_before_ms * 1_000_000
        self._ignored = IgnoredDirectories(Path(source))
        self._files: dict[str, SourceFile] = {}
        self._folders: dict[str, Folder] = {}
        self._left: set[str] = set()
        self._held_bytes = 0

    def is_gitignore_changed(self) -> bool:
        return any(
            folder.gitignore != _stamp_of(f"{self._place(path)}/{GIT_IGNORE}")
            for path, folder in self._before.folders.items()
            if folder.gitignore is not None
        )

    def listing(self) -> Listing:
        waiting: list[tuple[str, frozenset[int]]] = [("", frozenset())]
        while waiting:
            path, above = waiting.pop()
            folder = self._folder(path)
            if folder is None or folder.stamp.inode in above:  # gone, or a link to a directory above it
                continue
            self._folders[path] = folder
            prefix = f"{path}/" if path else ""
            for name in folder.python:
                self._take_file(prefix + name)
            self._left.update(prefix + name for name in (*folder.extensions, *folder.skipped))
            above = above | {folder.stamp.inode}
            waiting.extend((prefix + name, above) for name in folder.folders)
        return Listing(self._files, self._folders, frozenset(self._left))

    def _folder(self, path: str) -> Folder | None:
        place = self._place(path)
        stamp = _stamp_of(place)
        if stamp is None:
            return None
        known = self._before.folders.get(path)
        if known is not None and known.is_settled and known.stamp == stamp:
            return known
        try:
            with os.scandir(place) as entries:
                return self._listed(path, stamp, entries)
        except OSError:
            return None

    def _listed(self, path: str, stamp: Stamp, entries: Iterator[os.DirEntry[str]]) -> Folder:
        python: list[str] = []
        extensions: list[str] = []
        folders: list[str] = []
        skipped: list[str] = []
        gitignore = None
        prefix = f"{path}/" if path else ""
        for entry in entries:
            name = entry.name
            if name.endswith(".py"):
                python.append(name)
            elif name.endswith(EXTENSIONS):
                extensions.append(name)
            elif name == GIT_IGNORE:
                gitignore = _stamp_of(entry.path)
            elif name != "__pycache__" and entry.is_dir():
                (skipped if self._is_skipped(prefix + name, name) else folders).append(name)
        is_settled = self._is_settled(stamp)
        return Folder(
            stamp, is_settled, tuple(python), tuple(extensions), tuple(folders), tuple(skipped), gitignore
        )

    def _is_skipped(self, path: str, name: str) -> bool:
        return (
            name.startswith(".")
            or name in SKIPPED
            or Path(self._place(path), "pyvenv.cfg").exists()
            or self._ignored.matches(path)
        )

    def _take_file(self, path: str) -> None:
        place = self._place(path)
        stamp = _stamp_of(place)
        if stamp is None:
            return
        known = self._before.files.get(path)
        if known is None or not known.is_settled or known.stamp != stamp:
            known = self._read(place, stamp, known)
        if known is None or self._held_bytes + len(known.packed) > TOTAL_BYTES_MAX:
            self._left.add(path)
            return
        self._held_bytes += len(known.packed)
        self._files[path] = known

    def _read(self, place: str, stamp: Stamp, known: SourceFile | None) -> SourceFile | None:
        """None for what is no file, cannot be read or is too large: imports meet it on disk."""
        try:
            if stamp.size_bytes > FILE_BYTES_MAX or not stat.S_ISREG(os.stat(place).st_mode):  # noqa: PTH116
                return None
            had_text = known is not None and known.packed != NO_TEXT
            stamp, text = self._read_whole(place, stamp, had_text)
        except OSError:
            return None
        digest = hashlib.blake2b(text, digest_size=16).digest()
        packed = known.packed if known is not None and known.digest == digest else pack(text)
        return SourceFile(stamp, self._is_settled(stamp), digest, packed)

    def _read_whole(self, place: str, stamp: Stamp, had_text: bool) -> tuple[Stamp, bytes]:
        """The content, not one that is just being written; with the stamp from before it was read.

        A save in place first makes the file empty; who looks at that moment waits for the rest, a little: the
        file may be meant to be empty. (Its stamp tells nothing: the kernel changes the size before the time.)
        """
        text = b""
        for _ in range(WRITTEN_LOOKS):
            text = Path(place).read_bytes() or text
            after = _stamp_of(place) or stamp
            if after == stamp and (text or not had_text):
                break
            if had_text and not text:
                time.sleep(WRITTEN_PAUSE_S)
            stamp = after
        return stamp, text

    def _is_settled(self, stamp: Stamp) -> bool:
        return max(stamp.mtime_ns, stamp.ctime_ns) < self._settled_before_ns

    def _place(self, path: str) -> str:
        return f"{self._source}/{path}" if path else self._source


def _stamp_of(place: str) -> Stamp | None:
    try:
        found = os.stat(place)  # noqa: PTH116 - once for each file of the source
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
