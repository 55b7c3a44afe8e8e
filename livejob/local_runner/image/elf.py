"""Which shared libraries an ELF file needs, read from its dynamic section; and where the loader finds them.

Parses files instead of asking the loader (ldd): nothing is run, and a hundred files take milliseconds.
64-bit little-endian only, which is all that Lambda has (x86_64, arm64). Source: ELF-64 Object File
Format 1.5; ld.so(8) for the search order.
"""

from __future__ import annotations

import mmap
import re
import struct
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_DYNAMIC_ENTRY = struct.Struct("<qQ")

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29

_CACHE_LINE = re.compile(r"\s*(\S+) \(.*\) => (/\S+)")
_DEFAULT_DIRECTORIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")


@dataclass(frozen=True, slots=True)
class Elf:
    """What the loader must know of one file.

    machine:     the architecture (62 x86_64, 183 arm64).
    interpreter: path of the loader; "" for a library.
    needed:      sonames.
    search:      its own library directories, with $ORIGIN still in them.
    """

    machine: int
    interpreter: str
    needed: tuple[str, ...]
    search: tuple[str, ...]


def read_elf(path: Path) -> Elf | None:
    """The file's dynamic section; None when it is no 64-bit little-endian ELF file.

    Raises:
        OSError: cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parse(data)


def _parse(data: mmap.mmap) -> Elf:
    (machine,) = struct.unpack_from("<H", data, 18)
    (table_offset,) = struct.unpack_from("<Q", data, 32)
    entry_bytes, entry_count = struct.unpack_from("<HH", data, 54)
    headers = [_PROGRAM_HEADER.unpack_from(data, table_offset + i * entry_bytes) for i in range(entry_count)]

    # Of a program header: 0 type, 2 offset in the file, 3 address in memory, 5 size in the file.
    loads = [(each[3], each[2], each[5]) for each in headers if each[0] == _PT_LOAD]
    interpreter = next((_text(data, each[2]) for each in headers if each[0] == _PT_INTERP), "")
    dynamic = next((each for each in headers if each[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return Elf(machine, interpreter, (), ())
    entries = list(_DYNAMIC_ENTRY.iter_unpack(data[dynamic[2] : dynamic[2] + dynamic[5]]))

    strings = next(_file_offset(loads, value) for tag, value in entries if tag == _DT_STRTAB)
    texts = [(tag, value) for tag, value in entries if tag in (_DT_NEEDED, _DT_RPATH, _DT_RUNPATH)]
    named = [(tag, _text(data, strings + value)) for tag, value in texts]
    return Elf(
        machine,
        interpreter,
        needed=tuple(text for tag, text in named if tag == _DT_NEEDED),
        search=tuple(each for tag, text in named if tag != _DT_NEEDED for each in text.split(":") if each),
    )


def _file_offset(loads: list[tuple[int, int, int]], address: int) -> int:
    for start, offset, size in loads:
        if start <= address < start + size:
            return offset + address - start
    raise ValueError(f"no segment holds the address {address:#x}")


def _text(data: mmap.mmap, offset: int) -> str:
    return data[offset : data.find(b"\0", offset)].decode()


class Loader:
    """Resolves sonames as this machine's dynamic loader does."""

    def __init__(self) -> None:
        self._cached = _loader_cache()
        self._known: dict[Path, Elf | None] = {}

    def closure(self, files: Iterable[Path]) -> dict[str, Path]:
        """Every library that `files` need, directly or not, and their loaders: soname (or the loader's
        path) -> file. A library that this machine does not have is left out, as it is for the files."""
        found: dict[str, Path] = {}
        waiting = list(files)
        while waiting:
            path = waiting.pop()
            elf = self._read(path)
            if elf is None:
                continue
            if elf.interpreter:
                found[elf.interpreter] = Path(elf.interpreter)
            for soname in elf.needed:
                library = None if soname in found else self._find(soname, elf, path)
                if library is not None:
                    found[soname] = library
                    waiting.append(library)
        return found

    def find_all(self, sonames: Iterable[str], program: Path) -> dict[str, Path]:
        """Those of `sonames` that `program` would get if it opened them: soname -> file."""
        elf = self._read(program)
        if elf is None:
            return {}
        found = ((soname, self._find(soname, elf, program)) for soname in sonames)
        return {soname: path for soname, path in found if path is not None}

    def _find(self, soname: str, elf: Elf, origin: Path) -> Path | None:
        return next((path for path in self._places(soname, elf, origin) if self._fits(path, elf)), None)

    def _places(self, soname: str, elf: Elf, origin: Path) -> Iterator[Path]:
        here = str(origin.parent)
        for each in elf.search:
            yield Path(each.replace("${ORIGIN}", here).replace("$ORIGIN", here)) / soname
        yield from (Path(path) for path in self._cached.get(soname, ()))
        yield from (Path(directory) / soname for directory in _DEFAULT_DIRECTORIES)

    def _fits(self, path: Path, elf: Elf) -> bool:
        candidate = self._read(path) if path.is_file() else None
        return candidate is not None and candidate.machine == elf.machine

    def _read(self, path: Path) -> Elf | None:
        if path not in self._known:
            self._known[path] = read_elf(path)
        return self._known[path]


def _loader_cache() -> dict[str, list[str]]:
    """What `ldconfig -p` lists: soname -> files, best first. Empty where there is no ldconfig (musl)."""
    tool = next((each for each in ("/sbin/ldconfig", "/usr/sbin/ldconfig") if Path(each).exists()), None)
    if tool is None:
        return {}
    listing = subprocess.run([tool, "-p"], capture_output=True, text=True, check=True).stdout
    cache: dict[str, list[str]] = {}
    for match in filter(None, map(_CACHE_LINE.fullmatch, listing.splitlines())):
        cache.setdefault(match[1], []).append(match[2])
    return cache
