"""The image made from this machine's Python, and which image a runtime gets."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.api.client import APIClient
from docker.errors import ImageNotFound

from livejob.errors import ImageMissing
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.build import LABEL_INPUTS, build_image
from livejob.local_runner.image.interpreter import find_python, inspect_python
from livejob.local_runner.image.resolve import resolve_image
from tests.support.attempts import open_worker, worker_spec
from tests.support.engine_fixtures import DockerUnderTest

CONTAINER_APP = Path(__file__).parents[1] / "apps" / "container"
RUNNING = ".".join(platform.python_version_tuple()[:2])
DISTRIBUTION_PYTHON = inspect_python(Path("/usr/bin/python3"))
TEST_REPOSITORY = "livejob-test/python"

Tag = Callable[[str], str]


@pytest.fixture
def api(docker: DockerUnderTest) -> Iterator[APIClient]:
    client = APIClient(docker.endpoint.url)
    yield client
    client.close()


@pytest.fixture
def connection(docker: DockerUnderTest) -> Iterator[DockerConnection]:
    connection = DockerConnection(docker.endpoint)
    yield connection
    connection.close()


@pytest.fixture
def tag(docker: DockerUnderTest, api: APIClient) -> Iterator[Tag]:
    """Gives the built image another name, for this test alone."""
    made: list[str] = []

    def tag(name: str) -> str:
        repository, _, version = name.rpartition(":")
        api.tag(docker.image, repository, version)
        made.append(name)
        return name

    yield tag
    for name in made:
        api.remove_image(name)


def test_second_build_does_nothing(docker: DockerUnderTest, connection: DockerConnection, api: APIClient):
    """The same inputs are known by their digest: the image stays the one it was."""
    before = api.inspect_image(docker.image)

    built = build_image(connection, find_python(RUNNING, os.environ))

    after = api.inspect_image(docker.image)
    assert (docker.image, False) == (built.tag, built.is_new)
    assert before["Id"] == after["Id"]
    assert 64 == len(after["Config"]["Labels"][LABEL_INPUTS])


@pytest.mark.slow
@pytest.mark.skipif(
    DISTRIBUTION_PYTHON is None or DISTRIBUTION_PYTHON.version < (3, 11, 0),
    reason="the distribution has no Python that a worker can run",
)
async def test_image_of_the_distribution_s_python(
    docker: DockerUnderTest, connection: DockerConnection, api: APIClient
):
    """Debian's Python, which looks for packages elsewhere and has no shared library, serves as well.

    A build with other inputs takes the place of the one before, which is removed.
    """
    assert DISTRIBUTION_PYTHON is not None
    name = f"{TEST_REPOSITORY}:{DISTRIBUTION_PYTHON.minor}"
    api.tag(docker.image, TEST_REPOSITORY, DISTRIBUTION_PYTHON.minor)
    try:
        built = build_image(connection, DISTRIBUTION_PYTHON, TEST_REPOSITORY)
        engine = docker.engine()
        async with open_worker(engine, worker_spec(CONTAINER_APP, image=name)) as worker:
            seen = (await worker.run("inside.libraries")).result
        await engine.close()
    finally:
        api.remove_image(name, force=True)

    assert (name, built.python_version) == (built.tag, worker.hello.python)
    assert seen["compiled"] and "dynamodb" in seen["services"] and seen["authorities"] > 0


def test_named_image_is_taken(connection: DockerConnection, tag: Tag):
    """An image from the settings comes before all others."""
    name = tag("livejob-test/own:7")

    assert name == resolve_image(connection, f"python{RUNNING}", name)


def test_named_image_that_is_not_there_is_told(connection: DockerConnection):
    """No other image is taken in its place."""
    with pytest.raises(ImageMissing, match="livejob-test/own:8 is not in the engine") as caught:
        resolve_image(connection, f"python{RUNNING}", "livejob-test/own:8")

    assert "`docker pull livejob-test/own:8`" == caught.value.remedy


def test_built_image_serves_its_runtime(
    docker: DockerUnderTest, connection: DockerConnection, api: APIClient
):
    """Without AWS's image the one that livejob built is taken."""
    try:
        api.inspect_image(f"public.ecr.aws/lambda/python:{RUNNING}")
        pytest.skip("AWS's own image is here and comes first")
    except ImageNotFound:
        assert docker.image == resolve_image(connection, f"python{RUNNING}")


def test_aws_s_image_comes_first(connection: DockerConnection, tag: Tag):
    """Where Lambda's own image is in the engine, it is taken."""
    name = tag("public.ecr.aws/lambda/python:3.99")

    assert name == resolve_image(connection, "python3.99")


def test_runtime_without_an_image_is_told_how_to_get_one(connection: DockerConnection):
    """Both ways are named: building and pulling."""
    with pytest.raises(ImageMissing, match=r"no image for python3\.98") as caught:
        resolve_image(connection, "python3.98")

    assert "livejob image build --python 3.98" in caught.value.remedy
    assert "docker pull public.ecr.aws/lambda/python:3.98" in caught.value.remedy
