"""A listing brought up to date by a look at those places alone where something may have changed."""

from __future__ import annotations

from collections.abc import Iterable

from livejob.local_runner.sources.listing import Folder, Listing, SourceFile
from livejob.local_runner.sources.reading import Reader


def updated(before: Listing, suspects: Iterable[str], reader: Reader, total_bytes_max: int) -> Listing | None:
    """The source as it is, if besides `suspects` no file has changed in place; `before` when it is the same.

    suspects: paths of files; those that are not of the source do not count.

    A look at each directory finds what is new, renamed and gone. None when directories themselves have come
    or gone, or what is ignored, or it is too much to hold: then a full scan has to tell.
    """
    update = _Update(before, reader)
    for path, folder in before.folders.items():
        now = reader.folder(path, folder)
        if now is None or reader.is_gitignore_changed(path, folder) or _is_rebuilt(folder, now):
            return None
        if now is not folder:
            update.take_folder(path, folder, now)
    for path in {*suspects, *before.restless}:
        update.take_file(path)
    return update.listing(total_bytes_max)


def _is_rebuilt(before: Folder, now: Folder) -> bool:
    """True when the tree below it is another one."""
    return (before.stamp.inode, before.folders, before.skipped, before.gitignore) != (
        now.stamp.inode,
        now.folders,
        now.skipped,
        now.gitignore,
    )


class _Update:
    """What differs, piece by piece."""

    def __init__(self, before: Listing, reader: Reader) -> None:
        self._before = before
        self._reader = reader
        self._folders: dict[str, Folder] = {}
        self._files: dict[str, SourceFile | None] = {}
        self._left: dict[str, bool] = {}

    def take_folder(self, path: str, before: Folder, now: Folder) -> None:
        """A directory that has changed: all its files are looked at."""
        self._folders[path] = now
        prefix = f"{path}/" if path else ""
        self._left.update((prefix + name, False) for name in before.extensions)
        self._left.update((prefix + name, True) for name in now.extensions)
        for name in {*before.python, *now.python}:
            self.take_file(prefix + name)

    def take_file(self, path: str) -> None:
        if path in self._files:
            return
        folder, _, name = path.rpartition("/")
        of_source = self._folders.get(folder) or self._before.folders.get(folder)
        known = self._before.files.get(path)
        if of_source is None or (name not in of_source.python and known is None):
            return
        # The directory decides what there is: where case does not count, the disk has it by its old name too.
        is_named = name in of_source.python
        self._files[path] = file = self._reader.file(path, known) if is_named else None
        self._left[path] = is_named and file is None and self._reader.is_there(path)

    def listing(self, total_bytes_max: int) -> Listing | None:
        """None when there is too much to hold."""
        before = self._before
        looked_at = self._files.items()
        touched = {path: file for path, file in looked_at if file is not before.files.get(path)}
        left = {path for path, is_left in self._left.items() if is_left}
        left_before = before.left.intersection(self._left)
        if not touched and not self._folders and left == left_before:
            return before
        files = dict(before.files)
        held_bytes = before.held_bytes
        for path, file in touched.items():
            was = files.pop(path, None)
            held_bytes -= len(was.packed) if was is not None else 0
            if file is not None:
                files[path] = file
                held_bytes += len(file.packed)
        if held_bytes > total_bytes_max:
            return None
        return Listing(
            files,
            {**before.folders, **self._folders},
            (before.left - left_before) | left,
            self._restless(),
            held_bytes,
        )

    def _restless(self) -> frozenset[str]:
        """All that was restless was looked at, so what is so now is among what was looked at."""
        files = ((path, file) for path, file in self._files.items() if file is not None)
        found = {path for path, file in files if file.is_shared or not file.is_settled}
        for path in self._files.keys() | self._before.restless:
            folder, _, name = path.rpartition("/")
            of_source = self._folders.get(folder) or self._before.folders.get(folder)
            if of_source is not None and name in of_source.links:
                found.add(path)
        return frozenset(found)
