"""Which files of an app's source are deployed: all that a developer wrote, nothing that a tool made.

Left out: hidden directories, virtual environments, installed packages, directories that git ignores,
compiled Python, and `.env` files, which hold secrets. Reads the disk; called by `bundle`.
"""

from __future__ import annotations

import os
from pathlib import Path

from livejob.project.ignored import IgnoredDirectories
from livejob.project.source_files import is_own_directory

_LEFT_OUT_SUFFIXES = (".pyc", ".pyo")
_SECRETS = ".env"


def app_files(source: Path) -> dict[str, Path]:
    """Path relative to the source, with slashes -> file. Links to directories are not followed."""
    ignored = IgnoredDirectories(source)
    found: dict[str, Path] = {}
    for directory, subdirectories, names in os.walk(source):
        place = Path(directory)
        subdirectories[:] = [
            each
            for each in sorted(subdirectories)
            if is_own_directory(place / each)
            and not ignored.matches((place / each).relative_to(source).as_posix())
        ]
        for name in names:
            path = place / name
            if _is_deployed(name) and path.is_file():
                found[path.relative_to(source).as_posix()] = path
    return found


def _is_deployed(name: str) -> bool:
    return not (name.endswith(_LEFT_OUT_SUFFIXES) or name == _SECRETS or name.startswith(f"{_SECRETS}."))
