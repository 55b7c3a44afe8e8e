"""How workers end that do not end by themselves, and what is left of them: nothing."""

from __future__ import annotations

import asyncio
import io
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from docker.api.client import APIClient
from docker.errors import NotFound

from livejob.errors import ImageMissing, WorkerFailed
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.port import WorkerExit
from livejob.wire.ids import SessionId
from livejob.wire.names import LABEL_OWNER
from tests.support.attempts import DEADLINE_S, HANDLERS, STAGE, open_worker, worker_spec
from tests.support.engine_fixtures import DockerUnderTest

REPOSITORY = Path(__file__).parents[2]
KILLED = 137


@pytest.fixture
async def engine(docker: DockerUnderTest) -> AsyncIterator[DockerEngine]:
    engine = docker.engine()
    yield engine
    await engine.close()


@pytest.fixture
def api(docker: DockerUnderTest) -> Iterator[APIClient]:
    """The engine as somebody else reaches it."""
    client = APIClient(docker.endpoint.url)
    yield client
    client.close()


@pytest.fixture
def empty_image(api: APIClient) -> Iterator[str]:
    """An image without any file, a Python included."""
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    api.import_image_from_data(archive.getvalue(), repository="livejob-test/empty", tag="latest")
    yield "livejob-test/empty:latest"
    api.remove_image("livejob-test/empty:latest", force=True)


def containers_of(api: APIClient, owner: str) -> list[str]:
    """Short ids of all containers of one owner, ended ones too."""
    found = api.containers(all=True, filters={"label": f"{LABEL_OWNER}={owner}"})
    return [each["Id"][:12] for each in found]


async def test_killed_worker_is_gone_with_its_container(
    docker: DockerUnderTest, engine: DockerEngine, api: APIClient
):
    """After `kill` the container is removed; the exit says that it was killed, not that memory ran out."""
    worker = await engine.launch(worker_spec(HANDLERS, image=docker.image, owner="ses_killed"))

    await worker.kill()

    assert WorkerExit(KILLED, is_out_of_memory=False, detail="") == await worker.wait_ended()
    assert [] == containers_of(api, "ses_killed")


async def test_worker_that_fails_leaves_its_last_words(
    docker: DockerUnderTest, engine: DockerEngine, api: APIClient, tmp_path: Path
):
    """A supervisor that cannot start ends the channel; its exit has the code and what it said on stderr."""
    (tmp_path / "livejob").mkdir()
    tmp_path.chmod(0o755)
    spec = worker_spec(HANDLERS, image=docker.image, owner="ses_broken", package=tmp_path)

    worker = await engine.launch(spec)
    exit_ = await worker.wait_ended()

    assert 1 == exit_.exit_code
    assert "No module named 'livejob.local_runner'" in exit_.detail
    assert b"" == await worker.receive()
    assert [] == containers_of(api, "ses_broken")


async def test_worker_that_has_ended_cannot_be_sent_to(docker: DockerUnderTest, engine: DockerEngine):
    """Sending to a worker that is gone is an error that says so; killing it is none."""
    worker = await engine.launch(worker_spec(HANDLERS, image=docker.image))
    await worker.kill()

    with pytest.raises(WorkerFailed, match=f"the worker {worker.id} does not listen any more"):
        await worker.send(b"word")

    await worker.kill()


async def test_container_that_somebody_removed_is_told(
    docker: DockerUnderTest, engine: DockerEngine, api: APIClient
):
    """`docker rm -f` from outside ends the worker with no exit code and the reason."""
    worker = await engine.launch(worker_spec(HANDLERS, image=docker.image))

    api.remove_container(worker.id, force=True)

    async with asyncio.timeout(DEADLINE_S):
        exit_ = await worker.wait_ended()
    assert WorkerExit(None, is_out_of_memory=False, detail="somebody else removed the container") == exit_


async def test_missing_image_is_named(engine: DockerEngine):
    """An image that is not in the engine is not looked for elsewhere."""
    with pytest.raises(ImageMissing, match="livejob-test/nowhere:1 is not in the engine"):
        await engine.launch(worker_spec(HANDLERS, image="livejob-test/nowhere:1"))


async def test_image_without_python_does_not_start(engine: DockerEngine, empty_image: str, api: APIClient):
    """The engine's reason is in the error, and the container that did not start is removed."""
    with pytest.raises(WorkerFailed, match=r"did not start.*python3"):
        await engine.launch(worker_spec(HANDLERS, image=empty_image, owner="ses_empty"))

    assert [] == containers_of(api, "ses_empty")


async def test_source_that_is_not_there_is_named(
    docker: DockerUnderTest, engine: DockerEngine, tmp_path: Path
):
    """A directory that does not exist is an error before anything is made."""
    with pytest.raises(WorkerFailed, match=r"is not there.*nothing"):
        await engine.launch(worker_spec(tmp_path / "nothing", image=docker.image))


async def test_launch_that_is_given_up_leaves_nothing(
    docker: DockerUnderTest, engine: DockerEngine, api: APIClient
):
    """Cancelling a launch while the engine makes the container removes the container."""
    spec = worker_spec(HANDLERS, image=docker.image, owner="ses_given_up")
    launch = asyncio.ensure_future(engine.launch(spec))
    while not launch.done() and not await asyncio.to_thread(containers_of, api, "ses_given_up"):
        pass

    launch.cancel()

    with pytest.raises(asyncio.CancelledError):
        await launch
    assert [] == containers_of(api, "ses_given_up")


async def test_orphan_of_a_killed_daemon_stops_and_is_swept(
    docker: DockerUnderTest, engine: DockerEngine, api: APIClient
):
    """When a daemon is killed its worker ends by itself; the next sweep removes it, and no one else's."""
    module = ("-m", "tests.support.abandoned_worker", docker.image, "ses_killed_daemon", STAGE)
    daemon = await asyncio.create_subprocess_exec(
        sys.executable,
        *module,
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env={"DOCKER_HOST": docker.endpoint.url},
    )
    assert daemon.stdout is not None
    orphan = (await daemon.stdout.readline()).decode().strip()

    daemon.kill()
    await daemon.wait()
    stopped = await asyncio.to_thread(api.wait, orphan, timeout=DEADLINE_S)
    async with open_worker(engine, worker_spec(HANDLERS, image=docker.image, owner="ses_live")) as live:
        swept = await engine.sweep("shop", STAGE, frozenset({SessionId("ses_live")}))
        attempt = await live.run("hello.handler", {"name": "Mia"})

    assert 0 == stopped["StatusCode"]
    assert 1 == swept
    assert {"greeting": "Hello, Mia"} == attempt.result
    with pytest.raises(NotFound):
        api.inspect_container(orphan)


async def test_sweep_keeps_to_its_app_and_stage(docker: DockerUnderTest, engine: DockerEngine):
    """Workers of other stages are somebody else's to sweep."""
    async with open_worker(
        engine, worker_spec(HANDLERS, image=docker.image, stage=f"{STAGE}-other")
    ) as worker:
        swept = await engine.sweep("shop", STAGE, frozenset())

        assert 0 == swept
        assert "succeed" == (await worker.run("hello.handler", {"name": "Mia"})).input
