"""The kernel's out-of-memory killer in a container, when its victim is not the attempt itself."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest

from livejob.local_runner.engines.docker import DockerEngine
from livejob.wire.limits import MIB
from livejob.wire.worker import Notice
from tests.support.attempts import HANDLERS, open_worker, worker_spec
from tests.support.engine_fixtures import DockerUnderTest


@pytest.fixture
async def engine(docker: DockerUnderTest) -> AsyncIterator[DockerEngine]:
    engine = docker.engine()
    yield engine
    await engine.close()


async def test_a_killed_subprocess_is_told(docker: DockerUnderTest, engine: DockerEngine):
    """The handler sees its subprocess die of SIGKILL; a notice says why."""
    spec = worker_spec(HANDLERS, image=docker.image, memory_bytes=256 * MIB)
    async with open_worker(engine, spec) as worker:
        attempt = await worker.run("memory_hog.starts_one", 600 * MIB)
        after = await worker.run("values.echo", 1)

    assert -signal.SIGKILL == attempt.result
    assert [Notice("the kernel killed a process of the attempt for want of memory")] == attempt.notices
    assert [] == after.notices
