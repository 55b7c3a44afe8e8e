"""Builds packages that have no wheel in an image of the Docker engine. Part of the composition root.

The engine, and Docker's client, are looked for only when there is such a package.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from livejob.project.settings import Settings


class EngineBuilder:
    """A `PackageBuilder` for one app."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def install(self, requirements: Path, runtime: str, architecture: str, into: Path) -> None:
        from uv import find_uv_bin

        from livejob.local_runner.engines.docker_connection import DockerConnection
        from livejob.local_runner.engines.docker_endpoint import find_endpoint
        from livejob.local_runner.image.installing import ImageInstaller, Surroundings

        surroundings = Surroundings(os.environ, f"{os.getuid()}:{os.getgid()}", Path(find_uv_bin()))
        connection = DockerConnection(find_endpoint(os.environ))
        settings = self._settings
        installer = ImageInstaller(connection, settings.root, settings.image, surroundings, _tell)
        try:
            installer.install(requirements, runtime, architecture, into)
        finally:
            connection.close()


def _tell(line: str) -> None:
    click.echo(line, err=True)
