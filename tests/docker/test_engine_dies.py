"""An engine that is killed under its workers, and comes back. On a real engine of the test's own."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.errors import EngineUnavailable, WorkerFailed
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.build import build_image
from livejob.local_runner.image.interpreter import find_python
from livejob.local_runner.threads import ThreadGateway
from tests.support.attempts import DEADLINE_S, HANDLERS, STAGE, open_worker, worker_spec
from tests.support.private_engine import PrivateEngine, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(why_not() != "", reason=why_not())]


@pytest.fixture
def private_engine(tmp_path: Path) -> Iterator[PrivateEngine]:
    engine = PrivateEngine(tmp_path)
    yield engine
    engine.stop()


async def test_engine_is_killed_under_a_worker_and_comes_back(private_engine: PrivateEngine):
    """The worker's end says that the engine went; launching fails clearly while it is away; once it is back
    workers start again over the same DockerEngine, and the sweep removes what the dead one left."""
    endpoint = private_engine.start()
    connection = DockerConnection(endpoint)
    minor = ".".join(platform.python_version_tuple()[:2])
    image = build_image(connection, find_python(minor, os.environ)).tag
    engine = DockerEngine(connection, ThreadGateway("docker"), "host")
    spec = worker_spec(HANDLERS, image=image)
    worker = await engine.launch(spec)
    await worker.receive()

    private_engine.kill()
    async with asyncio.timeout(DEADLINE_S):
        exit_ = await worker.wait_ended()
    with pytest.raises(EngineUnavailable) as caught:
        await engine.launch(spec)
    with pytest.raises(WorkerFailed):
        await worker.send(b"word")

    private_engine.start()
    swept = await engine.sweep("shop", STAGE, frozenset())
    async with open_worker(engine, spec) as again:
        attempt = await again.run("hello.handler", {"name": "Mia"})
    await engine.close()

    assert exit_.exit_code is None
    assert "the engine went away" in exit_.detail
    assert endpoint.url in caught.value.message
    assert "Start Docker" in caught.value.remedy
    assert 1 == swept
    assert {"greeting": "Hello, Mia"} == attempt.result
