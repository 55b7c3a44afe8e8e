"""Packages without a wheel, built inside the image that jobs run in."""

from __future__ import annotations

import os
import platform
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundle, Bundler
from livejob.errors import DependenciesUnusable
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.installing import ImageInstaller, Surroundings
from livejob.project.specs import Architecture
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.job_specs import a_job
from tests.support.wheels import make_sdist

MINOR = ".".join(platform.python_version_tuple()[:2])
ARCHITECTURE: Architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"

IN_IMAGE = 'f"MADE_WITH = {os.sys.base_prefix!r}\\n"'


class BuilderUnderTest:
    """Builds in the engine of the tests; remembers what was told."""

    def __init__(self, docker: DockerUnderTest, app: Path) -> None:
        self.told: list[str] = []
        user = f"{os.getuid()}:{os.getgid()}"
        surroundings = Surroundings({}, user, Path(find_uv_bin()))
        connection = DockerConnection(docker.endpoint)
        self.install = ImageInstaller(connection, app, None, surroundings, self.told.append).install
        self.close = connection.close


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that asks for `tiny`, of which there is no wheel."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/jobs.py").write_text("def resize(payload):\n    return payload\n")
    (tmp_path / "requirements.txt").write_text(f"--no-index\n--find-links {tmp_path / 'dist'}\ntiny\n")
    return tmp_path


@pytest.fixture
def builder(docker: DockerUnderTest, app: Path):
    """What builds in an image."""
    builder = BuilderUnderTest(docker, app)
    yield builder
    builder.close()


def bundle_of(app: Path, builder: BuilderUnderTest, architecture: Architecture = ARCHITECTURE) -> Bundle:
    bundler = Bundler(app, app / "src", app / ".livejob/bundles", builder)
    return bundler.bundle(Platform(f"python{MINOR}", architecture), [a_job()])


def test_package_without_a_wheel_is_built_in_the_image(
    app: Path, docker: DockerUnderTest, builder: BuilderUnderTest
):
    """By the image's own Python; whoever waits for it is told."""
    make_sdist(app / "dist", "tiny", "1.0", IN_IMAGE)

    bundle = bundle_of(app, builder)

    with zipfile.ZipFile(bundle.path) as archive:
        assert "MADE_WITH = '/var/lang'\n" == archive.read("python/tiny.py").decode()
    assert [f"not every package has a wheel: building inside {docker.image}"] == builder.told


def test_built_packages_are_kept_for_the_lock(app: Path, builder: BuilderUnderTest):
    """A change of the code builds nothing again."""
    sdist = make_sdist(app / "dist", "tiny", "1.0", IN_IMAGE)
    bundle_of(app, builder)
    sdist.unlink()
    (app / "src/jobs.py").write_text("def resize(payload): ...\n")

    bundle_of(app, builder)

    assert 1 == len(builder.told)


def test_missing_compiler_is_named(app: Path, builder: BuilderUnderTest):
    """An extension in C needs more than the image has: the error shows the build's words, and the way out."""
    make_sdist(app / "dist", "tiny", "1.0", "''", build='subprocess.run(["gcc", "tiny.c"], check=True)')

    with pytest.raises(DependenciesUnusable) as caught:
        bundle_of(app, builder)

    assert "tiny" in caught.value.message
    assert "No such file or directory: 'gcc'" in caught.value.message
    assert caught.value.remedy.startswith("The image has no compiler.")


def test_image_of_another_architecture_is_told(app: Path, builder: BuilderUnderTest):
    """What would be built in it could not run where the job runs."""
    make_sdist(app / "dist", "tiny", "1.0", IN_IMAGE)
    other: Architecture = "arm64" if ARCHITECTURE == "x86_64" else "x86_64"

    with pytest.raises(DependenciesUnusable) as caught:
        bundle_of(app, builder, other)

    assert f"would have to be built on Linux {other}" in caught.value.message
    assert "docker pull --platform linux/" in caught.value.remedy
