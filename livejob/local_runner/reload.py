"""What a save means: the person hears of it at once, and what is prepared ahead follows.

The next attempt has the new code because it starts from the sources as they are; nothing here decides
that. This looks for syntax errors before a run meets them, and lets changed job definitions take effect.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from pathlib import Path

from livejob.local_runner.catalog import JobCatalog
from livejob.local_runner.events import Reporter, SourceMended, SourceProblem, SourceSaved, Warned
from livejob.local_runner.watcher import SourceWatcher
from livejob.project.discovery import Discovery

SHOWN_COUNT = 5
"""A checkout of 500 files is one notice, not 500."""


class Reload:
    """Follows one watcher. `discover` reads the app's job definitions anew."""

    def __init__(
        self,
        source: Path,
        watcher: SourceWatcher,
        reporter: Reporter,
        catalog: JobCatalog,
        discover: Callable[[], Discovery],
    ) -> None:
        self._source = source
        self._watcher = watcher
        self._reporter = reporter
        self._catalog = catalog
        self._discover = discover
        self._broken: set[Path] = set()
        self._seen: dict[Path, str] = {}

    async def run(self) -> None:
        """Follow saves until cancelled; where the system does not let us watch, say so and end."""
        try:
            self._watcher.open()
        except OSError as error:
            self._reporter.report(
                Warned(
                    f"saves are not seen, {self._source} cannot be watched: {error.strerror or error}",
                    remedy="Runs have the saved code all the same. Raise fs.inotify.max_user_watches.",
                )
            )
            return
        async for paths in self._watcher.changes():
            changed = sorted(path for path in paths if self._is_new(path))
            if not changed:
                continue
            self._reporter.report(SourceSaved([self._name(path) for path in changed]))
            sources = [path for path in changed if path.suffix == ".py"]
            for path in sources:
                self._check(path)
            if sources or any(path.name == "livejob.toml" for path in changed):
                await self._follow_definitions()

    async def _follow_definitions(self) -> None:
        """Let changed definitions take effect; not while one is unreadable: its job would seem removed."""
        found = self._discover()
        for problem in found.problems:
            if not problem.excerpt:  # a syntax error has one, and was reported by the save itself
                where, _, message = problem.text.partition(": ")
                self._reporter.report(SourceProblem(where, message, ""))
        if not found.problems:
            await self._catalog.follow(found.jobs)

    async def close(self) -> None:
        await self._watcher.close()

    def _is_new(self, path: Path) -> bool:
        """True when the content differs from what was last seen: a touch is no save."""
        digest = _digest(path)
        if self._seen.get(path) == digest:
            return False
        self._seen[path] = digest
        return True

    def _check(self, path: Path) -> None:
        problem = syntax_problem(path, self._name(path))
        if problem is not None:
            self._broken.add(path)
            self._reporter.report(problem)
        elif path in self._broken:
            self._broken.discard(path)
            self._reporter.report(SourceMended(self._name(path)))

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._source)) if path.is_relative_to(self._source) else str(path)


def syntax_problem(path: Path, name: str) -> SourceProblem | None:
    """Why Python cannot compile a file, or None; also None when the file is gone.

    Read by this machine's Python, which may be another minor version than the job's.
    """
    try:
        text = path.read_bytes()
    except OSError:
        return None
    try:
        ast.parse(text, name)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        caret = " " * max((error.offset or 1) - 1, 0) + "^"
        return SourceProblem(f"{name}:{error.lineno or 1}", error.msg, f"{line}\n{caret}" if line else "")
    except ValueError as error:  # a NUL byte, or bytes that are no UTF-8
        return SourceProblem(f"{name}:1", str(error), "")
    return None


def _digest(path: Path) -> str:
    """Of a file's content; a name of its own for a file that is not there (any more)."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return "gone"
