"""Apps of container jobs, and sessions with an engine that can run them."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from docker.api.client import APIClient

from livejob.cli.engine import OpenedEngine
from livejob.local_runner.debug.server import DebugSettings
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_commands import DockerCommands
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.threads import ThreadGateway
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.sessions import LiveSession, live_session


def write_container_job(app: Path, name: str, base: str, command: list[str], **table: Any) -> Path:
    """Add a container job to the app; its directory, with a Dockerfile that takes all that is in it."""
    directory = app / name.lower()
    directory.mkdir(parents=True)
    (directory / "Dockerfile").write_text(f"FROM {base}\nCOPY . /app/\n")
    usual = {"runtime": "container", "handler": name.lower(), "timeout": "5 minutes"}
    fields = {**usual, **table, "container": {"cmd": command, **table.get("container", {})}}
    lines = [f"[jobs.{name}]", *(f"{key} = {_toml(value)}" for key, value in fields.items())]
    with (app / "livejob.toml").open("a") as file:
        file.write("\n".join([*lines, ""]))
    return directory


@asynccontextmanager
async def container_session(
    app: Path,
    docker: DockerUnderTest,
    network: str = "host",
    changes: Mapping[str, Any] | None = None,
    debug: DebugSettings | None = None,
) -> AsyncIterator[LiveSession]:
    """A session of the app in Docker, up when this returns."""
    connection, gateway = DockerConnection(docker.endpoint), ThreadGateway("docker")
    engine = DockerEngine(connection, gateway, network)
    opened = OpenedEngine(engine, await engine.check(), connection, DockerCommands(connection, gateway))
    try:
        async with live_session(
            app, containers=opened, image=docker.image, changes=changes, debug=debug
        ) as session:
            yield session
    finally:
        await engine.close()
        remove_images(docker, f"livejob/shop-dev-{os.getpid()}-")


def remove_images(docker: DockerUnderTest, prefix: str) -> None:
    """Remove the images whose names begin so; their layers stay for the next build."""
    with closing(APIClient(docker.endpoint.url)) as client:
        for name in {name for each in client.images() for name in each["RepoTags"] or ()}:
            if name.startswith(prefix):
                client.remove_image(name, force=True, noprune=True)


def _toml(value: object) -> str:
    """Texts, numbers, lists and tables of them."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
