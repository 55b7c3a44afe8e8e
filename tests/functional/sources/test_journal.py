"""The kernel's journal of changes, and a listing that is kept up to date by it instead of a full scan."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livejob.clock import SteppedClock, SystemClock
from livejob.local_runner.sources.journal import (
    InotifyJournal,
    Journal,
    NoJournal,
    file_system_of,
    open_journal,
)
from livejob.local_runner.sources.listing import NOTHING, Listing
from livejob.local_runner.sources.scan import SourceScan
from livejob.runner.snapshot import unpack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


class Blind:
    """A journal that hides what it has noted: only stamps can tell."""

    def watch(self, path: str, place: str) -> None:
        pass

    def take(self) -> frozenset[str] | None:
        return frozenset()

    def close(self) -> None:
        pass


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two modules, a package, and a directory outside of the source."""
    source = tmp_path / "src"
    for path, text in {
        "job.py": "VALUE = 1\n",
        "part.py": "VALUE = 2\n",
        "shop/__init__.py": "",
        "shop/cart.py": "VALUE = 3\n",
        "../out/rates.py": "RATE = 1\n",
    }.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    (source / "rates.py").symlink_to(tmp_path / "out" / "rates.py")
    (source / "linked").symlink_to(tmp_path / "out")
    os.link(tmp_path / "out" / "rates.py", source / "twin.py")
    return source


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = open_journal()
    assert isinstance(journal, InotifyJournal)
    yield journal
    journal.close()


@pytest.fixture
def later() -> SteppedClock:
    """A clock to which every stamp is old, so that nothing is looked at for its youth."""
    return SteppedClock(SystemClock().now_ms() + 3_600_000)


def texts(listing: Listing) -> dict[str, bytes]:
    return {path: unpack(file.packed) for path, file in listing.files.items()}


CHANGES: dict[str, Callable[[Path], object]] = {
    "in place": lambda source: (source / "part.py").write_text("VALUE = 9\n"),
    "in place, of one length": lambda source: (source / "shop" / "cart.py").write_text("VALUE = 4\n"),
    "time set back": lambda source: (
        (source / "part.py").write_text("VALUE = 9\n"),
        os.utime(source / "part.py", ns=(10**18, 10**18)),
    ),
    "atomic rename": lambda source: (
        (source / "part.tmp").write_text("VALUE = 9\n"),
        (source / "part.tmp").rename(source / "part.py"),
    ),
    "swapped": lambda source: (
        (source / "part.py").rename(source / "x"),
        (source / "job.py").rename(source / "part.py"),
        (source / "x").rename(source / "job.py"),
    ),
    "removed": lambda source: (source / "shop" / "cart.py").unlink(),
    "new": lambda source: (source / "shop" / "new.py").write_text("NEW = 1\n"),
    "new directory": lambda source: (
        (source / "deep" / "er").mkdir(parents=True),
        (source / "deep" / "er" / "new.py").write_text("NEW = 1\n"),
    ),
    "directory removed": lambda source: shutil.rmtree(source / "shop"),
    "directory renamed": lambda source: (source / "shop").rename(source / "market"),
    "directory replaced": lambda source: (
        shutil.copytree(source / "shop", source / "new"),
        (source / "new" / "cart.py").write_text("VALUE = 9\n"),
        (source / "shop").rename(source.parent / "old"),
        (source / "new").rename(source / "shop"),
    ),
    "what a link points to": lambda source: (source.parent / "out" / "rates.py").write_text("RATE = 2\n"),
    "made a link": lambda source: (
        (source / "part.py").unlink(),
        (source / "part.py").symlink_to(source / "job.py"),
    ),
    "ignored from now on": lambda source: (source / ".gitignore").write_text("shop/\n"),
    "emptied": lambda source: (source / "part.py").write_text(""),
    "made unreadable as source": lambda source: (
        (source / "part.py").unlink(),
        (source / "part.py").mkdir(),
    ),
    "an extension module": lambda source: (source / "fast.so").write_bytes(b""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen_as_a_full_scan_sees_it(
    source: Path, journal: Journal, later: SteppedClock, change: Callable[[Path], object]
):
    """Of files that no run has used, and without a look at each: the listing is that of a full scan."""
    scan = SourceScan(source, later, journal)
    before = scan.full(NOTHING)
    change(source)

    after = scan.current(before, [], is_exact=True)

    full = SourceScan(source, later).full(NOTHING)
    assert (texts(full), full.folders, full.left) == (texts(after), after.folders, after.left)
    assert (full.restless, full.held_bytes) == (after.restless, after.held_bytes)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen_after_another(
    source: Path, journal: Journal, later: SteppedClock, change: Callable[[Path], object]
):
    """A listing that was itself kept up to date is as good a base as a full one."""
    scan = SourceScan(source, later, journal)
    before = scan.full(NOTHING)
    (source / "shop" / "first.py").write_text("FIRST = 1\n")
    before = scan.current(before, [], is_exact=True)
    change(source)

    after = scan.current(before, [], is_exact=True)

    assert texts(SourceScan(source, later).full(NOTHING)) == texts(after)


def test_edits_in_one_instant_are_seen(source: Path, journal: Journal):
    """Each of a hundred in-place edits of one length, by the machine's own clock."""
    scan = SourceScan(source, SystemClock(), journal)
    listing, seen = scan.full(NOTHING), []
    for number in range(200, 300):
        (source / "part.py").write_text(f"V = {number}\n")
        listing = scan.current(listing, [], is_exact=True)
        seen.append(texts(listing)["part.py"])

    assert [f"V = {number}\n".encode() for number in range(200, 300)] == seen


def test_what_is_the_same_is_the_same_listing(source: Path, journal: Journal, later: SteppedClock):
    """Nothing has changed: no new listing is made, so nobody has to compare two."""
    scan = SourceScan(source, later, journal)
    before = scan.full(NOTHING)

    assert scan.current(before, ["job.py", "/outside.py"], is_exact=True) is before


def test_used_files_and_directories_need_no_journal(source: Path, later: SteppedClock):
    """A second pair of eyes: what a run has used, and what comes and goes, is seen by its stamp."""
    scan = SourceScan(source, later, Blind())
    before = scan.full(NOTHING)
    (source / "job.py").write_text("VALUE = 8\n")
    (source / "shop" / "new.py").write_text("")

    after = scan.current(before, ["job.py"], is_exact=False)

    assert ["job.py", "shop/new.py"] == after.changed_since(before)


def test_more_changes_than_the_kernel_keeps(source: Path, journal: Journal, later: SteppedClock):
    """When notes were lost the journal says so, and the next look is a full one."""
    scan = SourceScan(source, later, journal)
    before = scan.full(NOTHING)
    count = int(QUEUE.read_text()) + 1000
    for number in range(count // 2):
        # Different files in turn: the kernel joins events that are the same.
        (source / f"data{number % 2}.txt").write_text("x")
    (source / "shop" / "cart.py").write_text("VALUE = 9\n")

    after = scan.current(before, [], is_exact=True)

    assert b"VALUE = 9\n" == texts(after)["shop/cart.py"]


def test_a_directory_that_cannot_be_watched(source: Path, later: SteppedClock):
    """Without a watch on each directory nothing is certain: files are looked at one by one again."""
    journal = open_journal()
    scan = SourceScan(source, later, journal)
    before = scan.full(NOTHING)
    journal.watch("process", "/proc/self")  # a file system that is not made of what is written to it
    (source / "part.py").write_text("VALUE = 9\n")

    after = scan.current(before, [], is_exact=True)

    assert journal.take() is None
    assert b"VALUE = 9\n" == texts(after)["part.py"]


def test_no_journal_never_tells():
    """Where nothing is noted, anything may have changed."""
    journal = NoJournal()
    journal.watch("", "/")

    assert journal.take() is None


def test_the_file_system_of_a_place(tmp_path: Path):
    """The innermost mount counts, the later one of two at one place, and spaces are escaped."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        f"2 1 0:5 / {tmp_path} rw shared:1 - tmpfs tmpfs rw\n"
        f"3 1 0:6 / {tmp_path} rw - xfs /dev/sdb rw\n"
        f"4 1 0:7 / {tmp_path}/my\\040share rw - nfs4 host:/x rw\n"
    )
    (tmp_path / "my share" / "src").mkdir(parents=True)

    found = [file_system_of(place, mounts) for place in (Path("/"), tmp_path, tmp_path / "my share" / "src")]

    assert ["ext4", "xfs", "nfs4"] == found


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes(tmp_path: Path, journal: Journal, seed: int):
    """A hundred random changes, each looked at before the next: the listing is always that of a full scan."""
    source, dice = tmp_path / "many", random.Random(seed)
    scan, clock = SourceScan(source, SystemClock(), journal), SystemClock()
    for number in range(60):
        (source / f"p{number % 6}").mkdir(parents=True, exist_ok=True)
        (source / f"p{number % 6}" / f"m{number}.py").write_text(f"VALUE = {number:04d}\n")
    listing = scan.full(NOTHING)

    for _ in range(100):
        for _ in range(dice.choice((1, 1, 3))):
            _change(source, dice)
        listing = scan.current(listing, [], is_exact=True)

        assert texts(SourceScan(source, clock).full(NOTHING)) == texts(listing)


def _change(source: Path, dice: random.Random) -> None:
    """One change of one file, or of two directories."""
    directories, files = sorted(source.iterdir()), sorted(source.rglob("*.py"))
    path, text = dice.choice(files), f"VALUE = {dice.randrange(1000, 10_000)}\n"
    match dice.choice(("write", "write", "rename", "remove", "new", "swap", "link")):
        case "write":
            path.write_text(text)
        case "rename":
            path.with_suffix(".tmp").write_text(text)
            path.with_suffix(".tmp").rename(path)
        case "remove" if len(files) > 10:
            path.unlink()
        case "swap":
            one, other = dice.sample(directories, 2)
            one.rename(source.parent / "away")
            other.rename(one)
            (source.parent / "away").rename(other)
        case "link":
            (dice.choice(directories) / f"l{dice.randrange(1000)}.py").symlink_to(path)
        case _:
            (dice.choice(directories) / f"n{dice.randrange(1000)}.py").write_text(text)
