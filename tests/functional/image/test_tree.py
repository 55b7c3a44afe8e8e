"""A root file system as a value."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from livejob.local_runner.image.tree import Directory, HostFile, Link, Text, Tree, digest, tar_stream


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"\x00binary")
    return path


def a_tree(program: Path) -> Tree:
    return {
        "/usr/bin/tool": HostFile(program, 0o755),
        "/etc/passwd": Text("root\n"),
        "/bin": Link("usr/bin"),
        "/tmp": Directory(0o1777),
    }


def test_archive_holds_the_tree(program: Path):
    """Files, links and directories are in it, with their modes, owned by root, and their parents too."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar_stream(a_tree(program))))) as archive:
        members = {member.name: member for member in archive}
        content = archive.extractfile("usr/bin/tool")

        assert ["bin", "etc", "etc/passwd", "tmp", "usr", "usr/bin", "usr/bin/tool"] == list(members)
        assert content is not None and b"\x00binary" == content.read()
    assert (0o755, 0o1777) == (members["usr/bin/tool"].mode, members["tmp"].mode)
    assert "usr/bin" == members["bin"].linkname
    assert {(0, 0, 0)} == {(member.uid, member.gid, int(member.mtime)) for member in members.values()}


def test_archive_and_digest_do_not_depend_on_order_or_dates(program: Path):
    """The same entries, however they came together and whenever their files were written, are the same."""
    tree = a_tree(program)
    before = digest(tree), b"".join(tar_stream(tree))
    os.utime(program, (1, 1))

    backwards = dict(reversed(tree.items()))

    assert before == (digest(backwards), b"".join(tar_stream(backwards)))


@pytest.mark.parametrize(
    "change",
    [
        {"/etc/passwd": Text("root\nmia\n")},
        {"/etc/passwd": Text("root\n", 0o600)},
        {"/bin": Link("usr/sbin")},
        {"/new": Directory()},
    ],
)
def test_digest_changes_with_any_entry(program: Path, change: Tree):
    """A content, a mode, a target or a path that differs makes another tree."""
    assert digest(a_tree(program)) != digest({**a_tree(program), **change})


def test_digest_changes_with_a_files_content(program: Path):
    """A file of this machine counts by what is in it."""
    before = digest(a_tree(program))

    program.write_bytes(b"\x00another")

    assert before != digest(a_tree(program))
