"""The engines under test: every test that takes `engine` runs once for each engine that can be had here.

A new engine adds one EngineCase to `engine_cases`; tests don't change.

Docker is looked for where livejob itself looks (DOCKER_HOST, the Docker context, the usual sockets) and
never installed or started from here: `make test` does that. Without it the tests that need it are skipped,
each with the reason; LIVEJOB_REQUIRE_DOCKER=1 turns the skip into a failure.
"""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from livejob.errors import EngineUnavailable
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint, find_endpoint
from livejob.local_runner.engines.port import Engine
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.image.build import build_image
from livejob.local_runner.image.interpreter import find_python
from livejob.local_runner.threads import ThreadGateway
from tests.support.attempts import HANDLERS, WorkerDriver, open_worker, worker_spec

ENV_REQUIRE_DOCKER = "LIVEJOB_REQUIRE_DOCKER"
SKIP_REASON = pytest.StashKey[str]()


@dataclass(frozen=True, slots=True)
class EngineUnderTest:
    """An engine, the image that its workers take ("" where it takes none), and what it promises."""

    name: str
    engine: Engine
    image: str = ""


@dataclass(frozen=True, slots=True)
class DockerUnderTest:
    """The engine that answers here, and the image of the running Python's version in it."""

    endpoint: DockerEndpoint
    image: str

    def engine(self, network: str = "host") -> DockerEngine:
        """An engine of livejob's over it. A worker on the host's network starts 0.1 s sooner than one
        on none."""
        return DockerEngine(DockerConnection(self.endpoint), ThreadGateway("docker"), network)


@dataclass(frozen=True, slots=True)
class EngineCase:
    """A way to get an engine. Where it cannot be had, opening it skips the test."""

    name: str
    open: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[EngineUnderTest]]


@asynccontextmanager
async def open_process_engine(request: pytest.FixtureRequest) -> AsyncIterator[EngineUnderTest]:
    engine = ProcessEngine()
    try:
        yield EngineUnderTest("process", engine)
    finally:
        await engine.close()


@asynccontextmanager
async def open_docker_engine(request: pytest.FixtureRequest) -> AsyncIterator[EngineUnderTest]:
    docker: DockerUnderTest = request.getfixturevalue("docker")
    engine = docker.engine()
    try:
        yield EngineUnderTest("docker", engine, docker.image)
    finally:
        await engine.close()


def engine_cases() -> list[EngineCase]:
    """All engines that livejob has."""
    return [EngineCase("process", open_process_engine), EngineCase("docker", open_docker_engine)]


@pytest.fixture(params=engine_cases(), ids=lambda case: case.name)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[EngineUnderTest]:
    """Each engine in turn."""
    case: EngineCase = request.param
    async with case.open(request) as under_test:
        yield under_test


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reason = config.stash.get(SKIP_REASON, "")
    if reason:
        terminalreporter.write_line(f"without Docker: {reason}")


@pytest.fixture(scope="session")
def docker(pytestconfig: pytest.Config) -> Iterator[DockerUnderTest]:
    """The Docker engine of this machine with livejob's image in it; skips (or fails) where there is none."""
    try:
        connection = DockerConnection(find_endpoint(os.environ))
        minor = ".".join(platform.python_version_tuple()[:2])
        built = build_image(connection, find_python(minor, os.environ))
    except EngineUnavailable as error:
        if os.environ.get(ENV_REQUIRE_DOCKER) == "1":
            pytest.fail(f"{ENV_REQUIRE_DOCKER}=1, and {error}", pytrace=False)
        pytestconfig.stash[SKIP_REASON] = str(error)
        pytest.skip(str(error))
    yield DockerUnderTest(connection.endpoint, built.tag)
    connection.close()


@pytest.fixture
async def worker(engine: EngineUnderTest) -> AsyncIterator[WorkerDriver]:
    """A worker of each engine in turn, for the handlers of tests/apps/handlers."""
    async with open_worker(engine.engine, worker_spec(HANDLERS, image=engine.image)) as driver:
        yield driver
