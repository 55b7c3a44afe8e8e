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
    """

    stamp: Stamp
    is_settled: bool
    digest: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found in one directory. Names only, so it holds for as long as the directory's stamp.

    python:     `.py` files; a link that leads nowhere is among them.
    extensions: extension modules.
    folders:    directories to look into.
    skipped:    directories that are not looked into: they stay on disk.
    gitignore:  stamp of its .gitignore; None where it has none.
    """

    stamp: Stamp
    is_settled: bool
    python: tuple[str, ...]
    extensions: tuple[str, ...]
    folders: tuple[str, ...]
    skipped: tuple[str, ...]
    gitignore: Stamp | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All paths are relative to the source, with `/`; the source itself is ""."""

    files: Mapping[str, SourceFile] = field(default_factory=dict)
    folders: Mapping[str, Folder] = field(default_factory=dict)
    left: frozenset[str] = frozenset()

    def changed_since(self, before: Listing) -> list[str]:
        """Files whose content differs, that are new, or that are gone; sorted."""
        changed = [path for path, file in self.files.items() if _differs(before.files.get(path), file)]
        return sorted([*changed, *(path for path in before.files if path not in self.files)])


NOTHING = Listing()


def changes_between(before: Listing, after: Listing) -> SourceChanges:
    """What a worker that has `before` must be told to have `after`."""
    changed = {
        path: file.packed for path, file in after.files.items() if _differs(before.files.get(path), file)
    }
    gone = [
        *(path for path in before.files if path not in after.files),
        *(path for path in before.folders if path not in after.folders),
        *(path for path in before.left if path not in after.left),
    ]
    return SourceChanges(
        files=changed,
        directories=[path for path in after.folders if path not in before.folders],
        left=sorted(after.left - before.left),
        removed=sorted(gone),
    )


def _differs(before: SourceFile | None, after: SourceFile) -> bool:
    return before is not after and (before is None or before.digest != after.digest)
