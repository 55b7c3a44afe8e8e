"""The source on disk as a listing: what has changed is seen, what has not is not read again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from livejob.clock import SteppedClock, SystemClock
from livejob.local_runner.sources.listing import NOTHING, Listing
from livejob.local_runner.sources.reading import FILE_BYTES_MAX
from livejob.local_runner.sources.scan import SourceScan
from livejob.runner.snapshot import unpack


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source directory of two modules and a package."""
    source = tmp_path / "src"
    write(source, {"job.py": "VALUE = 1\n", "part.py": "VALUE = 2\n", "shop/__init__.py": ""})
    return source


@pytest.fixture
def scan(source: Path) -> SourceScan:
    return SourceScan(source, SystemClock())


def write(source: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)


def paths(listing: Listing) -> list[str]:
    return sorted(listing.files)


def test_files_and_directories_are_listed(scan: SourceScan):
    """Every Python file is listed with its text, and every directory."""
    listing = scan.full(NOTHING)

    assert ["job.py", "part.py", "shop/__init__.py"] == paths(listing)
    assert ["", "shop"] == sorted(listing.folders)
    assert b"VALUE = 1\n" == unpack(listing.files["job.py"].packed)


def test_edits_of_one_length_in_one_instant_are_seen(source: Path, scan: SourceScan):
    """In-place edits that leave size and, by the clock's tick, time as they were."""
    listing, changed = scan.full(NOTHING), []
    for number in range(200, 300):
        (source / "job.py").write_text(f"V = {number}\n")
        after = scan.full(listing)
        changed.append((after.changed_since(listing), unpack(after.files["job.py"].packed)))
        listing = after

    assert [(["job.py"], f"V = {number}\n".encode()) for number in range(200, 300)] == changed


def test_an_edit_that_sets_the_old_time_is_seen(source: Path, scan: SourceScan):
    """A file restored with its old time and size, as archives do, still has a new time of change."""
    os.utime(source / "job.py", ns=(10**18, 10**18))
    listing = scan.full(NOTHING)
    (source / "job.py").write_text("VALUE = 9\n")
    os.utime(source / "job.py", ns=(10**18, 10**18))

    assert ["job.py"] == scan.full(listing).changed_since(listing)


def test_a_touch_changes_nothing(source: Path, scan: SourceScan):
    """A formatter that writes every file as it was, and a checkout to and fro, are no change."""
    listing = scan.full(NOTHING)
    for path in source.rglob("*.py"):
        path.write_bytes(path.read_bytes())
        os.utime(path)

    assert [] == scan.full(listing).changed_since(listing)


def test_what_is_the_same_is_not_read(source: Path):
    """With an old stamp a file is taken over as it is, without a look into it."""
    late = SteppedClock(SystemClock().now_ms() + 60_000)
    scan = SourceScan(source, late)
    listing = scan.full(NOTHING)

    after = scan.full(listing)

    assert all(after.files[path] is file for path, file in listing.files.items())
    assert all(after.folders[path] is folder for path, folder in listing.folders.items())


def test_deleted_renamed_and_new_files(source: Path, scan: SourceScan):
    """All three are changes; a directory that is gone takes its files along."""
    listing = scan.full(NOTHING)
    (source / "part.py").rename(source / "piece.py")
    (source / "shop" / "__init__.py").unlink()
    (source / "shop").rmdir()
    write(source, {"store/__init__.py": ""})

    after = scan.full(listing)

    changed = ["part.py", "piece.py", "shop/__init__.py", "store/__init__.py"]
    assert changed == after.changed_since(listing)
    assert ["", "store"] == sorted(after.folders)


def test_a_module_that_becomes_a_package(source: Path, scan: SourceScan):
    """`part.py` is replaced by `part/__init__.py`."""
    listing = scan.full(NOTHING)
    (source / "part.py").unlink()
    write(source, {"part/__init__.py": ""})

    assert ["part.py", "part/__init__.py"] == scan.full(listing).changed_since(listing)


def test_links_are_followed(source: Path, scan: SourceScan, tmp_path: Path):
    """A linked file and a linked directory are as if they lay there; what they point to is watched."""
    write(tmp_path / "shared", {"rates.py": "RATE = 1\n", "deep/tax.py": ""})
    (source / "rates.py").symlink_to(tmp_path / "shared" / "rates.py")
    (source / "shared").symlink_to(tmp_path / "shared")
    listing = scan.full(NOTHING)
    write(tmp_path / "shared", {"rates.py": "RATE = 2\n"})

    after = scan.full(listing)

    assert {"rates.py", "shared/rates.py", "shared/deep/tax.py"} <= set(paths(listing))
    assert ["rates.py", "shared/rates.py"] == after.changed_since(listing)


def test_links_that_go_in_circles_or_nowhere(source: Path, scan: SourceScan):
    """A link to a directory above itself ends; one to nothing is a file as soon as there is one."""
    (source / "shop" / "again").symlink_to(source)
    (source / "later.py").symlink_to(source.parent / "later.txt")
    listing = scan.full(NOTHING)
    (source.parent / "later.txt").write_text("")

    assert ["job.py", "part.py", "shop/__init__.py"] == paths(listing)
    assert ["later.py"] == scan.full(listing).changed_since(listing)


def test_what_stays_on_disk(source: Path, scan: SourceScan):
    """Environments, installed packages, hidden directories, extension modules and huge files."""
    write(
        source,
        {
            "env/pyvenv.cfg": "",
            "env/lib/thing.py": "",
            ".hidden/thing.py": "",
            "vendor/site-packages/thing.py": "",
            "node_modules/thing.py": "",
            "fast.cpython-311-x86_64-linux-gnu.so": "",
            "huge.py": "#" * (FILE_BYTES_MAX + 1),
            "__pycache__/job.cpython-311.pyc": "",
        },
    )

    listing = scan.full(NOTHING)

    assert ["job.py", "part.py", "shop/__init__.py"] == paths(listing)
    left = [
        ".hidden",
        "env",
        "fast.cpython-311-x86_64-linux-gnu.so",
        "huge.py",
        "node_modules",
        "vendor/site-packages",
    ]
    assert left == sorted(listing.left)


def test_directories_that_git_ignores_stay_on_disk(source: Path, scan: SourceScan):
    """By rules above the source, in it and below; a later rule takes an earlier one back."""
    write(source.parent, {".git/HEAD": "", ".gitignore": "out/\n/src/tmp\n"})
    write(source, {".gitignore": "build*/\n!build_tools/\n", "shop/.gitignore": "made\n"})
    write(
        source,
        {f"{name}/thing.py": "" for name in ("out", "tmp", "build1", "build_tools", "shop/made", "made")},
    )

    listing = scan.full(NOTHING)

    assert ["build1", "out", "shop/made", "tmp"] == sorted(listing.left)
    assert {"build_tools/thing.py", "made/thing.py"} <= set(paths(listing))


def test_new_rules_of_git_take_effect(source: Path, scan: SourceScan):
    """A directory that is ignored from now on is left on disk, one that is no longer is listed."""
    write(source, {".gitignore": "one\n", "one/thing.py": "", "two/thing.py": ""})
    listing = scan.full(NOTHING)
    write(source, {".gitignore": "two\n"})

    after = scan.full(listing)

    assert (["one"], ["two"]) == (sorted(listing.left), sorted(after.left))
    assert ["one/thing.py", "two/thing.py"] == after.changed_since(listing)


def test_the_cheap_check_without_a_journal(source: Path):
    """Changes in used files and in directories are seen; one within a file that is not used is not."""
    clock = SteppedClock(SystemClock().now_ms() + 60_000)
    scan = SourceScan(source, clock)
    listing = scan.full(NOTHING)

    before = scan.is_current(listing, ["job.py"])
    (source / "part.py").write_text("VALUE = 3\n")
    unused = scan.is_current(listing, ["job.py"])
    used = scan.is_current(listing, ["job.py", "part.py"])
    (source / "new.py").write_text("")
    new = scan.is_current(listing, ["job.py"])

    assert (True, True, False, False) == (before, unused, used, new)


def test_the_cheap_check_trusts_no_young_stamp(source: Path, scan: SourceScan):
    """Right after a change another one may not show in the stamp: then it says no."""
    assert not scan.is_current(scan.full(NOTHING), ["job.py"])


def test_a_source_that_is_gone(source: Path, scan: SourceScan):
    """Without its directory a source holds nothing."""
    listing = scan.full(NOTHING)
    source.rename(source.with_name("away"))

    assert ([], []) == (paths(scan.full(listing)), sorted(scan.full(listing).folders))


def test_a_file_that_is_just_being_written_is_waited_for(source: Path, scan: SourceScan):
    """A save in place makes a file empty before it writes: no listing has the moment between."""
    listing = scan.full(NOTHING)
    with (source / "job.py").open("w") as saving, ThreadPoolExecutor(1) as looking:
        after = looking.submit(scan.full, listing)
        saving.write("VALUE = 7\n")
        saving.flush()

        assert b"VALUE = 7\n" == unpack(after.result().files["job.py"].packed)


def test_a_file_that_is_meant_to_be_empty(source: Path, scan: SourceScan):
    """An emptied file is empty after a short wait."""
    listing = scan.full(NOTHING)
    (source / "job.py").write_text("")

    assert b"" == unpack(scan.full(listing).files["job.py"].packed)
