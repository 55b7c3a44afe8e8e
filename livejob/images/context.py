"""What the build of an image can see: its files, and a digest of them all.

Honours `.dockerignore` as Docker does, by the code of Docker's own client for Python. An ignore file of
the Dockerfile's own (`Dockerfile.dockerignore`) takes its place, as in BuildKit. What a Dockerfile fetches
from elsewhere, its base image too, is not seen. Asked by the daemon before a run and on a save, and by a
deployment.

Source: Docker, 'Build context'; 'Dockerfile.dockerignore' on the same page.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.utils.build import exclude_paths

from livejob.errors import JobImageNotBuilt
from livejob.images.port import ImageOrder

IGNORE_FILE = ".dockerignore"

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file, directory or link of a build's context, by what the file system says of it.

    path:     relative to the context's directory, with `/`.
    mode:     type and permissions, as `stat` has them.
    mtime_ns: as `stat` has it; 0 for a directory, whose entries are listed themselves.
    """

    path: str
    mode: int
    size_bytes: int
    mtime_ns: int


def context_files(order: ImageOrder) -> tuple[ContextFile, ...]:
    """What the build can see, in the order of the paths; nothing is read. Two equal answers with some
    time between them: nothing was saved.

    Raises:
        JobImageNotBuilt: there is no such directory or Dockerfile, or it may not be read.
    """
    try:
        if not order.dockerfile.is_file():
            raise JobImageNotBuilt(f"there is no {order.dockerfile}")
        paths = exclude_paths(order.directory, _ignored(order), order.file)
        return tuple(_listed(order.directory, sorted(paths)))
    except OSError as error:
        raise _unreadable(order, error) from error


def context_digest(order: ImageOrder) -> str:
    """SHA-256, in hexadecimal digits, over all that decides what the build makes.

    Times and owners do not count, and of the permissions only whether a file can be executed, so that
    two checkouts of one commit have the same digest.

    Raises:
        JobImageNotBuilt: a part of it cannot be read.
    """
    said = {"file": order.file, "build_args": dict(order.build_args), "platform": order.platform}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    try:
        for each in context_files(order):
            executable = bool(each.mode & stat.S_IXUSR)
            head = (stat.S_IFMT(each.mode), executable, each.path.encode(errors="surrogateescape"))
            digest.update(repr(head).encode())
            digest.update(_content(order.directory / each.path, each.mode))
    except OSError as error:
        raise _unreadable(order, error) from error
    return digest.hexdigest()


def _ignored(order: ImageOrder) -> list[str]:
    """The patterns of the ignore file that counts."""
    own = order.dockerfile.with_name(f"{order.dockerfile.name}{IGNORE_FILE}")
    file = own if own.is_file() else order.directory / IGNORE_FILE
    if not file.is_file():
        return []
    lines = [line.strip() for line in file.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _listed(directory: Path, paths: list[str]) -> Iterator[ContextFile]:
    for path in paths:
        try:
            found = os.lstat(directory / path)
        except FileNotFoundError:  # gone since, such as an editor's temporary file
            continue
        is_directory = stat.S_ISDIR(found.st_mode)
        yield ContextFile(
            path=path,
            mode=found.st_mode,
            size_bytes=0 if is_directory else found.st_size,
            mtime_ns=0 if is_directory else found.st_mtime_ns,
        )


def _content(path: Path, mode: int) -> bytes:
    """SHA-256 of a file's content or a link's target; nothing for what has no content of its own."""
    if stat.S_ISLNK(mode):
        return hashlib.sha256(os.fsencode(path.readlink())).digest()
    if not stat.S_ISREG(mode):
        return b""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.digest()


def _unreadable(order: ImageOrder, error: OSError) -> JobImageNotBuilt:
    return JobImageNotBuilt(f"{error.filename or order.directory} cannot be read: {error.strerror}")
