"""What `livejob doctor` looks at on this machine: Python, the app, the engine, the debugger."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Mapping
from importlib import metadata

from livejob import __version__
from livejob.cli.doctor_containers import look_at_container_jobs
from livejob.cli.engine import OpenedEngine, opened_engine
from livejob.cli.findings import Finding, Level, find
from livejob.errors import LivejobError
from livejob.local_runner.containers.sidecar import worker_runtimes
from livejob.local_runner.debug.package import NAME as DEBUGPY
from livejob.local_runner.debug.package import find_debugger
from livejob.local_runner.image.resolve import resolve_image
from livejob.project.discovery import Discovery
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec


def look_at_python() -> Finding:
    text = f"{platform.python_version()} ({sys.executable}), livejob {__version__}"
    return Finding("python", Level.OK, text)


def look_at_app(settings: Settings) -> Finding:
    origin = settings.origins["stage"]
    text = f"{settings.app} in {settings.root}, stage {settings.stage} (from {origin})"
    return Finding("app", Level.OK, text)


def look_at_jobs(discovery: Discovery, settings: Settings) -> Finding:
    def look() -> Finding:
        jobs = discovery.require_whole(settings.source_directory)
        return Finding("jobs", Level.OK, ", ".join(sorted(jobs)))

    return find("jobs", look)


def look_at_engine(
    settings: Settings, jobs: Mapping[str, JobSpec], endpoint_url: str | None
) -> list[Finding]:
    """The engine, the image of each runtime that a job has, and what container jobs need."""

    async def look() -> list[Finding]:
        async with opened_engine(settings.engine, endpoint_url) as opened:
            # Those of container jobs too: beside their commands runs a worker.
            runtimes = sorted(set(worker_runtimes(jobs).values()))
            images = [
                await asyncio.to_thread(_look_at_image, opened, runtime, settings.image)
                for runtime in runtimes
            ]
            has_containers = opened.connection is not None
            containers = await asyncio.to_thread(look_at_container_jobs, settings, jobs, has_containers)
            return [_engine_finding(opened, settings), *images, *containers]

    try:
        return asyncio.run(look())
    except LivejobError as error:
        return [Finding("engine", Level.FAULT, f"{error.code} {error.message}", error.remedy)]


def _engine_finding(opened: OpenedEngine, settings: Settings) -> Finding:
    info = opened.info
    text = "; ".join((f"{info.name} {info.version}", *info.notes))
    if opened.connection is None and settings.engine == "auto":
        remedy = "Start Docker for Lambda-like containers; without it jobs run as plain processes."
        return Finding("engine", Level.NOTE, text, remedy)
    return Finding("engine", Level.OK, text)


def _look_at_image(opened: OpenedEngine, runtime: str, named: str | None) -> Finding:
    connection = opened.connection
    if connection is not None:
        return find(
            runtime,
            lambda: Finding(runtime, Level.OK, f"image {resolve_image(connection, runtime, named)}"),
        )
    own = ".".join(platform.python_version_tuple()[:2])
    if runtime == f"python{own}":
        return Finding(runtime, Level.OK, "livejob's own Python")
    remedy = "Use Docker, or install livejob into an environment of that Python."
    return Finding(runtime, Level.NOTE, f"plain processes have livejob's own Python {own}", remedy)


def look_at_debugger() -> Finding:
    def look() -> Finding:
        place = find_debugger()
        text = f"{DEBUGPY} {metadata.version(DEBUGPY)} ({place.path})"
        return Finding("debugger", Level.OK, text)

    return find("debugger", look, Level.NOTE)
