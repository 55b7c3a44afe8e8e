"""Bundles: what is in them, for which platform, and that equal input gives equal ones."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from livejob.deploy.build import Platform
from livejob.deploy.bundle import KEPT_BUNDLES, Bundle, Bundler
from livejob.errors import DependenciesUnusable, EngineUnavailable, JobSpecInvalid
from tests.support.job_specs import a_job
from tests.support.wheels import make_wheel

LINUX = Platform("python3.12", "x86_64")
GRAVITON = Platform("python3.12", "arm64")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with one job's file."""
    app = tmp_path / "app"
    (app / "src").mkdir(parents=True)
    (app / "src/jobs.py").write_text("def resize(payload):\n    return payload\n")
    return app


def bundle_of(app: Path, platform: Platform = LINUX) -> Bundle:
    return Bundler(app, app / "src", app / ".livejob/bundles").bundle(platform, [a_job()])


def names_in(bundle: Bundle) -> set[str]:
    with zipfile.ZipFile(bundle.path) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def write(app: Path, *paths: str) -> None:
    for path in paths:
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text("x")


def test_bundle_has_the_source_and_what_runs_it(app: Path):
    """The source is in `task`, and in `livejob` what a build starts and what user code imports."""
    names = names_in(bundle_of(app))

    assert {
        "task/jobs.py",
        "livejob/livejob/build_runner/__main__.py",
        "livejob/livejob/sdk/__init__.py",
    } <= (names)
    assert not any(name.startswith(("livejob/livejob/cli", "livejob/livejob/local_aws")) for name in names)


def test_what_tools_made_and_secrets_stay_out(app: Path):
    """Data and hidden files are deployed; environments, caches, ignored directories and secrets are not."""
    write(app, "src/data/table.csv", "src/.pylintrc", "src/build/made.py")
    write(
        app, "src/.venv/pyvenv.cfg", "src/.git/HEAD", "src/__pycache__/jobs.pyc", "src/.env", "src/.env.prod"
    )
    (app / "src/.gitignore").write_text("build/\n")

    tasks = {name for name in names_in(bundle_of(app)) if name.startswith("task/")}

    assert {"task/jobs.py", "task/data/table.csv", "task/.pylintrc", "task/.gitignore"} == tasks


def test_programs_stay_programs(app: Path):
    """A script of the source can be executed in a build as well."""
    (app / "src/tool.sh").write_text("#!/bin/sh\n")
    (app / "src/tool.sh").chmod(0o755)

    with zipfile.ZipFile(bundle_of(app).path) as archive:
        modes = {name: archive.getinfo(name).external_attr >> 16 for name in ("task/tool.sh", "task/jobs.py")}

    assert {"task/tool.sh": 0o100755, "task/jobs.py": 0o100644} == modes


def test_equal_apps_give_equal_bundles(app: Path, tmp_path: Path):
    """Another directory, other times, another order of writing: the same digest and the same bytes."""
    write(app, "src/a.txt", "src/b.txt")
    other = tmp_path / "other"
    write(other, "src/b.txt", "src/a.txt")
    (other / "src/jobs.py").write_text((app / "src/jobs.py").read_text())
    os.utime(other / "src/jobs.py", (1, 1))

    one, two = bundle_of(app), bundle_of(other)

    assert one.digest == two.digest
    assert one.path.read_bytes() == two.path.read_bytes()


@pytest.mark.parametrize("change", ["text", "mode", "name"])
def test_every_change_of_the_source_is_another_bundle(app: Path, change: str):
    """Content, mode and name are in the digest."""
    before = bundle_of(app)
    write(app, "src/more.txt") if change == "name" else None
    (app / "src/jobs.py").write_text("def resize(payload): ...\n") if change == "text" else None
    (app / "src/jobs.py").chmod(0o755) if change == "mode" else None

    after = bundle_of(app)

    assert before.digest != after.digest


def test_packages_are_those_of_the_jobs_platform(app: Path):
    """From wheels for several machines the one of the job's architecture is taken."""
    for machine in ("x86_64", "aarch64"):
        make_wheel(
            app / "wheels", "tiny", "1.0", f"MADE_FOR = {machine!r}\n", f"py3-none-manylinux2014_{machine}"
        )
    (app / "requirements.txt").write_text(f"--no-index\n--find-links {app / 'wheels'}\ntiny\n")

    texts = {}
    for platform in (LINUX, GRAVITON):
        with zipfile.ZipFile(bundle_of(app, platform).path) as archive:
            texts[platform.architecture] = archive.read("python/tiny.py").decode()

    assert {"x86_64": "MADE_FOR = 'x86_64'\n", "arm64": "MADE_FOR = 'aarch64'\n"} == texts


def test_package_without_a_wheel_for_the_platform_is_named(app: Path):
    """The error says which package and for which machine, and what can be done."""
    make_wheel(app / "wheels", "tiny", "1.0", "", "py3-none-manylinux2014_x86_64")
    (app / "requirements.txt").write_text(f"--no-index\n--find-links {app / 'wheels'}\ntiny\n")

    with pytest.raises(DependenciesUnusable) as caught:
        bundle_of(app, GRAVITON)

    assert "tiny" in caught.value.message
    assert "Linux arm64, Python 3.12" in caught.value.remedy


def test_without_an_engine_the_remedy_is_to_start_one(app: Path):
    """The package is named, why it cannot be built, and what to do."""

    class NoEngine:
        def install(self, requirements: Path, runtime: str, architecture: str, into: Path) -> None:
            raise EngineUnavailable("no container engine: there is no socket")

    make_wheel(app / "wheels", "tiny", "1.0", "", "py3-none-manylinux2014_x86_64")
    (app / "requirements.txt").write_text(f"--no-index\n--find-links {app / 'wheels'}\ntiny\n")

    with pytest.raises(DependenciesUnusable) as caught:
        Bundler(app, app / "src", app / ".livejob/bundles", NoEngine()).bundle(GRAVITON, [a_job()])

    assert "tiny" in caught.value.message
    assert "Start Docker" in caught.value.remedy
    assert "no container engine" in caught.value.remedy


def test_packages_are_installed_once_for_a_lock(app: Path):
    """A change of the code takes the packed packages that are kept: their wheel is not needed any more."""
    wheel = make_wheel(app / "wheels", "tiny", "1.0", "VALUE = 1\n")
    (app / "requirements.txt").write_text(f"{wheel}\n")
    bundle_of(app)
    wheel.unlink()
    (app / "src/jobs.py").write_text("def resize(payload): ...\n")

    names = names_in(bundle_of(app))

    assert {"python/tiny.py", "task/jobs.py"} <= names


def test_handler_that_is_not_deployed_is_told(app: Path):
    """A handler in an ignored directory would be missed only when the first run fails."""
    job = a_job(handler="build/jobs.resize")
    write(app, "src/build/jobs.py")
    (app / "src/.gitignore").write_text("build/\n")

    with pytest.raises(JobSpecInvalid) as caught:
        Bundler(app, app / "src", app / ".livejob/bundles").bundle(LINUX, [job])

    assert "jobs.py:1: Resize has its handler in build/jobs.py, which is not deployed" == caught.value.message


def test_old_bundles_make_room(app: Path):
    """A few are kept, for the way back."""
    for number in range(KEPT_BUNDLES + 2):
        (app / "src/jobs.py").write_text(f"def resize(payload): return {number}\n")
        last = bundle_of(app)

    kept = list((app / ".livejob/bundles").glob("*.zip"))

    assert KEPT_BUNDLES == len(kept)
    assert last.path in kept


def test_bundle_begins_with_its_packages(app: Path):
    """Byte for byte, so that this part of it needs to be uploaded once for all bundles with the packages."""
    wheel = make_wheel(app / "wheels", "tiny", "1.0", "VALUE = 1\n")
    (app / "requirements.txt").write_text(f"{wheel}\n")

    bundle = bundle_of(app)

    assert bundle.shared is not None
    size_bytes = bundle.shared.size_bytes
    assert bundle.path.read_bytes()[:size_bytes] == bundle.shared.path.read_bytes()[:size_bytes]
