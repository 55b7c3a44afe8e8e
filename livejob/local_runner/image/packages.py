"""The Python packages that Lambda's image brings: boto3 and all it needs, as installed beside livejob.

Reads the installed packages' own records (PEP 376, PEP 566); downloads nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution. `files`: path below site-packages -> the file."""

    name: str
    version: str
    files: dict[str, Path]


def installed_closure(root: str) -> list[Package]:
    """The package `root` and what it requires, directly or not, by name.

    Extras are not followed, and a requirement that is not installed is not needed on this Python.

    Raises:
        PackageNotFoundError: `root` itself is not installed.
    """
    found = {_normal(root): distribution(root)}
    waiting = [found[_normal(root)]]
    while waiting:
        for name in _required(waiting.pop()):
            if name not in found and (dist := _installed(name)) is not None:
                found[name] = dist
                waiting.append(dist)
    return [_package(name, dist) for name, dist in sorted(found.items())]


def _required(dist: Distribution) -> list[str]:
    lines = [line for line in dist.requires or () if "extra ==" not in line]
    matches = (_REQUIREMENT_NAME.match(line) for line in lines)
    return [_normal(match[0]) for match in matches if match]


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _package(name: str, dist: Distribution) -> Package:
    """Without scripts (outside site-packages), bytecode and the installer's own notes."""
    files = {
        str(file): Path(str(dist.locate_file(file)))
        for file in dist.files or ()
        if ".." not in file.parts and "__pycache__" not in file.parts and file.name != "direct_url.json"
    }
    return Package(name, dist.version, files)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
