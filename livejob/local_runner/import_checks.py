"""After a save: can the changed jobs still be imported? Told at once, and again when it is mended.

Only workers that have nothing to do are asked, and only of jobs that have loaded what has changed. A newer
save takes the place of an older one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from livejob.local_runner.events import Reporter, SourceMended, SourceProblem
from livejob.local_runner.execution import LiveJob
from livejob.local_runner.import_problem import import_problem
from livejob.local_runner.sources.usage import SourceUse
from livejob.wire.outcome import Failure


class ImportChecks:
    """Owns the task of the present check."""

    def __init__(self, jobs: Mapping[str, LiveJob], use: SourceUse, reporter: Reporter) -> None:
        self._jobs = jobs
        self._use = use
        self._reporter = reporter
        self._problems: dict[str, SourceProblem] = {}
        self._due: set[str] = set()
        self._checking: asyncio.Task[None] | None = None

    def note(self, changed: Sequence[str]) -> None:
        """Files have changed; the jobs that need them are due."""
        self._due.update(self._use.jobs_with(changed), self._problems)
        for name, job in self._jobs.items():
            if not set(handler_files(job.spec.handler)).isdisjoint(changed):
                self._due.add(name)

    def begin(self) -> None:
        """Check what is due, in the background; what a former call has not come to is due still."""
        if self._checking is not None:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._check_due(), name="import checks")

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)

    async def _check_due(self) -> None:
        self._due.intersection_update(self._jobs)
        await asyncio.gather(*(self._check(name, self._jobs[name]) for name in sorted(self._due)))

    async def _check(self, name: str, job: LiveJob) -> None:
        found = await job.pool.check(job.spec.handler, job.spec.environment)
        self._due.discard(name)
        if found is None:
            return
        hello, checked = found
        if not checked.failure:
            self._mended(name)
            return
        output = checked.body.decode(errors="replace")
        self._broken(name, import_problem(Failure.from_json(checked.failure), hello.task, output))

    def _broken(self, name: str, problem: SourceProblem) -> None:
        is_known = problem in self._problems.values()
        self._problems[name] = problem
        if not is_known:
            self._reporter.report(problem)

    def _mended(self, name: str) -> None:
        problem = self._problems.pop(name, None)
        if problem is not None and problem not in self._problems.values():
            self._reporter.report(SourceMended(problem.where.rpartition(":")[0] or problem.where))


def handler_files(handler: str) -> tuple[str, str]:
    """Where a handler's function may be: `a.b.run` and `a/b.run` are in `a/b.py` or `a/b/__init__.py`."""
    place = handler.rpartition(".")[0].replace(".", "/")
    return f"{place}.py", f"{place}/__init__.py"


class NoChecks:
    """`check_on_save = false`: a run finds out by itself."""

    def note(self, changed: Sequence[str]) -> None:
        """Nothing is due."""

    def begin(self) -> None:
        """Nothing is checked."""

    async def close(self) -> None:
        """Nothing runs."""
