"""Whether what a build can see has changed: its digest, read anew only when its files look different.

A large directory costs one stat for each file before a run, and is read when something was saved in it.
Blocks: called in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from livejob.clock import Clock
from livejob.images.context import ContextFile, context_digest, context_files
from livejob.images.port import ImageOrder
from livejob.runner.sources import SETTLED_MS


@dataclass(frozen=True, slots=True)
class _Seen:
    order: ImageOrder
    files: tuple[ContextFile, ...]
    digest: str


class ContextLook:
    """Of one job's image."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: _Seen | None = None

    def digest(self, order: ImageOrder) -> str:
        """As `context_digest`, and raises as that."""
        files, seen = context_files(order), self._seen
        if seen is not None and (seen.order, seen.files) == (order, files):
            return seen.digest
        # A file that was saved this moment may be saved again without looking different.
        before_ns = (self._clock.now_ms() - SETTLED_MS) * 1_000_000
        digest = context_digest(order)
        is_settled = all(each.mtime_ns < before_ns for each in files)
        self._seen = _Seen(order, files, digest) if is_settled else None
        return digest
