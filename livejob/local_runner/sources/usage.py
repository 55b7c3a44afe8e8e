"""Which job has loaded which source files, as its workers have told in this session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class SourceUse:
    """Grows only: a file that a job has loaded once belongs to it, also while its import is broken."""

    def __init__(self) -> None:
        self._by_job: defaultdict[str, set[str]] = defaultdict(set)

    def note(self, job: str, paths: Iterable[str]) -> None:
        """An attempt of `job` has loaded these files; relative to the source, or absolute outside of it."""
        self._by_job[job].update(paths)

    def files(self) -> frozenset[str]:
        """All that any job has loaded."""
        return frozenset().union(*self._by_job.values())

    def is_unknown(self, job: str) -> bool:
        """True while no attempt of the job has told what it loads."""
        return not self._by_job.get(job)

    def jobs_with(self, paths: Iterable[str]) -> list[str]:
        """The jobs that have loaded one of the files, sorted."""
        wanted = set(paths)
        return sorted(job for job, used in self._by_job.items() if not used.isdisjoint(wanted))
