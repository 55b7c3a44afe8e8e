"""What a job in a container can and cannot do: the parts that a plain process does not have."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from docker.api.client import APIClient

from livejob.errors import SourceUnreadable
from livejob.local_runner.engines.docker import DockerEngine
from livejob.wire.limits import MIB
from livejob.wire.outcome import FailureType
from tests.support.attempts import WorkerDriver, open_worker, worker_spec
from tests.support.engine_fixtures import DockerUnderTest

CONTAINER_APP = Path(__file__).parents[1] / "apps" / "container"
TMP_BYTES = 8 * MIB


@pytest.fixture
async def engine(docker: DockerUnderTest) -> AsyncIterator[DockerEngine]:
    engine = docker.engine(network="none")
    yield engine
    await engine.close()


@pytest.fixture
async def worker(docker: DockerUnderTest, engine: DockerEngine) -> AsyncIterator[WorkerDriver]:
    """A worker whose handlers look around; it has 128 MiB of memory and 8 MiB in /tmp."""
    spec = worker_spec(CONTAINER_APP, image=docker.image, memory_bytes=128 * MIB, tmp_bytes=TMP_BYTES)
    async with open_worker(engine, spec) as driver:
        yield driver


@pytest.mark.parametrize("path", ["/new", "/var/task/new", "/opt/python/new", "/opt/livejob/livejob/new"])
async def test_root_and_source_are_read_only(worker: WorkerDriver, path: str):
    """Nothing can be written outside /tmp, the app's own directory included."""
    attempt = await worker.run("inside.write", {"path": path})

    assert {"error": "Read-only file system"} == attempt.result


async def test_tmp_takes_what_its_limit_allows(worker: WorkerDriver):
    """/tmp can be written up to its size; one byte more is a full disk."""
    fits = await worker.run("inside.write", {"path": "/tmp/fits", "size_bytes": TMP_BYTES // 2})
    too_much = await worker.run("inside.write", {"path": "/tmp/more", "size_bytes": TMP_BYTES})

    assert {"error": None} == fits.result
    assert {"error": "No space left on device"} == too_much.result


async def test_programs_run_from_tmp(worker: WorkerDriver):
    """A program that a job puts into /tmp can be executed, as in Lambda."""
    assert "ran\n" == (await worker.run("inside.execute_in_tmp")).result


async def test_job_is_nobody_in_particular(worker: WorkerDriver):
    """The attempt is not root, has no capability and can get none; the supervisor is process 1."""
    identity = (await worker.run("inside.identity")).result

    assert 0 != identity["uid"]
    assert (0, "1", 1) == (identity["capabilities"], identity["no_new_privileges"], identity["supervisor"])


async def test_only_the_worker_s_own_environment_is_there(
    docker: DockerUnderTest, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
):
    """The developer's keys, in the daemon's environment, are nowhere in the attempt's."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    spec = worker_spec(CONTAINER_APP, image=docker.image, environment={"COLOR": "blue"})

    async with open_worker(engine, spec) as worker:
        seen = (await worker.run("inside.surroundings")).result

    assert "planted-secret" not in json.dumps(seen)
    assert "blue" == seen["environment"]["COLOR"]


async def test_places_are_lambda_s(worker: WorkerDriver):
    """Directory, task root and import path are those of Lambda; of livejob only the package is there."""
    seen = (await worker.run("inside.surroundings")).result

    assert "/var/task" == seen["directory"] == seen["environment"]["LAMBDA_TASK_ROOT"]
    assert "/var/task" == seen["path"][0]
    assert "/opt/python" in seen["path"]
    assert ["/opt/livejob/livejob"] == seen["opt"]


async def test_network_none_has_the_loopback_alone(worker: WorkerDriver):
    """On the network "none" a job reaches nothing."""
    assert ["lo"] == (await worker.run("inside.interfaces")).result


async def test_too_much_memory_ends_in_out_of_memory(worker: WorkerDriver):
    """The container's limit kills the attempt, which says why; the next attempt has the memory again."""
    killed = await worker.run("inside.take_memory", {"size_bytes": 256 * MIB})
    following = await worker.run("inside.take_memory", {"size_bytes": 16 * MIB})

    assert ("fail", FailureType.OUT_OF_MEMORY) == (killed.input, killed.failure.type)
    assert 16 * MIB == following.result


async def test_lambda_s_libraries_are_there(worker: WorkerDriver):
    """boto3 comes with the image, precompiled; TLS knows the authorities; zones and compression work."""
    seen = (await worker.run("inside.libraries")).result

    assert ["/", "var", "lang", "lib"] == seen["boto3"]
    assert {"s3", "dynamodb"} <= set(seen["services"])
    assert seen["compiled"]
    assert seen["authorities"] > 0
    assert ("Europe/Berlin", "xy", [1], 8) == (seen["zone"], seen["lzma"], seen["sqlite"], seen["ctypes"])


def make_private_app(directory: Path, owner_uid: int) -> Path:
    """An app whose directory and files only `owner_uid` may read."""
    app = directory / "app"
    app.mkdir(mode=0o700)
    for name, text in {"inside.py": (CONTAINER_APP / "inside.py").read_text(), "secret.txt": "mine"}.items():
        (app / name).write_text(text)
        (app / name).chmod(stat.S_IRUSR)
    for path in (*app.iterdir(), app):
        os.chown(path, owner_uid, -1)
    return app


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the engine's machine decides who reads")
async def test_files_that_only_the_developer_may_read_are_read(
    docker: DockerUnderTest, engine: DockerEngine, tmp_path: Path
):
    """A source of mode 0600 in a directory of mode 0700 serves its owner's jobs."""
    app = make_private_app(tmp_path, owner_uid=os.getuid() or 4321)

    async with open_worker(engine, worker_spec(app, image=docker.image)) as worker:
        content = (await worker.run("inside.read", {"name": "secret.txt"})).result

    assert "mine" == content


@pytest.mark.skipif(os.getuid() != 0, reason="only root's files can be closed to the worker")
async def test_root_s_private_directory_is_refused(
    docker: DockerUnderTest, engine: DockerEngine, tmp_path: Path
):
    """A job does not run as root to read what only root may read; the error says how to open it."""
    app = make_private_app(tmp_path, owner_uid=0)

    with pytest.raises(SourceUnreadable) as caught:
        await engine.launch(worker_spec(app, image=docker.image))

    assert f"may not read {app}" in caught.value.message
    assert f"chmod go+rx {app}" in caught.value.remedy


async def test_bridge_that_the_engine_lacks_is_noted(docker: DockerUnderTest):
    """Workers of an engine without a bridge network reach nothing: the ready line has to say so."""
    engine = docker.engine(network="bridge")
    info = await engine.check()
    await engine.close()

    with closing(APIClient(docker.endpoint.url)) as api:
        has_bridge = bool(api.networks(names=["bridge"]))
    assert has_bridge != (
        "the engine has no bridge: workers have no network but their own loopback" in info.notes
    )
