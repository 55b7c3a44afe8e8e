"""What a save means: the person hears of it at once, and what is prepared ahead follows.

The next attempt has the new code because it starts from the sources as they are; nothing here decides
that. This looks for errors before a run meets them, first of syntax, which needs no worker, then of import;
lets idle workers compile what has changed; and lets changed job definitions and packages take effect.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from livejob.errors import LivejobError
from livejob.local_runner.catalog import CatalogJob, JobCatalog
from livejob.local_runner.containers.saves import ImageSaves
from livejob.local_runner.dependencies import Dependencies
from livejob.local_runner.events import Reporter, SourceMended, SourceProblem, SourceSaved, Warned
from livejob.local_runner.import_checks import ImportChecks, NoChecks
from livejob.local_runner.sources.feed import SourceFeed
from livejob.local_runner.sources.listing import NOTHING, Listing
from livejob.local_runner.watcher import SourceWatcher
from livejob.project.discovery import SETTINGS_FILE, Discovery
from livejob.project.ignored import GIT_IGNORE
from livejob.project.specs import JobSpec
from livejob.runner.snapshot import unpack

_SOURCE_SUFFIXES = frozenset({".py", ".toml", ".lock", ".txt"})
"""Sources, settings, locks, requirements."""


@dataclass(frozen=True, slots=True)
class ReloadParts:
    """The ready collaborators of a Reload.

    discover: the app's job definitions, when these files have changed since it was last asked.
    defined:  hears of the definitions after each save, when all could be read.
    """

    sources: SourceFeed
    watcher: SourceWatcher
    catalog: JobCatalog
    discover: Callable[[Collection[str]], Discovery]
    dependencies: Dependencies
    checks: ImportChecks | NoChecks
    defined: Callable[[Mapping[str, JobSpec]], None]
    images: ImageSaves


class Reload:
    """Follows one watcher."""

    def __init__(self, parts: ReloadParts, reporter: Reporter) -> None:
        self._sources = parts.sources
        self._watcher = parts.watcher
        self._reporter = reporter
        self._catalog = parts.catalog
        self._discover = parts.discover
        self._dependencies = parts.dependencies
        self._checks = parts.checks
        self._defined = parts.defined
        self._images = parts.images
        self._broken: set[str] = set()
        self._settings: dict[Path, bytes] = {}
        self._told = NOTHING
        self._warming: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Begin to watch, look at the source and have its packages: saves from here on are news.

        Where the system does not let us watch, says so; then `run` sees no saves.

        Raises:
            DependenciesUnusable: the packages cannot be had.
        """
        try:
            self._watcher.open()
        except OSError as error:
            self._reporter.report(
                Warned(
                    f"saves are not seen, the source cannot be watched: {error.strerror or error}",
                    remedy="Runs have the saved code all the same. Raise fs.inotify.max_user_watches.",
                )
            )
        self._told = await self._sources.refreshed()
        await self._dependencies.open()

    async def run(self, saved: Callable[[Collection[str]], None]) -> None:
        """Follow saves until cancelled; `saved` hears of the jobs whose source was saved."""
        async for paths in self._watcher.changes():
            self._images.note(paths, saved)
            if not any(_may_be_source(path) for path in paths):
                continue
            sources = await self._sources.refreshed()
            changed = sources.changed_since(self._told)
            self._told = sources
            settings = [path.name for path in paths if path.name == SETTINGS_FILE and self._is_new(path)]
            if changed or settings:
                await self._follow(changed, settings, sources)
                saved(self._jobs_with(changed))
            if await self._dependencies.follow():
                await asyncio.gather(*(job.pool.renew() for job in self._catalog.values()))
                self._begin_warming(sources)

    async def _follow(self, changed: Sequence[str], settings: Sequence[str], sources: Listing) -> None:
        self._reporter.report(SourceSaved([*changed, *settings]))
        await asyncio.gather(*(job.pool.give_sources(sources) for job in self._catalog.values()))
        self._checks.note(changed)
        for path in changed:
            self._check(path, sources)
        if not self._broken:
            # Else the import fails as well, and what is wrong was just said.
            self._checks.begin()
        await self._follow_definitions(changed)

    async def _follow_definitions(self, changed: Collection[str]) -> None:
        """Let changed definitions take effect; not while one is unreadable: its job would seem removed."""
        found = self._discover(changed)
        for problem in found.problems:
            if not problem.excerpt:  # a syntax error has one, and was reported by the save itself
                where, _, message = problem.text.partition(": ")
                self._reporter.report(SourceProblem(where, message, ""))
        if not found.problems:
            await self._catalog.follow(found.jobs)
            self._defined(found.jobs)

    def _begin_warming(self, sources: Listing) -> None:
        """Have new workers for the jobs that were run in this session, in the background."""
        used = [job for name, job in self._catalog.items() if not self._sources.use.is_unknown(name)]
        if self._warming is not None:
            self._warming.cancel()
        self._warming = asyncio.ensure_future(_warm(used, sources))

    def _jobs_with(self, changed: Collection[str]) -> set[str]:
        """The jobs that have loaded one of the files, and those of which it is not known what they load."""
        use = self._sources.use
        unknown = {name for name in self._catalog if use.is_unknown(name) and name not in self._images}
        return unknown | set(use.jobs_with(changed))

    async def close(self) -> None:
        await self._checks.close()
        await self._images.close()
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._watcher.close()
        await self._sources.close()

    def _is_new(self, path: Path) -> bool:
        """True when the content differs from what was last seen: a touch is no save."""
        try:
            text = path.read_bytes()
        except OSError:
            text = b""
        is_new = self._settings.get(path) != text
        self._settings[path] = text
        return is_new

    def _check(self, path: str, sources: Listing) -> None:
        file = sources.files.get(path)
        problem = syntax_problem(unpack(file.packed), path) if file is not None else None
        if problem is not None:
            self._broken.add(path)
            self._reporter.report(problem)
        elif path in self._broken:
            self._broken.discard(path)
            self._reporter.report(SourceMended(path))


async def _warm(jobs: Sequence[CatalogJob], sources: Listing) -> None:
    for job in jobs:
        # What goes wrong is told by the run that needs a worker.
        with suppress(LivejobError):
            await job.pool.warm(lambda link: link.prepare(sources))


def _may_be_source(path: Path) -> bool:
    """False for data: handlers write it by the thousand, and read it from disk. A directory may be either."""
    return path.suffix in _SOURCE_SUFFIXES or path.name == GIT_IGNORE or not path.is_file()


def syntax_problem(text: bytes, name: str) -> SourceProblem | None:
    """Why Python cannot compile a file's content, or None.

    Read by this machine's Python, which may be another minor version than the job's.
    """
    try:
        ast.parse(text, name)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        caret = " " * max((error.offset or 1) - 1, 0) + "^"
        return SourceProblem(f"{name}:{error.lineno or 1}", error.msg, f"{line}\n{caret}" if line else "")
    except ValueError as error:  # a NUL byte, or bytes that are no UTF-8
        return SourceProblem(f"{name}:1", str(error), "")
    return None
