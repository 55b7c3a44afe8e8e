"""The Python files of an app's source, without what is not the app's own. Reads directories only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SKIPPED_DIRECTORIES = frozenset({"__pycache__", "node_modules", "site-packages", "cdk.out"})
FILES_MAX = 20_000
FILE_BYTES_MAX = 2_000_000
"""A larger file is data or made by a program: nobody writes a job into it."""


def python_files(source: Path) -> Iterator[Path]:
    """Every .py file below `source`, in a stable order, at most FILES_MAX.

    Left out: hidden directories, virtual environments, installed packages, symbolic links to
    directories, and files above FILE_BYTES_MAX.
    """
    count = 0
    for directory, subdirectories, names in os.walk(source):
        subdirectories[:] = sorted(each for each in subdirectories if is_own_directory(Path(directory, each)))
        for name in sorted(names):
            if not name.endswith(".py"):
                continue
            count += 1
            if count > FILES_MAX:
                return
            path = Path(directory, name)
            if _is_code(path):
                yield path


def is_python_file(path: Path, source: Path) -> bool:
    """True for what `python_files` of the source gives."""
    directories = [each for each in path.parents if each != source and each.is_relative_to(source)]
    is_own = all(is_own_directory(each) and not each.is_symlink() for each in directories)
    return path.suffix == ".py" and is_own and _is_code(path)


def walk_order(name: str) -> tuple[list[str], str]:
    """Sorts paths relative to the source as `python_files` gives them: files before directories."""
    *directories, file = name.split("/")
    return directories, file


def _is_code(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= FILE_BYTES_MAX


def is_own_directory(directory: Path) -> bool:
    """False for what tools put among an app's sources."""
    return not (
        directory.name.startswith(".")
        or directory.name in SKIPPED_DIRECTORIES
        or (directory / "pyvenv.cfg").exists()
    )
