"""Which engine runs the workers of a session, and in which image. Part of the composition root."""

from __future__ import annotations

import functools
import ipaddress
import os
import platform
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from livejob.errors import EngineUnavailable, PythonMissing
from livejob.images.docker_command import DockerCommand
from livejob.images.port import ImageBuilder
from livejob.local_runner.engines.commands import CommandEngine
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_commands import DockerCommands
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.engines.port import Engine, EngineInfo
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.image.interpreter import find_python
from livejob.local_runner.image.resolve import resolve_image
from livejob.local_runner.threads import ThreadGateway
from livejob.project.dependencies import AppPackages, TargetPython
from livejob.project.settings import EngineChoice, Settings

DOCKER_THREADS = 8


@dataclass(frozen=True, slots=True)
class OpenedEngine:
    """An engine that answers. `connection` and `commands` are None where there are no containers."""

    engine: Engine
    info: EngineInfo
    connection: DockerConnection | None
    commands: CommandEngine | None = None

    def open_builder(self) -> ImageBuilder:
        """What builds images in this engine; only where there are containers."""
        environment = dict(os.environ)
        if self.connection is not None and self.connection.endpoint.socket_path is not None:
            environment["DOCKER_HOST"] = self.connection.endpoint.url
        return DockerCommand(environment)


@asynccontextmanager
async def opened_engine(choice: EngineChoice, endpoint_url: str | None) -> AsyncIterator[OpenedEngine]:
    """The engine of a session, let go of at its end. Raises as `open_engine`."""
    opened = await open_engine(choice, endpoint_url)
    try:
        yield opened
    finally:
        await opened.engine.close()


async def open_engine(choice: EngineChoice, endpoint_url: str | None) -> OpenedEngine:
    """The engine that was chosen; with "auto" Docker if it answers, else plain processes, which is noted.

    Raises:
        EngineUnavailable: Docker was asked for and does not answer.
    """
    if choice == "process":
        return await _open_process(())
    try:
        return await _open_docker(network_for(endpoint_url))
    except EngineUnavailable as error:
        if choice == "docker":
            raise
        return await _open_process((error.message,))


def network_for(endpoint_url: str | None) -> str:
    """The workers' network: the machine's own where AWS is on its loopback, else Docker's bridge."""
    host = urlsplit(endpoint_url or "").hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    return "host" if is_loopback else "bridge"


def resolve_images(opened: OpenedEngine, runtimes: Iterable[str], named: str | None) -> Mapping[str, str]:
    """Runtime -> image that is in the engine. Blocks.

    Raises:
        ImageMissing: there is none for one of them.
    """
    connection = opened.connection
    if connection is None:
        return {}
    return {runtime: resolve_image(connection, runtime, named) for runtime in runtimes}


def app_packages(settings: Settings, opened: OpenedEngine) -> AppPackages:
    """The packages that the app asks for, as workers of this engine can have them."""
    return AppPackages(
        settings.root,
        settings.source_directory,
        settings.livejob_directory / "dependencies",
        functools.cache(_python_in_container) if opened.connection is not None else _own_python,
    )


def worker_pythons(opened: OpenedEngine, runtimes: Iterable[str]) -> Mapping[str, TargetPython]:
    """Runtime -> the Python that its workers have. Blocks."""
    find = _python_in_container if opened.connection is not None else _own_python
    return {runtime: find(runtime) for runtime in runtimes}


def _own_python(_: str) -> TargetPython:
    return TargetPython(".".join(platform.python_version_tuple()[:2]), Path(sys.executable))


def _python_in_container(runtime: str) -> TargetPython:
    minor = runtime.removeprefix("python")
    if not sys.platform.startswith("linux"):
        return TargetPython(minor, None)
    try:
        return TargetPython(minor, find_python(minor, os.environ).executable)
    except PythonMissing:
        return TargetPython(minor, None)


async def _open_docker(network: str) -> OpenedEngine:
    connection = DockerConnection(find_endpoint(os.environ))
    gateway = ThreadGateway("docker", DOCKER_THREADS)
    engine = DockerEngine(connection, gateway, network)
    try:
        return OpenedEngine(engine, await engine.check(), connection, DockerCommands(connection, gateway))
    except EngineUnavailable:
        await engine.close()
        raise


async def _open_process(notes: tuple[str, ...]) -> OpenedEngine:
    engine = ProcessEngine()
    info = await engine.check()
    return OpenedEngine(engine, replace(info, notes=(*info.notes, *notes)), None)
