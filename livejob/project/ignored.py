"""Which directories of an app git ignores: what is built into them is nobody's source.

Reads `.gitignore` in the source and in the directories above it, up to the root of the repository.
Directories only: a single file that git ignores, such as settings of one's own, may well be imported.
"""

from __future__ import annotations

from pathlib import Path

from pathspec import GitIgnoreSpec

GIT_IGNORE = ".gitignore"


class IgnoredDirectories:
    """Answers for one source; reads each `.gitignore` once."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._above = _directories_above(source)
        self._rules: dict[Path, GitIgnoreSpec | None] = {}

    def matches(self, path: str) -> bool:
        """True when git ignores the directory `path`, relative to the source; its parent is not ignored."""
        place = self._source / path
        parts = [self._source, *(self._source / each for each in reversed(Path(path).parents[:-1]))]
        verdict = False
        for directory in (*self._above, *parts):
            rules = self._rules_of(directory)
            if rules is not None:
                found = rules.check_file(f"{place.relative_to(directory).as_posix()}/").include
                verdict = verdict if found is None else found
        return verdict

    def _rules_of(self, directory: Path) -> GitIgnoreSpec | None:
        if directory not in self._rules:
            self._rules[directory] = _read(directory / GIT_IGNORE)
        return self._rules[directory]


def _directories_above(source: Path) -> list[Path]:
    """From the root of the repository down to the source, without it; none outside of a repository."""
    above: list[Path] = []
    for directory in (source, *source.parents):
        if directory != source:
            above.insert(0, directory)
        if (directory / ".git").exists():
            return above
    return []


def _read(path: Path) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines(path.read_text(errors="replace").splitlines())
    except (OSError, ValueError):  # not there, or a pattern that git would not understand either
        return None
