"""CodeCache: compiled once, never stale."""

from __future__ import annotations

import pytest

from livejob.clock import SteppedClock
from livejob.runner.sources import SETTLED_MS, CodeCache, Entry, Stamp

PATH = "/var/task/job.py"
NOW_MS = 1_700_000_000_000


class MemorySources:
    """Source files in memory, stamped as a file system does; counts reads."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, Stamp]] = {}
        self.read_count = 0

    def write(self, source: bytes, changed_ms: int, path: str = PATH) -> None:
        changed_ns = changed_ms * 1_000_000
        self.files[path] = (source, Stamp(changed_ns, len(source), 1, changed_ns))

    def look(self, path: str) -> Entry | None:
        found = self.files.get(path)
        return None if found is None else Entry(is_directory=False, stamp=found[1])

    def read(self, path: str) -> bytes:
        self.read_count += 1
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][0]


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


@pytest.fixture
def cache(sources: MemorySources) -> CodeCache:
    return CodeCache(sources, SteppedClock(NOW_MS))


def value_of(cache: CodeCache) -> object:
    names: dict[str, object] = {}
    exec(cache.compiled(PATH).code, names)
    return names["VALUE"]


def test_an_old_file_is_compiled_once(sources: MemorySources, cache: CodeCache):
    """Code of a file that has settled is kept as long as its stamp stays."""
    sources.write(b"VALUE = 1\n", NOW_MS - 1000)

    values = [value_of(cache), value_of(cache)]

    assert ([1, 1], 1) == (values, sources.read_count)


@pytest.mark.parametrize("field", ["mtime_ns", "size_bytes", "inode", "ctime_ns"])
def test_any_change_of_the_stamp_compiles_anew(sources: MemorySources, cache: CodeCache, field: str):
    """Each part of the stamp alone is reason enough to look at the file again."""
    sources.write(b"VALUE = 1\n", NOW_MS - 1000)
    value_of(cache)
    _, stamp = sources.files[PATH]
    sources.files[PATH] = (b"VALUE = 2\n", stamp._replace(**{field: getattr(stamp, field) - 1}))

    assert 2 == value_of(cache)


def test_a_file_that_has_just_changed_is_not_kept(sources: MemorySources, cache: CodeCache):
    """Two edits within a tick of the file system's clock have one stamp; both are seen."""
    sources.write(b"VALUE = 1\n", NOW_MS - SETTLED_MS)
    first = value_of(cache)
    sources.write(b"VALUE = 2\n", NOW_MS - SETTLED_MS)

    assert (1, 2) == (first, value_of(cache))


def test_a_clock_that_is_behind_keeps_nothing(sources: MemorySources, cache: CodeCache):
    """Files stamped in the future, as by another machine's clock, are compiled each time, and right."""
    sources.write(b"VALUE = 1\n", NOW_MS + 60_000)

    values = [value_of(cache), value_of(cache)]

    assert ([1, 1], 2) == (values, sources.read_count)


def test_warming_compiles_ahead(sources: MemorySources, cache: CodeCache):
    """What is warmed is not read again, and a file that is broken or gone disturbs nothing."""
    sources.write(b"VALUE = 1\n", NOW_MS - 1000)
    sources.write(b"VALUE = (\n", NOW_MS - 1000, "/var/task/broken.py")

    cache.warm(["/var/task/broken.py", "/var/task/gone.py", PATH])
    read_count = sources.read_count

    assert (1, read_count) == (value_of(cache), sources.read_count)


def test_a_broken_file_is_told_each_time(sources: MemorySources, cache: CodeCache):
    """A file that cannot be compiled raises, and what was kept of it is gone."""
    sources.write(b"VALUE = 1\n", NOW_MS - 2000)
    value_of(cache)
    sources.write(b"VALUE = (\n", NOW_MS - 1000)

    for _ in range(2):
        with pytest.raises(SyntaxError):
            cache.compiled(PATH)


def test_lines_are_those_of_the_file(sources: MemorySources, cache: CodeCache):
    """Lines end at newlines only, whatever the encoding and the last line."""
    sources.write("# coding: latin-1\nVALUE = 'é\x0c\x1c'\r\nLAST = 1".encode("latin-1"), NOW_MS - 1000)

    assert ["# coding: latin-1\n", "VALUE = 'é\x0c\x1c'\n", "LAST = 1\n"] == cache.compiled(PATH).lines


def test_used_names_the_files_in_order(sources: MemorySources, cache: CodeCache):
    """The cache knows which files were asked for, each once, the first first; not those only warmed."""
    cache.warm([PATH])
    for path in ("/b.py", "/a.py", "/b.py"):
        sources.write(b"", NOW_MS - 1000, path)
        cache.compiled(path)

    assert ["/b.py", "/a.py"] == cache.used
