"""What `livejob doctor` looks at for container jobs: the docker command, and what each image is made from."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from livejob.cli.findings import Finding, Level, find
from livejob.images.context import context_files
from livejob.images.docker_command import find_docker_command
from livejob.images.port import order_of
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec
from livejob.wire.limits import MIB

LARGE_BYTES = 100 * MIB
"""A context above it is worth a hint: all of it goes to Docker, and is read when a deployment looks at it."""


def look_at_container_jobs(
    settings: Settings, jobs: Mapping[str, JobSpec], has_containers: bool
) -> list[Finding]:
    """Nothing without container jobs. Blocks. has_containers: the engine of a session can run them."""
    specs = [jobs[name] for name in sorted(jobs) if jobs[name].is_container]
    if not specs:
        return []
    docker = find("docker", _look_at_docker)
    if not has_containers:
        names = ", ".join(spec.name for spec in specs)
        remedy = "Start Docker; the other jobs run without it."
        docker = Finding("docker", Level.FAULT, f"no engine runs the container jobs ({names})", remedy)
    return [docker, *(_look_at_image(settings, spec) for spec in specs)]


def _look_at_docker() -> Finding:
    return Finding("docker", Level.OK, find_docker_command(os.environ))


def _look_at_image(settings: Settings, spec: JobSpec) -> Finding:
    def look() -> Finding:
        order = order_of(settings.source_directory, spec)
        files = [each for each in context_files(order) if not stat.S_ISDIR(each.mode)]
        size_bytes = sum(each.size_bytes for each in files)
        amount = f"{len(files)} file{'' if len(files) == 1 else 's'}, {size_bytes / MIB:.1f} MiB"
        text = f"image of {order.directory} ({order.file}), {amount}"
        if size_bytes <= LARGE_BYTES:
            return Finding(spec.name, Level.OK, text)
        return Finding(spec.name, Level.NOTE, text, "Leave out what the image does not need: .dockerignore.")

    return find(spec.name, look)
