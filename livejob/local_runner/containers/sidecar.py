"""The worker beside a container job's command: which Python it has, and how much memory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livejob.project.specs import DEFAULT_RUNTIME, JobSpec
from livejob.wire.limits import MIB

SIDECAR_BYTES = 256 * MIB
"""A supervisor alone; what the command needs is its own container's."""


def worker_runtimes(jobs: Mapping[str, JobSpec]) -> Mapping[str, str]:
    """Job -> the runtime of its workers: of a container job, one that a function of the app has too."""
    functions = {job.runtime for job in jobs.values() if not job.is_container}
    sidecars = min(functions, default=DEFAULT_RUNTIME)
    return {name: sidecars if job.is_container else job.runtime for name, job in jobs.items()}


def function_runtimes(jobs: Iterable[JobSpec]) -> set[str]:
    """The runtimes for which packages are wanted."""
    return {job.runtime for job in jobs if not job.is_container}
