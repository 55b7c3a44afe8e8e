"""An app's third-party packages, installed for the platform of its deployed runs. Calls uv.

What is declared is found beside livejob.toml, or else in the source: a `uv.lock`, a `requirements.txt`,
or the dependencies of `pyproject.toml`. Only wheels are taken: what has to be compiled would be compiled
for this machine. livejob itself comes with the bundle, and boto3 with the image.

Installed once for each content of those files; a later deployment takes the zip that is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livejob.deploy.build import Platform
from livejob.deploy.zip_files import digest_of, write_zip
from livejob.errors import DependenciesFailed, UvMissing
from livejob.wire.names import BUNDLE_DEPENDENCIES

LOCK, REQUIREMENTS, PROJECT = "uv.lock", "requirements.txt", "pyproject.toml"

UV_PLATFORMS = {"x86_64": "x86_64", "arm64": "aarch64"}

_INCLUDES = ("-r", "-c", "--requirement", "--constraint")
_MADE_BY_UV = frozenset({".lock", "uv_cache.json"})
_NOT_THE_APPS = "livejob ; python_version < '3'\n"
"""As an override: a requirement that never applies."""

_FORMAT = 1  # of the kept zips; another one makes them anew
_ZIP_LEVEL = 1  # wheels are large, and written once: a tenth more bytes for a third of the time


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Installed packages as a zip, all below BUNDLE_DEPENDENCIES. digest: of what is in it."""

    zip: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where an app says what it needs. `files` are all that count, the first one is `path`."""

    path: Path
    files: tuple[Path, ...]


def find_declaration(root: Path, source: Path) -> Declaration | None:
    """What the app declares; None when it needs no packages.

    root: directory of livejob.toml.
    """
    for directory in dict.fromkeys((root, source)):
        lock, requirements, project = (directory / name for name in (LOCK, REQUIREMENTS, PROJECT))
        if lock.is_file() and project.is_file():
            return Declaration(lock, (lock, project))
        if requirements.is_file():
            return Declaration(requirements, tuple(_with_included(requirements, set())))
        if project.is_file() and _declares_dependencies(project):
            return Declaration(project, (project,))
    return None


def install(declaration: Declaration, platform: Platform, kept: Path) -> Dependencies:
    """The packages for a platform, from the zips in `kept` or installed now.

    Raises:
        UvMissing: uv is not installed beside livejob.
        DependenciesFailed: uv could not install them; its own words are in the message.
    """
    key = _key(declaration, platform)
    zipped, noted = kept / f"{key}.zip", kept / f"{key}.json"
    if not (zipped.is_file() and noted.is_file()):
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as directory:
            digest = _install_into(Path(directory), declaration, platform)
            (Path(directory) / "zip").replace(zipped)
        noted.write_text(json.dumps({"digest": digest}))
    return Dependencies(zipped, json.loads(noted.read_text())["digest"])


def _install_into(directory: Path, declaration: Declaration, platform: Platform) -> str:
    target, overrides = directory / "packages", directory / "overrides.txt"
    overrides.write_text(_NOT_THE_APPS)
    _uv(
        "pip", "install",
        "--target", str(target),
        "--python", sys.executable,
        "--python-version", platform.minor,
        "--python-platform", _uv_platform(platform),
        "--only-binary", ":all:",
        "--overrides", str(overrides),
        "--requirements", str(_requirements(declaration, directory)),
        place=declaration.path,
    )  # fmt: skip
    contents = {
        f"{BUNDLE_DEPENDENCIES}/{path.relative_to(target).as_posix()}": path for path in _installed(target)
    }
    write_zip(directory / "zip", contents, _ZIP_LEVEL)
    digest = digest_of(contents)
    shutil.rmtree(target, ignore_errors=True)
    return digest


def _requirements(declaration: Declaration, directory: Path) -> Path:
    """A file that `uv pip install` takes; a lock is exported into one, with its hashes."""
    if declaration.path.name != LOCK:
        return declaration.path
    exported = directory / REQUIREMENTS
    _uv(
        "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project",
        "--project", str(declaration.path.parent),
        "--no-emit-package", "livejob",
        "--output-file", str(exported),
        place=declaration.path,
    )  # fmt: skip
    return exported


def _uv(*arguments: str, place: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    ended = subprocess.run(
        [_find_uv(), *arguments, "--no-progress", "--color", "never"],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        cwd=place.parent,
        check=False,
    )
    if ended.returncode != 0:
        raise DependenciesFailed(
            f"the packages of {place.name} cannot be installed:\n{ended.stderr.strip()}", place=place.name
        )


def _find_uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        found = shutil.which("uv")
        if found is None:
            raise UvMissing("the app's packages have to be installed, and uv is not there") from error
        return found


def _uv_platform(platform: Platform) -> str:
    """The newest wheels that the image's C library takes.

    Source: Lambda, "Lambda runtimes": Python 3.12 and later are on Amazon Linux 2023 (glibc 2.34), earlier
    ones on Amazon Linux 2 (glibc 2.26).
    """
    wheels = "manylinux_2_34" if int(platform.minor.partition(".")[2]) >= 12 else "manylinux2014"
    return f"{UV_PLATFORMS[platform.architecture]}-{wheels}"


def _installed(target: Path) -> Iterator[Path]:
    """What was installed, without programs: their first line names this machine's Python."""
    for path in target.rglob("*") if target.is_dir() else ():
        is_program = path.relative_to(target).parts[0] == "bin"
        if path.is_file() and path.name not in _MADE_BY_UV and not is_program:
            yield path


def _key(declaration: Declaration, platform: Platform) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {platform.runtime} {platform.architecture}\0".encode())
    for path in declaration.files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _with_included(path: Path, seen: set[Path]) -> Iterator[Path]:
    """A requirements file and those that it includes."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    yield path
    for line in path.read_text(errors="replace").splitlines():
        option, _, name = line.strip().replace("=", " ", 1).partition(" ")
        if option in _INCLUDES and name.strip():
            yield from _with_included((path.parent / name.strip()).resolve(), seen)


def _declares_dependencies(project: Path) -> bool:
    try:
        return bool(tomllib.loads(project.read_text()).get("project", {}).get("dependencies"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False  # some tool's own; uv would tell, and the app may not mean it
