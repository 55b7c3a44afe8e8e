"""Writes zips whose bytes follow from what is in them alone: order, times and modes are fixed.

Knows nothing of code. Called by `code_zip` and `bundle`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Literal

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_FILE = 0o100644
_PROGRAM = 0o100755

Contents = Mapping[str, Path]
"""Name in the zip -> the file."""


def write_zip(target: Path | IO[bytes], contents: Contents, level: int | None = None) -> None:
    """Write `contents` by name; what the target holds already stays, if it is a zip.

    level: of zlib, 0 to 9; None for its default.
    """
    mode: Literal["a", "w"] = "a" if isinstance(target, Path) and target.exists() else "w"
    with zipfile.ZipFile(target, mode) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = _mode_of(contents[name]) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, contents[name].read_bytes(), compresslevel=level)


def entries_bytes(path: Path) -> int:
    """How many bytes of a zip lie before its directory: with these begins whatever is added to it."""
    with zipfile.ZipFile(path) as archive:
        return archive.start_dir


def digest_of(contents: Contents) -> str:
    """SHA-256 of names, modes and contents, 64 hex digits: equal for equal files on every machine."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        with contents[name].open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\0{_mode_of(contents[name]):o}\0{inner}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _mode_of(path: Path) -> int:
    return _PROGRAM if path.stat().st_mode & 0o100 else _FILE
