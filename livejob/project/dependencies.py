"""The packages an app needs beside livejob: what it asks for, and a directory that has them.

Asked for in `uv.lock` (with pyproject.toml) or `requirements.txt`, in the source directory or beside
livejob.toml. Installed by uv into a directory named by the hash of what was asked and for which Python, so an
unchanged app installs nothing and two versions can be used at the same time. Knows nothing of workers: a
session mounts the directory, a bundle packs it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from livejob.errors import DependenciesUnusable

LOCK, PYPROJECT, REQUIREMENTS = "uv.lock", "pyproject.toml", "requirements.txt"

INSTALL_TIMEOUT_S = 900

Install = Callable[[Path, Path], None]

_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]\s*(\S+)", re.MULTILINE)
_OWN = re.compile(r"^livejob\b(?![-_.])[^\n\\]*(?:\\\n[^\n\\]*)*\n?", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WantedPackages:
    """What an app asks for.

    file:  the file that says it, for messages.
    texts: of all files that belong to it; a change of one may change the packages.
    """

    file: Path
    texts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TargetPython:
    """Where the packages will run.

    minor:    "3.12".
    python:   an interpreter of that version on this machine; None where there is none, or the target is
              another system: then only packages with wheels can be had.
    platform: in uv's words, e.g. `aarch64-manylinux_2_34`; "" for Linux of this machine's architecture.
    """

    minor: str
    python: Path | None
    platform: str = ""


def wanted_packages(root: Path, source: Path) -> WantedPackages | None:
    """What the app in `root` (the directory of livejob.toml) asks for; None when it asks for nothing.

    Raises:
        DependenciesUnusable: a file that is named in another cannot be read.
    """
    for directory in dict.fromkeys((source, root)):
        if (directory / LOCK).is_file() and (directory / PYPROJECT).is_file():
            texts = [(directory / name).read_bytes() for name in (LOCK, PYPROJECT)]
            return WantedPackages(directory / LOCK, tuple(texts))
        if (directory / REQUIREMENTS).is_file():
            return WantedPackages(directory / REQUIREMENTS, tuple(_with_included(directory / REQUIREMENTS)))
    return None


def packages_directory(cache: Path, wanted: WantedPackages, target: TargetPython) -> Path:
    """Where below `cache` the packages are, or will be."""
    made_for = f"{target.minor} {target.platform or platform.machine()} {target.python is not None}"
    parts = (made_for.encode(), *wanted.texts)
    digest = hashlib.blake2b(b"\0".join(hashlib.sha256(part).digest() for part in parts), digest_size=8)
    return cache / digest.hexdigest()


def install_packages(
    cache: Path, wanted: WantedPackages, target: TargetPython, install: Install | None = None
) -> Path:
    """Install what is wanted, unless it is there already; the directory that has it. Blocks.

    install: does it in place of uv on this machine: gets a requirements file, and the directory for the
             packages. Both lie below `cache`.

    Raises:
        DependenciesUnusable: with uv's own words on which package cannot be had.
    """
    directory = packages_directory(cache, wanted, target)
    if directory.is_dir():
        return directory
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=cache) as place:
        requirements = Path(place) / REQUIREMENTS
        requirements.write_text(_requirements(wanted))
        new = Path(place) / "packages"
        new.mkdir()
        if install is not None:
            install(requirements, new)
        else:
            _install(requirements, wanted, target, new)
        # Whoever comes second finds it there: the same packages.
        if not directory.is_dir():
            new.rename(directory)
    return directory


def remove_unused(cache: Path, used: frozenset[Path]) -> None:
    """Remove what is not among `used`: packages of locks that were."""
    for directory in cache.iterdir() if cache.is_dir() else ():
        if directory not in used:
            shutil.rmtree(directory, ignore_errors=True)


def _requirements(wanted: WantedPackages) -> str:
    """As the lines that pip reads, without livejob: workers have their daemon's own."""
    if wanted.file.name == LOCK:
        return _uv(
            [
                "export",
                "--frozen",
                "--no-dev",
                "--no-emit-project",
                "--no-emit-package",
                "livejob",
                "--no-header",
            ],
            wanted,
            wanted.file.parent,
        )
    text = wanted.file.read_text()
    rest = _OWN.sub("", text)
    if rest == text:
        return _absolute(rest, wanted.file.parent)
    needs = "" if "--hash" in text else "".join(f"{each}\n" for each in _own_needs())
    return _absolute(rest, wanted.file.parent) + "\n" + needs


def _own_needs() -> list[str]:
    return [each for each in metadata.requires("livejob") or [] if "extra ==" not in each]


def _absolute(text: str, directory: Path) -> str:
    """The text is read from elsewhere: the files that it names are where they were."""
    return _INCLUDED.sub(lambda found: found[0].replace(found[1], str(directory / found[1])), text)


def _install(requirements: Path, wanted: WantedPackages, target: TargetPython, directory: Path) -> None:
    command = ["pip", "install", "--quiet", "--requirement", str(requirements), "--target", str(directory)]
    if target.python is not None:
        command += ["--python", str(target.python), "--compile-bytecode"]
    else:
        command += ["--python-version", target.minor, "--python-platform", target.platform or _platform()]
        command += ["--python", sys.executable, "--only-binary", ":all:"]
    _uv(command, wanted, wanted.file.parent)


def _platform() -> str:
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    return f"{machine}-manylinux_2_28"


def _uv(arguments: list[str], wanted: WantedPackages, directory: Path) -> str:
    # The stamps of .pyc files have whole seconds: these go by the hash, which is right for ever here.
    environment = {**os.environ, "PYC_INVALIDATION_MODE": "UNCHECKED_HASH"}
    environment.pop("VIRTUAL_ENV", None)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "uv", *arguments],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DependenciesUnusable(
            f"the packages of {wanted.file} could not be installed: {error}"
        ) from error
    if done.returncode != 0:
        raise DependenciesUnusable(
            f"the packages of {wanted.file} could not be installed:\n{done.stderr.strip()}"
        )
    return done.stdout


def _with_included(path: Path, seen: frozenset[Path] = frozenset()) -> Iterator[bytes]:
    """The text of a requirements file, and of those that it names."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DependenciesUnusable(f"{path} cannot be read: {error.strerror}") from error
    yield text
    for name in _INCLUDED.findall(text.decode(errors="replace")):
        included = (path.parent / name).resolve()
        if included not in seen:
            yield from _with_included(included, seen | {path.resolve()})


class AppPackages:
    """The packages of one app, by the runtime of its jobs ("python3.12"). All blocks."""

    def __init__(
        self, root: Path, source: Path, cache: Path, find_target: Callable[[str], TargetPython]
    ) -> None:
        """find_target: runtime -> where its jobs run; asked only when the app wants packages."""
        self._root = root
        self._source = source
        self.cache = cache
        self._find_target = find_target

    def wanted(self) -> WantedPackages | None:
        return wanted_packages(self._root, self._source)

    def is_installed(self, wanted: WantedPackages, runtime: str) -> bool:
        return packages_directory(self.cache, wanted, self._find_target(runtime)).is_dir()

    def install(self, wanted: WantedPackages, runtime: str) -> Path:
        return install_packages(self.cache, wanted, self._find_target(runtime))
