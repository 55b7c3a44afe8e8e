"""An app's packages: found in its files, installed once, told apart by what was asked for."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from livejob.errors import DependenciesUnusable
from livejob.project.dependencies import (
    TargetPython,
    install_packages,
    packages_directory,
    remove_unused,
    wanted_packages,
)
from tests.support.wheels import make_wheel

PYTHON = TargetPython(".".join(platform.python_version_tuple()[:2]), Path(sys.executable))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    app.mkdir()
    return app


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def require(app: Path, *lines: str, name: str = "requirements.txt") -> None:
    (app / name).write_text("".join(f"{line}\n" for line in lines))


def installed(app: Path, cache: Path, target: TargetPython = PYTHON) -> Path:
    wanted = wanted_packages(app, app)
    assert wanted is not None
    return install_packages(cache, wanted, target)


def test_an_app_without_requirements_wants_nothing(app: Path):
    """Without a file that asks for packages there are none."""
    assert wanted_packages(app, app) is None


def test_requirements_are_installed(app: Path, cache: Path):
    """What requirements.txt names is in the directory afterwards, compiled; nothing else is in the cache."""
    require(app, str(make_wheel(app / "wheels", "tiny", "1.0", "VALUE = 1\n")))

    directory = installed(app, cache)

    assert "VALUE = 1\n" == (directory / "tiny.py").read_text()
    assert [directory] == list(cache.iterdir())
    assert list(directory.rglob("tiny.*.pyc"))


def test_the_same_is_not_installed_again(app: Path, cache: Path):
    """Asked again for the same, the directory is taken as it is."""
    wheel = make_wheel(app / "wheels", "tiny", "1.0", "")
    require(app, str(wheel))
    first = installed(app, cache)
    wheel.unlink()

    assert first == installed(app, cache)


def test_another_version_is_another_directory(app: Path, cache: Path):
    """After a change both are there, until what is not used is removed."""
    require(app, str(make_wheel(app / "wheels", "tiny", "1.0", "VALUE = 1\n")))
    first = installed(app, cache)
    require(app, str(make_wheel(app / "wheels", "tiny", "2.0", "VALUE = 2\n")))
    second = installed(app, cache)
    remove_unused(cache, frozenset({second}))

    assert first != second
    assert "VALUE = 2\n" == (second / "tiny.py").read_text()
    assert [second] == list(cache.iterdir())


def test_files_that_are_named_count(app: Path):
    """A change in a file that requirements.txt includes is a change of what is wanted."""
    require(app, "-r base.txt")
    require(app, "tiny==1.0", name="base.txt")
    before = wanted_packages(app, app)
    require(app, "tiny==2.0", name="base.txt")

    assert before != wanted_packages(app, app)


def test_an_included_file_is_found(app: Path, cache: Path):
    """Included files are looked for beside the one that names them."""
    require(app, str(make_wheel(app / "wheels", "tiny", "1.0", "")), name="base.txt")
    require(app, "-r base.txt")

    assert (installed(app, cache) / "tiny.py").exists()


def test_an_included_file_that_is_missing(app: Path):
    """A named file that is not there is told by name."""
    require(app, "-r base.txt")

    with pytest.raises(DependenciesUnusable, match=r"base\.txt cannot be read"):
        wanted_packages(app, app)


def test_livejob_itself_is_not_installed(app: Path, cache: Path):
    """Workers have their daemon's livejob; one in the packages would be another version beside it."""
    wheel = make_wheel(app / "wheels", "tiny", "1.0", "")
    # With a hash somewhere the file is a lock, which names what livejob needs by itself.
    require(app, f"livejob==99.0 \\\n    --hash=sha256:{'0' * 64}", str(wheel))

    assert ["tiny.py"] == [path.name for path in installed(app, cache).glob("*.py")]


def test_a_lock_of_uv(app: Path, cache: Path):
    """uv.lock with its pyproject.toml says what is installed; the project and its tools are not."""
    make_wheel(app / "wheels", "tiny", "1.0", "")
    make_wheel(app / "wheels", "lint", "1.0", "")
    (app / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["tiny"]\n'
        '[dependency-groups]\ndev = ["lint"]\n'
        '[tool.uv]\nno-index = true\nfind-links = ["wheels"]\n'
    )
    subprocess.run([sys.executable, "-m", "uv", "lock", "--quiet", "--offline"], cwd=app, check=True)

    assert ["tiny.py"] == [path.name for path in installed(app, cache).glob("*.py")]


def test_a_package_without_a_wheel_for_the_jobs_system(app: Path, cache: Path):
    """Where nothing can be built, a package that has no wheel is named."""
    make_wheel(app / "wheels", "tiny", "1.0", "", tag="cp27-cp27m-win32")
    require(app, "--no-index", f"--find-links {app / 'wheels'}", "tiny")

    with pytest.raises(DependenciesUnusable, match="tiny") as caught:
        installed(app, cache, TargetPython("3.12", None))
    assert str(app / "requirements.txt") in caught.value.message
    assert [] == list(cache.iterdir())


def test_each_python_has_its_own(app: Path, cache: Path):
    """Packages for another Python are in another directory."""
    require(app, "tiny")
    wanted = wanted_packages(app, app)
    assert wanted is not None

    directories = {packages_directory(cache, wanted, TargetPython(minor, None)) for minor in ("3.12", "3.13")}

    assert 2 == len(directories)
