"""Packages without a wheel are built where the job will run: in its image."""

from __future__ import annotations

import os
import platform
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.deploy.build import Platform
from livejob.deploy.dependencies import pack_packages
from livejob.errors import DependenciesUnusable
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.package_build import PackageBuild
from livejob.project.dependencies import WantedPackages, wanted_packages
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.wheels import make_sdist

HERE = Platform(f"python{'.'.join(platform.python_version_tuple()[:2])}", "x86_64")


@pytest.fixture
def said() -> list[str]:
    """What the person was told."""
    return []


@pytest.fixture
def build(docker: DockerUnderTest, tmp_path: Path, said: list[str]) -> Iterator[PackageBuild]:
    connection = DockerConnection(docker.endpoint)
    yield PackageBuild(connection, os.environ, tmp_path / "uv", said.append)
    connection.close()


def wanted_from(directory: Path) -> WantedPackages:
    """What an app asks for whose only package is in `directory/sources`."""
    sources = directory / "sources"
    (directory / "requirements.txt").write_text(f"--no-index\n--find-links {sources}\ntiny\n")
    wanted = wanted_packages(directory, directory)
    assert wanted is not None
    return wanted


def test_package_without_a_wheel_is_built_in_the_image(
    build: PackageBuild, docker: DockerUnderTest, tmp_path: Path, said: list[str]
) -> None:
    """The image's own Python builds it; the person is told that and where, once for each content."""
    make_sdist(tmp_path / "sources", "tiny", "1.0")
    wanted = wanted_from(tmp_path)

    packed = pack_packages(wanted, HERE, tmp_path / "kept", build)
    again = pack_packages(wanted, HERE, tmp_path / "kept", build)

    with zipfile.ZipFile(packed.zip) as archive:
        text = archive.read("python/tiny.py").decode()
    assert "BUILT_WITH = '/var/lang'\n" == text
    assert packed == again
    assert [
        f"building packages of requirements.txt in {docker.image} (kept until the file changes) …"
    ] == said


def test_missing_compiler_is_named_with_an_image_that_has_one(build: PackageBuild, tmp_path: Path) -> None:
    """Lambda's images have no compiler; the error says where one is to be had."""
    make_sdist(tmp_path / "sources", "tiny", "1.0", commands=("gcc",))

    with pytest.raises(DependenciesUnusable) as caught:
        pack_packages(wanted_from(tmp_path), HERE, tmp_path / "kept", build)

    assert "tiny" in caught.value.message
    assert "has no compiler: `docker pull public.ecr.aws/sam/build-python" in caught.value.remedy


def test_image_of_another_architecture_is_asked_for(build: PackageBuild, tmp_path: Path) -> None:
    """An image for the wrong machine builds nothing: the error says which one to get."""
    make_sdist(tmp_path / "sources", "tiny", "1.0")

    with pytest.raises(DependenciesUnusable) as caught:
        pack_packages(wanted_from(tmp_path), Platform(HERE.runtime, "arm64"), tmp_path / "kept", build)

    assert "no image for arm64" in caught.value.message
    assert "docker pull --platform linux/arm64" in caught.value.remedy
