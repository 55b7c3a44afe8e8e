"""SnapshotSources: what imports are told from memory, and what is left to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.runner.snapshot import SnapshotSources, SourceChanges, pack, unpack

ROOT = "/var/task"


@pytest.fixture
def sources() -> SnapshotSources:
    snapshot = SnapshotSources(ROOT)
    snapshot.apply(
        SourceChanges(
            files={"job.py": pack(b"VALUE = 1"), "shop/__init__.py": pack(b"")},
            directories=["", "shop"],
            left=["fast.so", "lib"],
        )
    )
    return snapshot


@pytest.mark.parametrize("text", [b"", b"x", b"x = 1\n" * 1000, bytes(range(256))])
def test_a_packed_text_comes_back(text: bytes):
    """What is packed is the same when it is unpacked."""
    assert text == unpack(pack(text))


def test_a_long_text_is_packed():
    """Texts of many lines take less than their own length."""
    assert 1000 > len(pack(b"x = 1\n" * 1000))


def test_a_file_is_read_from_memory(sources: SnapshotSources):
    """A file of the snapshot is there though the disk has nothing of it."""
    entry = sources.look(f"{ROOT}/job.py")

    assert entry is not None and not entry.is_directory
    assert b"VALUE = 1" == sources.read(f"{ROOT}/job.py")


def test_directories_are_there(sources: SnapshotSources):
    """The root and its packages are directories."""
    entries = [sources.look(path) for path in (ROOT, f"{ROOT}/shop", f"{ROOT}/shop/")]

    assert [True, True, True] == [entry is not None and entry.is_directory for entry in entries]


def test_names_of_a_directory(sources: SnapshotSources):
    """A directory lists what lies directly in it, also what is left on disk."""
    assert ["fast.so", "job.py", "lib", "shop"] == sorted(sources.names(ROOT))
    assert ["__init__.py"] == sources.names(f"{ROOT}/shop")


def test_a_path_that_goes_up_and_down(sources: SnapshotSources):
    """`shop/../job.py`, as code builds paths, is the same file."""
    assert sources.look(f"{ROOT}/job.py") == sources.look(f"{ROOT}/shop/../job.py")


def test_every_content_has_a_stamp_of_its_own(sources: SnapshotSources):
    """A new content of the same length is told from the old, and from the one before it."""
    stamps = []
    for text in (b"VALUE = 2", b"VALUE = 1"):
        before = sources.look(f"{ROOT}/job.py")
        sources.apply(SourceChanges(files={"job.py": pack(text)}))
        stamps.append((before, sources.look(f"{ROOT}/job.py")))

    assert [True, True] == [before != after for before, after in stamps]
    assert stamps[0][0] != stamps[1][1]


def test_what_is_removed_is_gone(tmp_path: Path):
    """A removed file is not found, though the disk still has one of that name."""
    sources = SnapshotSources(str(tmp_path))
    sources.apply(SourceChanges(files={"job.py": pack(b"")}, directories=["shop"]))
    (tmp_path / "job.py").write_text("")
    (tmp_path / "shop").mkdir()

    sources.apply(SourceChanges(removed=["job.py", "shop"]))

    assert [None, None] == [sources.look(f"{tmp_path}/job.py"), sources.look(f"{tmp_path}/shop")]


def test_what_appears_on_disk_is_not_seen(tmp_path: Path):
    """A file that is written later is not there before the snapshot has it."""
    sources = SnapshotSources(str(tmp_path))
    sources.apply(SourceChanges(directories=[""]))

    (tmp_path / "later.py").write_text("")

    assert sources.look(f"{tmp_path}/later.py") is None


def test_what_is_left_is_on_disk(tmp_path: Path):
    """Left files and all below left directories are looked for on disk each time."""
    sources = SnapshotSources(str(tmp_path))
    sources.apply(SourceChanges(left=["lib", "fast.so"]))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.py").write_text("VALUE = 3")
    (tmp_path / "fast.so").write_bytes(b"")

    found = [sources.look(f"{tmp_path}/{name}") for name in ("lib", "lib/part.py", "fast.so", "lib/none.py")]

    assert [True, False, False, None] == [entry and entry.is_directory for entry in found]
    assert b"VALUE = 3" == sources.read(f"{tmp_path}/lib/part.py")


def test_without_a_snapshot_it_is_the_disk(tmp_path: Path):
    """Until the first changes come, everything is looked for on disk."""
    sources = SnapshotSources(str(tmp_path))
    (tmp_path / "job.py").write_text("VALUE = 4")

    assert b"VALUE = 4" == sources.read(f"{tmp_path}/job.py")
    assert ["job.py"] == sources.names(str(tmp_path))
