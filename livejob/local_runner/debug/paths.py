"""The same file here and in a worker.

The daemon knows where everything of a worker lies on this machine, so an IDE needs no mappings of its own;
where it has some, they come after these. An IDE may see the source through a symbolic link: its own name
for the directory is then one more mapping (`alias_of`).
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from livejob.wire.names import DEPENDENCIES_ROOT, TASK_ROOT


@dataclass(frozen=True, slots=True)
class WorkerPaths:
    """Where a worker has the app's source and the standard library, as its Hello says it.

    dependencies: directory of this machine that it sees at DEPENDENCIES_ROOT, if it is a container; or None.
    """

    task: str
    stdlib: str
    dependencies: Path | None = None


@dataclass(frozen=True, slots=True)
class LocalPaths:
    """Where they are on this machine. `source` is the directory of the app's source."""

    source: Path

    def mappings(self, worker: WorkerPaths, aliases: Iterable[str] = ()) -> list[dict[str, str]]:
        """As pydevd takes them: the first one that fits counts."""
        pairs = [(alias, worker.task) for alias in aliases]
        pairs.append((str(self.source), worker.task))
        if worker.dependencies is not None and worker.task == TASK_ROOT:
            pairs.append((str(worker.dependencies), DEPENDENCIES_ROOT))
        stdlib = Path(sysconfig.get_path("stdlib"))
        # Of another version, lines would not fit: the IDE then asks the worker for the text.
        if stdlib.name == PurePosixPath(worker.stdlib).name:
            pairs.append((str(stdlib), worker.stdlib))
        # Those that change nothing too: what the IDE maps otherwise comes after them.
        return [_mapping(local, remote) for local, remote in pairs]

    def shown(self, path: str) -> str:
        """A path for a person: relative to the source if it lies in it."""
        given = Path(path)
        return str(given.relative_to(self.source)) if given.is_relative_to(self.source) else path

    def alias_of(self, path: str) -> str | None:
        """What an IDE calls the source directory, if it has another name for it; from one of its files."""
        given = Path(path)
        if given.is_relative_to(self.source):
            return None
        real = given.resolve()
        if not real.is_relative_to(self.source):
            return None
        inside = real.relative_to(self.source)
        depth = len(inside.parts)
        return str(given.parents[depth - 1]) if given.parts[-depth:] == inside.parts else None

    def meant_file(self, path: str) -> Path | None:
        """The file of the source that an IDE may mean by a path outside of it; None if there is none.

        That is the one with the longest common end and the same text: the file in another copy of the app.
        """
        given = Path(path)
        if given.is_relative_to(self.source) or self.alias_of(path) is not None or not given.is_file():
            return None
        for end in _ends(path):
            candidate = self.source / end
            if candidate.is_file() and candidate.read_bytes() == given.read_bytes():
                return candidate
        return None


def wrong_mapping(local: LocalPaths, given: Any) -> dict[str, str] | None:
    """Among an IDE's own mappings the one that takes another directory for the source; None if all fit.

    Harmless for files of the source itself, whose own mapping comes first, but never meant.
    """
    for each in given if isinstance(given, list) else ():
        if not isinstance(each, dict) or each.get("remoteRoot") != TASK_ROOT:
            continue
        root = Path(str(each.get("localRoot", "")))
        # A directory that is not here is one of the IDE's own machine, of which nothing is known.
        if root.is_dir() and root.resolve() != local.source:
            return {"localRoot": str(root), "remoteRoot": TASK_ROOT}
    return None


def _mapping(local: str, remote: str) -> dict[str, str]:
    return {"localRoot": local, "remoteRoot": remote}


def _ends(path: str) -> Iterator[Path]:
    parts = Path(path).parts[1:]
    for begin in range(len(parts)):
        yield Path(*parts[begin:])
