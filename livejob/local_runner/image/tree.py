"""A root file system as a value: image path -> what is there, and its digest and tar stream.

The same entries always give the same digest and the same bytes: sorted, owned by root, dated 1970.
Knows nothing of Python or Docker.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HostFile:
    """A copy of a file of this machine."""

    source: Path
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Text:
    """A file whose content the recipe gives."""

    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    mode: int = 0o755


Entry = HostFile | Text | Link | Directory
Tree = dict[str, Entry]
"""Absolute path in the image -> entry. Directories that only hold others need no entry of their own."""


def digest(tree: Mapping[str, Entry]) -> str:
    """SHA-256 over paths, modes and contents, in hex.

    Raises:
        OSError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for path, entry in sorted(tree.items()):
        whole.update(f"{path}\0{_identity(entry)}\0".encode())
    return whole.hexdigest()


def _identity(entry: Entry) -> str:
    if isinstance(entry, HostFile):
        return f"file {entry.mode:o} {hashlib.sha256(entry.source.read_bytes()).hexdigest()}"
    return repr(entry)


def tar_stream(tree: Mapping[str, Entry]) -> Iterator[bytes]:
    """The tree as a tar archive, in pieces of about a mebibyte.

    Raises:
        OSError: a file cannot be read.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, entry in sorted(_with_parents(tree).items()):
            _add(archive, path, entry)
            if buffer.tell() >= _CHUNK_BYTES:
                yield _drain(buffer)
    yield _drain(buffer)


def _drain(buffer: io.BytesIO) -> bytes:
    data = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return data


def _with_parents(tree: Mapping[str, Entry]) -> Tree:
    parents = {str(parent) for path in tree for parent in PurePosixPath(path).parents if parent.name}
    return {**{parent: Directory() for parent in parents}, **tree}


def _add(archive: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path.lstrip("/"))
    match entry:
        case HostFile(source, mode):
            data = source.read_bytes()
            info.mode, info.size = mode, len(data)
            archive.addfile(info, io.BytesIO(data))
        case Text(content, mode):
            data = content.encode()
            info.mode, info.size = mode, len(data)
            archive.addfile(info, io.BytesIO(data))
        case Link(target):
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        case Directory(mode):
            info.type, info.mode = tarfile.DIRTYPE, mode
            archive.addfile(info)
