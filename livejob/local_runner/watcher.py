"""Saves in the source tree: file events become one set of changed files, a moment after the last.

A save is news for the person and for what is prepared ahead. No run depends on it: every attempt reads
the sources as they are when it starts.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from watchdog.events import (
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

QUIET_S = 0.02
"""A change set is complete when nothing has come for so long: a checkout of 500 files has gaps up to 25 ms
between them only under load, and an editor's rename dance takes a few milliseconds."""

CAP_S = 0.3
"""...but it is passed on after so long even if changes keep coming."""

_EVENTS: list[type[FileSystemEvent]] = [
    FileModifiedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
# Without this filter watchdog also reports every *read* of a file: a run that imports its code would look
# like a save.

IGNORED_DIRS = frozenset({".git", ".hg", ".livejob", ".venv", "venv", "node_modules", "__pycache__"})


class SourceWatcher:
    """Watches directories until `close`. One consumer of `changes`."""

    def __init__(self, roots: Sequence[Path], beside: Sequence[Path] = ()) -> None:
        """All absolute: `roots` are watched with all below them, `beside` without."""
        self._roots = roots
        self._beside = beside
        self._changed: asyncio.Queue[Path] = asyncio.Queue()
        self._observer = Observer()

    def open(self) -> None:
        """Begin to watch; what is saved from here on is seen.

        Raises:
            OSError: the system's limit of watches is reached (fs.inotify.max_user_watches), or a root
                is missing.
        """
        # watchdog 7.1 says this, at length, whenever a directory is made; nothing is missed by it.
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        loop = asyncio.get_running_loop()
        handler = _Handler(lambda path: loop.call_soon_threadsafe(self._take, path))
        for root in self._roots:
            self._observer.schedule(handler, str(root), recursive=True, event_filter=_EVENTS)
        for directory in self._beside:
            self._observer.schedule(handler, str(directory), recursive=False, event_filter=_EVENTS)
        self._observer.start()

    async def changes(self) -> AsyncIterator[frozenset[Path]]:
        """Sets of changed files (absolute; a deleted file is a change too). Ends only by cancellation."""
        while True:
            paths = {await self._changed.get()}
            await self._collect(paths)
            yield frozenset(paths)

    async def close(self) -> None:
        """Stop to watch. Safe to call when `open` has failed or was never called."""
        if self._observer.is_alive():
            self._observer.stop()
            await asyncio.to_thread(self._observer.join)

    async def _collect(self, paths: set[Path]) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + CAP_S
        while (left_s := min(QUIET_S, end_s - loop.time())) > 0:
            try:
                async with asyncio.timeout(left_s):
                    paths.add(await self._changed.get())
            except TimeoutError:
                return

    def _take(self, path: Path) -> None:
        for root in self._roots:
            if path.is_relative_to(root) and is_never_source(path.relative_to(root)):
                return
        self._changed.put_nowait(path)


class _Handler(FileSystemEventHandler):
    """Runs in watchdog's thread; hands over every path that an event names."""

    def __init__(self, hand_over: Callable[[Path], object]) -> None:
        self._hand_over = hand_over

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.is_directory and not isinstance(event, DirMovedEvent | DirDeletedEvent):
            return
        for path in (event.src_path, event.dest_path):
            if path:
                self._hand_over(Path(os.fsdecode(path)))


def is_never_source(path: Path) -> bool:
    """True for what no job imports: version control, environments, caches, editors' swap files.

    `path` is relative to the source: an app may itself live below a directory called `venv`.
    """
    name = path.name
    return not IGNORED_DIRS.isdisjoint(path.parts) or name.endswith(
        (".pyc", "~", ".swp", ".swx", "___jb_tmp___")
    )
