"""The jobs of the app as they stand now, each with its workers; follows changed definitions.

What a session can apply by itself (handler, timeout, memory, environment) takes effect with the next
attempt. What needs other resources in the stage (a new job, its permissions, its policy) does so when it has
been deployed; whoever does that tells it by `adopt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from livejob.local_runner.events import JobsChanged, Reporter
from livejob.local_runner.lending import JobPool
from livejob.project.specs import JobSpec

WORKER_FIELDS = ("runtime", "memory_bytes", "environment")
"""A change of these needs new workers; of the environment, because what is imported ahead has read it."""

STAGE_FIELDS = frozenset(
    {
        "permissions",
        "when_disconnected",
        "architecture",
        "retries",
        "backoff_s",
        "queue_timeout_s",
        "log_days",
    }
)
"""Of these a session sees nothing: a change of them is a deployment's alone."""


@dataclass(slots=True)
class CatalogJob:
    """One job: its present definition and its workers."""

    spec: JobSpec
    pool: JobPool


class JobCatalog(Mapping[str, CatalogJob]):
    """Jobs by name. Jobs that are not deployed are not in it: no invoker could start them."""

    def __init__(
        self,
        specs: Mapping[str, JobSpec],
        make_pool: Callable[[Callable[[], JobSpec]], JobPool],
        reporter: Reporter,
    ) -> None:
        """`make_pool` gets a function that tells the job's present definition."""
        self._specs: dict[str, JobSpec] = {}  # of removed jobs too: their runs may not have ended
        self._make_pool = make_pool
        self._reporter = reporter
        self._jobs: dict[str, CatalogJob] = {}
        for spec in specs.values():
            self._add(spec)

    def __getitem__(self, name: str) -> CatalogJob:
        return self._jobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    async def follow(self, specs: Mapping[str, JobSpec]) -> None:
        """Apply what can be applied of new definitions."""
        applied = []
        for name in sorted(set(specs) & set(self._jobs)):
            job, spec = self._jobs[name], specs[name]
            if spec.is_container != job.spec.is_container:
                continue  # another kind of workers: with the deployment that this needs
            changed = changed_fields(job.spec, spec)
            job.spec = self._specs[name] = spec
            if changed <= STAGE_FIELDS:
                continue
            applied.append(name)
            if not changed.isdisjoint(WORKER_FIELDS):
                await job.pool.renew()
        if applied:
            self._reporter.report(JobsChanged(applied))

    async def adopt(self, specs: Mapping[str, JobSpec]) -> None:
        """These are deployed: take the new ones and let go of the others, whose runs go on to their end."""
        other_kind = {
            name
            for name in set(self._jobs) & set(specs)
            if self._jobs[name].spec.is_container != specs[name].is_container
        }
        removed = [self._jobs.pop(name) for name in (set(self._jobs) - set(specs)) | other_kind]
        for name in set(specs) - set(self._jobs):
            self._add(specs[name])
        await asyncio.gather(*(job.pool.close() for job in removed))

    def _add(self, spec: JobSpec) -> None:
        self._specs[spec.name] = spec
        pool = self._make_pool(partial(self._specs.__getitem__, spec.name))
        self._jobs[spec.name] = CatalogJob(spec, pool)


def changed_fields(before: JobSpec, after: JobSpec) -> frozenset[str]:
    """Names of the fields that differ; where a job is defined does not count."""
    names: Sequence[str] = [name for name in JobSpec.__dataclass_fields__ if name != "defined_at"]
    return frozenset(name for name in names if getattr(before, name) != getattr(after, name))
