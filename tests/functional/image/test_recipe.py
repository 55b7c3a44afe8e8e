"""What goes into the image, planned for the running Python."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import pytest

from livejob.local_runner.image.interpreter import find_python
from livejob.local_runner.image.recipe import Recipe, plan
from livejob.local_runner.image.tree import Entry, HostFile

RUNNING = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return plan(find_python(RUNNING, {}))


def names_below(tree: Mapping[str, Entry], directory: str) -> set[str]:
    return {
        path.removeprefix(f"{directory}/").split("/")[0] for path in tree if path.startswith(f"{directory}/")
    }


def test_lambdas_places_are_there(recipe: Recipe):
    """The directories that Lambda has, and the mount points that a read-only root cannot grow."""
    for path in ("/var/task", "/var/runtime", "/opt/python", "/opt/livejob/livejob", "/tmp", "/etc/passwd"):
        assert path in recipe.tree


def test_boto3_comes_with_all_it_needs(recipe: Recipe):
    """As in Lambda's image: boto3 and what it imports, and none of what else is installed here."""
    packages = names_below(recipe.tree, f"/var/lang/lib/python{RUNNING}/site-packages")

    assert {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"} <= packages
    assert not {"pytest", "docker", "livejob", "pip"} & packages
    assert recipe.packages.keys() >= {"boto3", "botocore"}


def test_tests_of_the_standard_library_stay_out(recipe: Recipe):
    """What no handler imports does not make the image larger."""
    modules = names_below(recipe.tree, f"/var/lang/lib/python{RUNNING}")

    assert {"os.py", "json", "asyncio", "lib-dynload"} <= modules
    assert not {"test", "idlelib", "tkinter", "__pycache__"} & modules


def test_libraries_are_files_of_this_machine(recipe: Recipe):
    """Each program's loader and C library are in the image."""
    libraries = [path for path in recipe.tree if "/libc.so." in path or "/ld-" in path]

    assert libraries
    assert all(isinstance(recipe.tree[path], HostFile) for path in libraries)


def test_same_inputs_give_the_same_digest(recipe: Recipe):
    """Planning again changes nothing: only then a second build has nothing to do."""
    assert recipe.digest == plan(find_python(RUNNING, {})).digest
