"""Saves become change sets."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from livejob.local_runner.watcher import SourceWatcher, is_never_source


@asynccontextmanager
async def watched(root: Path, *beside: Path) -> AsyncIterator[AsyncIterator[frozenset[Path]]]:
    watcher = SourceWatcher([root], beside)
    watcher.open()
    try:
        yield watcher.changes()
    finally:
        await watcher.close()


async def wait_change(changes: AsyncIterator[frozenset[Path]], path: Path) -> frozenset[Path]:
    """The first change set that names `path`."""
    async with asyncio.timeout(10):
        async for paths in changes:
            if path in paths:
                return paths
    raise AssertionError("the watcher ended")


async def test_a_plain_save_is_seen(tmp_path: Path):
    """Writing a file yields its path."""
    path = tmp_path / "job.py"
    async with watched(tmp_path) as changes:
        path.write_text("x = 1\n")

        assert path in await wait_change(changes, path)


async def test_an_atomic_rename_is_seen(tmp_path: Path):
    """An editor that writes beside the file and renames yields the file's path."""
    path = tmp_path / "job.py"
    path.write_text("x = 1\n")
    async with watched(tmp_path) as changes:
        beside = tmp_path / "job.py.tmp"
        beside.write_text("x = 2\n")
        beside.rename(path)

        assert path in await wait_change(changes, path)


async def test_a_file_in_a_new_directory_is_seen(tmp_path: Path):
    """A directory made together with its file does not hide the file."""
    path = tmp_path / "a" / "b" / "job.py"
    async with watched(tmp_path) as changes:
        path.parent.mkdir(parents=True)
        path.write_text("x = 1\n")

        assert path in await wait_change(changes, path)


async def test_a_deleted_file_is_a_change(tmp_path: Path):
    """Deleting a module is news too."""
    path = tmp_path / "job.py"
    path.write_text("x = 1\n")
    async with watched(tmp_path) as changes:
        path.unlink()

        assert path in await wait_change(changes, path)


async def test_reading_is_no_change(tmp_path: Path):
    """A process that imports a module does not look like a save."""
    path, marker = tmp_path / "job.py", tmp_path / "marker.txt"
    path.write_text("x = 1\n")
    async with watched(tmp_path) as changes:
        subprocess.run(["cat", str(path)], check=True, stdout=subprocess.DEVNULL)
        marker.write_text("end")

        assert path not in await wait_change(changes, marker)


def test_caches_and_swap_files_are_never_source():
    """What tools leave in a tree triggers nothing."""
    names = (".git/index", "__pycache__/job.pyc", ".venv/lib/x.py", "job.py~", ".job.py.swp", ".livejob/x")

    assert [True] * len(names) == [is_never_source(Path(name)) for name in names]
    assert not is_never_source(Path("job.py"))


async def test_a_directory_beside_the_source_is_watched_without_what_is_below(tmp_path: Path):
    """A file beside the source is a change, one in another directory there is none."""
    source, other = tmp_path / "src", tmp_path / "frontend"
    source.mkdir()
    other.mkdir()
    async with watched(source, tmp_path) as changes:
        (other / "index.py").write_text("")
        (tmp_path / "requirements.txt").write_text("")
        (source / "job.py").write_text("")

        paths = await wait_change(changes, tmp_path / "requirements.txt")
        if source / "job.py" not in paths:
            paths |= await wait_change(changes, source / "job.py")

    assert other / "index.py" not in paths
