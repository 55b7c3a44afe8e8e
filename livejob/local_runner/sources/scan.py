"""The app's source on disk as a listing. Blocks: called in a thread.

`full` costs one stat for each file and directory, and nothing else while nothing changes. Of a large source
`current` asks the kernel's journal instead which files to look at.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from livejob.clock import Clock
from livejob.local_runner.sources.journal import Journal, NoJournal
from livejob.local_runner.sources.listing import Folder, Listing, SourceFile
from livejob.local_runner.sources.reading import Reader, SourceReader, stamp_of
from livejob.local_runner.sources.update import updated
from livejob.wire.limits import MIB

TOTAL_BYTES_MAX = 64 * MIB
"""When so much is held, packed, the rest stays on disk."""


class SourceScan:
    """Scans one source directory; one scan at a time. Owns the journal."""

    def __init__(self, source: Path, clock: Clock, journal: Journal | None = None) -> None:
        """`journal` None: nothing tells what has changed."""
        self._source = str(source)
        self._clock = clock
        self._journal = journal or NoJournal()

    def full(self, before: Listing) -> Listing:
        """The source as it is; `before` saves the reading of what is the same."""
        # What it has noted until here is looked at now.
        self._journal.take()
        reader = self._reader()
        folders = before.folders.items()
        if any(reader.is_gitignore_changed(path, folder) for path, folder in folders):
            # What is ignored is decided anew for every directory.
            before = Listing(before.files)
        return walked(reader, before)

    def current(self, before: Listing, used: Collection[str], *, is_exact: bool) -> Listing:
        """The source as it is, without a look at each file where the journal tells which to look at.

        Without a journal, and not `is_exact`, `before` counts as current while no directory and none of the
        files `used` has changed: what is not seen then is a change within a file that is not used.
        """
        noted = self._journal.take()
        if noted is not None:
            listing = updated(before, {*used, *noted}, self._reader(), TOTAL_BYTES_MAX)
            return listing if listing is not None else self.full(before)
        if not is_exact and self.is_current(before, used):
            return before
        return self.full(before)

    def is_current(self, listing: Listing, used: Collection[str]) -> bool:
        """True when no directory, and none of the files `used`, has changed since `listing`."""
        folders = ((path, each.stamp, each.is_settled) for path, each in listing.folders.items())
        files = ((path, listing.files[path]) for path in used if path in listing.files)
        stamps = ((path, each.stamp, each.is_settled) for path, each in files)
        place = self._reader().place
        return all(
            is_settled and stamp_of(place(path)) == stamp
            for each in (folders, stamps)
            for path, stamp, is_settled in each
        )

    def close(self) -> None:
        self._journal.close()

    def _reader(self) -> SourceReader:
        return SourceReader(self._source, self._journal, self._clock.now_ms())


def walked(reader: Reader, before: Listing) -> Listing:
    """The source as a look at every directory and file finds it."""
    return _Walk(reader, before).listing()


class _Walk:
    """One full scan."""

    def __init__(self, reader: Reader, before: Listing) -> None:
        self._reader = reader
        self._before = before
        self._files: dict[str, SourceFile] = {}
        self._folders: dict[str, Folder] = {}
        self._left: set[str] = set()
        self._restless: set[str] = set()
        self._held_bytes = 0

    def listing(self) -> Listing:
        waiting: list[tuple[str, frozenset[int]]] = [("", frozenset())]
        while waiting:
            path, above = waiting.pop()
            folder = self._reader.folder(path, self._before.folders.get(path))
            if folder is None or folder.stamp.inode in above:  # gone, or a link to a directory above it
                continue
            self._folders[path] = folder
            prefix = f"{path}/" if path else ""
            for name in folder.python:
                self._take_file(prefix + name)
            self._restless.update(prefix + name for name in folder.links)
            self._left.update(prefix + name for name in (*folder.extensions, *folder.skipped))
            above = above | {folder.stamp.inode}
            waiting.extend((prefix + name, above) for name in folder.folders)
        return Listing(
            self._files, self._folders, frozenset(self._left), frozenset(self._restless), self._held_bytes
        )

    def _take_file(self, path: str) -> None:
        file = self._reader.file(path, self._before.files.get(path))
        if file is None or self._held_bytes + len(file.packed) > TOTAL_BYTES_MAX:
            if file is not None or self._reader.is_there(path):
                self._left.add(path)
            return
        self._held_bytes += len(file.packed)
        self._files[path] = file
        if file.is_shared or not file.is_settled:
            self._restless.add(path)
