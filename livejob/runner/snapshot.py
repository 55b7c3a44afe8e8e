"""The user's source files in memory: what a supervisor holds and every attempt keeps as it was forked.

Holds the text of the `.py` files and the names of all that an import can meet: directories and extension
modules. So an attempt that imports a module late gets what it would have got at its begin, whatever was
saved since. Everything else stays on disk and is read there: data files, extension modules, what lies in
directories that the snapshot does not cover (environments, installed packages, what git ignores), and
everything outside the root. Until it has been given a snapshot it is the disk.

Fed by `apply`, by whoever knows what has changed; knows nothing of where that comes from.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from livejob.runner.sources import DiskSources, Entry, Sources, Stamp

EntryKind = Literal["file", "directory", "left"]

IS_PACKED_FROM_BYTES = 512
"""Smaller texts do not get smaller by packing."""

_DIRECTORY = Entry(is_directory=True, stamp=Stamp(0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """One set of changes. Paths are relative to the root, with `/`.

    files:       path -> packed text (`pack`).
    directories: that are covered: what is not named in them does not exist.
    left:        files and directories that are left on disk, with all below them.
    removed:     what is gone; of a directory, each thing below it is named too.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    directories: Sequence[str] = ()
    left: Sequence[str] = ()
    removed: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.files or self.directories or self.left or self.removed)


def pack(text: bytes) -> bytes:
    """A source file's bytes as a snapshot keeps them: of thousands of files only a few are ever used."""
    if len(text) < IS_PACKED_FROM_BYTES:
        return b"=" + text
    return b"z" + zlib.compress(text, 1)


def unpack(packed: bytes) -> bytes:
    return packed[1:] if packed[:1] == b"=" else zlib.decompress(packed[1:])


class SnapshotSources:
    """`Sources` from memory, below one root."""

    def __init__(self, root: str) -> None:
        """`root`: absolute path, without a separator at its end."""
        self._root = root
        self._below_root = root + os.sep
        self._disk: Sources = DiskSources()
        self._files: dict[str, tuple[Stamp, bytes]] = {}
        self._directories: set[str] = set()
        self._left: set[str] = set()
        self._generation = 0

    def apply(self, changes: SourceChanges) -> None:
        """Take changes over. From the first call on the snapshot, not the disk, says what there is."""
        self._generation += 1
        for path in changes.removed:
            self._files.pop(path, None)
            self._directories.discard(path)
            self._left.discard(path)
        self._directories.update(changes.directories, ("",))
        self._left.update(changes.left)
        for path, packed in changes.files.items():
            # A stamp of its own for each content: no two are ever taken for the same.
            self._files[path] = (Stamp(0, len(packed), self._generation, 0), packed)

    def look(self, path: str) -> Entry | None:
        name = self._name(path)
        if name is None:
            return self._disk.look(path)
        file = self._files.get(name)
        if file is not None:
            return Entry(is_directory=False, stamp=file[0])
        if name in self._directories:
            return _DIRECTORY
        return self._disk.look(path) if self._is_left(name) else None

    def read(self, path: str) -> bytes:
        name = self._name(path)
        file = self._files.get(name) if name is not None else None
        return unpack(file[1]) if file is not None else self._disk.read(path)

    def names(self, path: str) -> list[str]:
        name = self._name(path)
        if name is None or name not in self._directories:
            return self._disk.names(path)
        prefix = f"{name}/" if name else ""
        return _directly_below(prefix, (*self._files, *self._directories, *self._left))

    def _name(self, path: str) -> str | None:
        """The path relative to the root; None for what the snapshot says nothing of."""
        if not self._generation:
            return None
        if "/." in path or "//" in path:
            path = os.path.normpath(path)
        if path == self._root:
            return ""
        if not path.startswith(self._below_root):
            return None
        return path[len(self._below_root) :].rstrip(os.sep).replace(os.sep, "/")

    def _is_left(self, name: str) -> bool:
        while name:
            if name in self._left:
                return True
            name = name.rpartition("/")[0]
        return False


def _directly_below(prefix: str, paths: Iterable[str]) -> list[str]:
    rests = (path[len(prefix) :] for path in paths if path.startswith(prefix))
    return [rest for rest in rests if rest and "/" not in rest]
