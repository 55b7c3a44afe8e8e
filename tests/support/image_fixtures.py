"""Images of container jobs as tests need them: orders, contexts, and a base without Python or GNU tools."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from docker.api.client import APIClient

from livejob.images.docker_command import DockerCommand
from livejob.images.port import ImageOrder
from tests.support.engine_fixtures import ENV_REQUIRE_DOCKER, DockerUnderTest

BUSYBOX_IMAGE = "livejob-test/busybox:1"

_APPLETS = (
    "sh",
    "cat",
    "wc",
    "ls",
    "printf",
    "echo",
    "sleep",
    "env",
    "id",
    "true",
    "false",
    "head",
    "find",
    "sha256sum",
    "tail",
)


def an_image_order(directory: Path, **fields: object) -> ImageOrder:
    """An image made of `directory`."""
    usual: dict[str, object] = {"file": "Dockerfile", "build_args": {}, "platform": "linux/amd64"}
    return ImageOrder(directory=directory, **(usual | fields))  # type: ignore[arg-type]


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Make the files, by relative path, with the directories that they need."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def a_tag() -> str:
    """A name that no other image has."""
    return f"livejob-test/{uuid.uuid4().hex}:1"


def docker_environment(docker: DockerUnderTest) -> dict[str, str]:
    """Variables of a docker command for the engine under test."""
    return {**os.environ, "DOCKER_HOST": docker.endpoint.url}


@pytest.fixture
def docker_command(docker: DockerUnderTest) -> Iterator[DockerCommand]:
    """livejob's docker command on the engine of this machine."""
    command = DockerCommand(docker_environment(docker))
    yield command
    command.stop()


@pytest.fixture(scope="session")
def busybox_image(docker: DockerUnderTest) -> str:
    """An image in the engine with busybox alone: its shell and its tools, no Python."""
    program = shutil.which("busybox")
    if program is None:
        reason = "no busybox on this machine (Debian: busybox-static) to make an image of"
        if os.environ.get(ENV_REQUIRE_DOCKER) == "1":
            pytest.fail(f"{ENV_REQUIRE_DOCKER}=1, and {reason}", pytrace=False)
        pytest.skip(reason)
    client = APIClient(base_url=docker.endpoint.url)
    try:
        repository, _, tag = BUSYBOX_IMAGE.partition(":")
        client.import_image_from_data(_busybox_tree(Path(program)), repository=repository, tag=tag)
    finally:
        client.close()
    return BUSYBOX_IMAGE


def _busybox_tree(program: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for directory in ("bin", "tmp", "root"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(program.resolve(), "bin/busybox")
        for applet in _APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return packed.getvalue()
