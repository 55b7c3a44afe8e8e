"""The jobs of the app as they stand now, each with its workers; follows changed definitions.

What a session can apply by itself (handler, timeout, memory, environment) takes effect with the next
attempt. What needs other resources in the stage (a new job, its permissions, its policy) is named, so
that the person deploys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from livejob.local_runner.events import JobsChanged, Reporter
from livejob.local_runner.lending import JobPool
from livejob.project.specs import JobSpec

WORKER_FIELDS = ("runtime", "memory_bytes", "environment")
"""A change of these needs new workers; of the environment, because what is imported ahead has read it."""

STAGE_FIELDS = ("permissions", "when_disconnected")
"""A change of these needs a deployment."""


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
        self._specs = dict(specs)
        self._reporter = reporter
        self._jobs = {
            name: CatalogJob(spec, make_pool(partial(self._specs.__getitem__, name)))
            for name, spec in specs.items()
        }

    def __getitem__(self, name: str) -> CatalogJob:
        return self._jobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    async def follow(self, specs: Mapping[str, JobSpec]) -> None:
        """Apply what can be applied of new definitions and tell the rest."""
        applied, needs_deploy = [], sorted(set(specs) ^ set(self._jobs))
        for name in sorted(set(specs) & set(self._jobs)):
            job, spec = self._jobs[name], specs[name]
            if spec.is_container != job.spec.is_container:
                needs_deploy.append(name)
                continue
            changed = changed_fields(job.spec, spec)
            job.spec = self._specs[name] = spec
            if not changed:
                continue
            if not changed.isdisjoint(STAGE_FIELDS):
                needs_deploy.append(name)
            applied.append(name)
            if not changed.isdisjoint(WORKER_FIELDS):
                await job.pool.renew()
        if applied or needs_deploy:
            self._reporter.report(JobsChanged(applied, needs_deploy))


def changed_fields(before: JobSpec, after: JobSpec) -> frozenset[str]:
    """Names of the fields that differ; where a job is defined does not count."""
    names: Sequence[str] = [name for name in JobSpec.__dataclass_fields__ if name != "defined_at"]
    return frozenset(name for name in names if getattr(before, name) != getattr(after, name))
