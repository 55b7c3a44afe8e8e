"""What the app's source holds at one moment, and the difference of two moments. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from livejob.runner.snapshot import SourceChanges
from livejob.runner.sources import Stamp


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One `.py` file.

    digest:     of its content.
    packed:     its content, see `livejob.runner.snapshot.pack`.
    is_settled: its stamp was old when it was read: while that stays the same, so does the content.
    is_shared:  it has another name, through which it may change without a note of that here.
    """

    stamp: Stamp
    is_settled: bool
    digest: bytes
    packed: bytes
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found in one directory. Names only, so it holds for as long as the directory's stamp.

    All names are sorted.

    python:     `.py` files; a link that leads nowhere is among them.
    links:      which of them are links.
    extensions: extension modules.
    folders:    directories to look into.
    skipped:    directories that are not looked into: they stay on disk.
    gitignore:  stamp of its .gitignore; None where it has none.
    """

    stamp: Stamp
    is_settled: bool
    python: tuple[str, ...]
    links: tuple[str, ...]
    extensions: tuple[str, ...]
    folders: tuple[str, ...]
    skipped: tuple[str, ...]
    gitignore: Stamp | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All paths are relative to the source, with `/`; the source itself is "".

    restless:   paths that are looked at anew each time: what is not settled, and what may change unnoted.
    held_bytes: of all `files`, packed.
    """

    files: Mapping[str, SourceFile] = field(default_factory=dict)
    folders: Mapping[str, Folder] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    restless: frozenset[str] = frozenset()
    held_bytes: int = 0

    def changed_since(self, before: Listing) -> list[str]:
        """Files whose content differs, that are new, or that are gone; sorted."""
        return sorted([*_changed(before, self), *(before.files.keys() - self.files.keys())])


NOTHING = Listing()


def changes_between(before: Listing, after: Listing) -> SourceChanges:
    """What a worker that has `before` must be told to have `after`."""
    gone = [
        *(before.files.keys() - after.files.keys()),
        *(before.folders.keys() - after.folders.keys()),
        *(before.left - after.left),
    ]
    return SourceChanges(
        files={path: after.files[path].packed for path in _changed(before, after)},
        directories=[path for path in after.folders if path not in before.folders],
        left=sorted(after.left - before.left),
        removed=sorted(gone),
    )


def _changed(before: Listing, after: Listing) -> list[str]:
    """Files of `after` that are new or whose content differs."""
    known = before.files.get
    # The comparison of objects first: of thousands of files a few have changed.
    touched = [path for path, file in after.files.items() if known(path) is not file]
    return [path for path in touched if _digest(known(path)) != after.files[path].digest]


def _digest(file: SourceFile | None) -> bytes | None:
    return file.digest if file is not None else None
