"""Where case does not count on disk: a file is found by any spelling, and listed by the one that it has."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from livejob.local_runner.sources.listing import NOTHING, Folder, Listing, SourceFile, changes_between
from livejob.local_runner.sources.scan import walked
from livejob.local_runner.sources.update import updated
from livejob.runner.snapshot import SnapshotSources, pack
from livejob.runner.sources import Stamp

MUCH = 1 << 30
ROOT = "/var/task"


@dataclass
class Disk:
    """Texts by their paths. Each step of its clock gives what was written a stamp of its own."""

    texts: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    ticks: int = 0

    def write(self, path: str, text: str) -> None:
        """Write by any spelling: a file that is there keeps the spelling that it has."""
        spelled = self._spelled(path) or path
        if spelled not in self.texts:
            self._touch(_parent(spelled))
        self.texts[spelled] = text
        self._touch(spelled)

    def rename(self, path: str, new: str) -> None:
        """Give a file another name, or another spelling; its own stamp stays as it is."""
        self.texts[new], self.stamps[new] = self.texts.pop(path), self.stamps.pop(path)
        self._touch(_parent(path))

    def rename_folder(self, path: str, new: str) -> None:
        """The same with a directory in the source."""
        for each in [each for each in self.texts if each.startswith(f"{path}/")]:
            self.rename(each, f"{new}{each.removeprefix(path)}")
        self.stamps[new] = self.stamps.pop(path)
        self._touch("")

    def folder(self, path: str, known: Folder | None) -> Folder | None:
        prefix = f"{path}/" if path else ""
        below = [each.removeprefix(prefix) for each in self.texts if each.startswith(prefix)]
        files = sorted(name for name in below if "/" not in name)
        folders = sorted({name.partition("/")[0] for name in below if "/" in name})
        stamp = self.stamps[path]
        if known is not None and known.stamp == stamp:
            return known
        return Folder(stamp, True, tuple(files), (), (), tuple(folders), (), None)

    def file(self, path: str, known: SourceFile | None) -> SourceFile | None:
        spelled = self._spelled(path)
        if spelled is None:
            return None
        stamp, text = self.stamps[spelled], self.texts[spelled].encode()
        return (
            known if known is not None and known.stamp == stamp else SourceFile(stamp, True, text, pack(text))
        )

    def is_there(self, path: str) -> bool:
        return self._spelled(path) is not None

    def is_gitignore_changed(self, path: str, folder: Folder) -> bool:
        return False

    def _spelled(self, path: str) -> str | None:
        return next((each for each in self.texts if each.casefold() == path.casefold()), None)

    def _touch(self, path: str) -> None:
        self.ticks += 1
        inode = self.stamps[path].inode if path in self.stamps else self.ticks
        self.stamps[path] = Stamp(self.ticks, 0, inode, 0)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@pytest.fixture
def disk() -> Disk:
    disk = Disk()
    disk.write("job.py", "import part")
    disk.write("part.py", "VALUE = 1")
    disk.write("shop/cart.py", "VALUE = 2")
    return disk


def after(disk: Disk, before: Listing, looks: str) -> Listing:
    """The listing by a look at everything, or by one at what may have changed."""
    listing = walked(disk, before) if looks == "all" else updated(before, ["part.py"], disk, MUCH)
    return listing if listing is not None else walked(disk, before)


@pytest.fixture(params=["all", "what may have changed"])
def looks(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_module_whose_spelling_changes_is_another(disk: Disk, looks: str):
    """`part.py` becomes `Part.py`: the old name is gone, although the disk would still find it."""
    before = walked(disk, NOTHING)
    disk.rename("part.py", "Part.py")

    listing = after(disk, before, looks)

    changes = changes_between(before, listing)
    assert ["Part.py", "job.py", "shop/cart.py"] == sorted(listing.files)
    assert (["Part.py"], ["part.py"]) == (list(changes.files), list(changes.removed))


def test_a_directory_whose_spelling_changes_is_another(disk: Disk, looks: str):
    """`shop` becomes `Shop`, with all below it."""
    before = walked(disk, NOTHING)
    disk.rename_folder("shop", "Shop")

    listing = after(disk, before, looks)

    changes = changes_between(before, listing)
    assert ["", "Shop"] == sorted(listing.folders)
    assert ["shop", "shop/cart.py"] == sorted(changes.removed)


def test_a_save_by_another_spelling_is_seen(disk: Disk, looks: str):
    """Who writes `PART.PY` has saved `part.py`."""
    before = walked(disk, NOTHING)
    disk.write("PART.PY", "VALUE = 9")

    assert ["part.py"] == after(disk, before, looks).changed_since(before)


def test_an_import_by_another_spelling_finds_nothing(disk: Disk):
    """As in Lambda, where case counts: the snapshot has a module by the name that its file has."""
    sources = SnapshotSources(ROOT)
    sources.apply(changes_between(NOTHING, walked(disk, NOTHING)))

    assert sources.look(f"{ROOT}/part.py") is not None
    assert sources.look(f"{ROOT}/Part.py") is None
    assert sources.look(f"{ROOT}/Shop/cart.py") is None
