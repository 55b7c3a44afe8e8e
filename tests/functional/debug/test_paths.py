"""The same file here and in a worker."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from livejob.local_runner.debug.paths import LocalPaths, WorkerPaths, wrong_mapping

STDLIB = Path(sysconfig.get_path("stdlib"))


@pytest.fixture
def local(tmp_path: Path) -> LocalPaths:
    """An app of one file in a directory."""
    source = tmp_path / "app"
    (source / "orders").mkdir(parents=True)
    (source / "orders" / "jobs.py").write_text("x = 1\n")
    return LocalPaths(source)


def test_everything_of_a_container_is_mapped(local: LocalPaths, tmp_path: Path) -> None:
    """Source, packages and the standard library of the same version have their local directories."""
    worker = WorkerPaths("/var/task", f"/var/lang/lib/{STDLIB.name}", tmp_path / "packages")

    pairs = [(each["localRoot"], each["remoteRoot"]) for each in local.mappings(worker)]

    assert [
        (str(local.source), "/var/task"),
        (str(tmp_path / "packages"), "/opt/python"),
        (str(STDLIB), f"/var/lang/lib/{STDLIB.name}"),
    ] == pairs


def test_the_library_of_another_version_is_not_mapped(local: LocalPaths) -> None:
    """Lines of another version would not fit."""
    worker = WorkerPaths("/var/task", "/var/lang/lib/python3.9")

    assert ["/var/task"] == [each["remoteRoot"] for each in local.mappings(worker)]


def test_a_link_is_another_name_for_the_source(local: LocalPaths, tmp_path: Path) -> None:
    """From one file below a symbolic link follows what the editor calls the source."""
    (tmp_path / "link").symlink_to(local.source)

    names = {
        name: local.alias_of(str(tmp_path / name / "orders" / "jobs.py")) for name in ("link", "app", "none")
    }

    assert {"link": str(tmp_path / "link"), "app": None, "none": None} == names


def test_the_same_file_of_a_copy_is_meant(local: LocalPaths, tmp_path: Path) -> None:
    """A file outside is taken for one of the source if its text is the same; a namesake is not."""
    for name, text in (("copy", "x = 1\n"), ("other", "y = 2\n")):
        (tmp_path / name / "orders").mkdir(parents=True)
        (tmp_path / name / "orders" / "jobs.py").write_text(text)

    meant = {
        name: local.meant_file(str(tmp_path / name / "orders" / "jobs.py")) for name in ("copy", "other")
    }

    assert {"copy": local.source / "orders" / "jobs.py", "other": None} == meant


def test_a_mapping_of_another_directory_is_wrong(local: LocalPaths, tmp_path: Path) -> None:
    """Only a directory of this machine that is not the source is called wrong."""
    roots = {"app": str(local.source), "other": str(tmp_path), "elsewhere": "/Users/mia/app"}

    wrong = {
        name: wrong_mapping(local, [{"localRoot": root, "remoteRoot": "/var/task"}]) is not None
        for name, root in roots.items()
    }

    assert {"app": False, "other": True, "elsewhere": False} == wrong


def test_paths_are_shown_relative_to_the_source(local: LocalPaths) -> None:
    """What a person reads is short where it can be."""
    shown = [local.shown(str(local.source / "orders" / "jobs.py")), local.shown("/opt/python/x.py")]

    assert ["orders/jobs.py", "/opt/python/x.py"] == shown
