"""An app's third-party packages as a zip, for the platform of its deployed runs.

Wheels are taken: what has to be compiled would be compiled for this machine. Where a package has none, all
are installed by a `PackageBuilder`, where the jobs run. livejob itself comes with the bundle, and boto3 with
the image. Installed and packed once for each content of the app's lock; a later deployment takes the zip that
is kept. Called by `bundle`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from livejob.deploy.build import Platform
from livejob.deploy.zip_files import digest_of, write_zip
from livejob.errors import DependenciesUnusable, EngineError
from livejob.project.dependencies import TargetPython, WantedPackages, install_packages, packages_directory
from livejob.wire.names import BUNDLE_DEPENDENCIES

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

_MADE_BY_UV = frozenset({".lock", "uv_cache.json"})
_NO_WHEEL = ("no usable wheels", "no wheels with a matching", "Building source distributions")

_ZIP_LEVEL = 1  # wheels are large, and written once: a tenth more bytes for a third of the time


@dataclass(frozen=True, slots=True)
class PackedPackages:
    """Installed packages as a zip, all below BUNDLE_DEPENDENCIES. digest: of what is in it."""

    zip: Path
    digest: str


class PackageBuilder(Protocol):
    """Installs packages where jobs run, and builds those that have no wheel. A port; the implementation is
    `livejob.local_runner.image.installing`."""

    def install(self, requirements: Path, runtime: str, architecture: str, into: Path) -> None:
        """Install what a requirements file asks for into a directory, for that Python and architecture.

        Raises:
            EngineError: there is nothing here that could do it.
            DependenciesUnusable: a package could not be built.
        """
        ...


def pack_packages(
    wanted: WantedPackages, platform: Platform, kept: Path, builder: PackageBuilder | None = None
) -> PackedPackages:
    """The packages for a platform, from the zips in `kept` or installed now.

    Raises:
        DependenciesUnusable: uv could not install them, and no builder either; their own words are in the
            message.
    """
    target = _target(platform)
    place = packages_directory(kept, wanted, target)
    zipped, noted = place.with_suffix(".zip"), place.with_suffix(".json")
    if not (zipped.is_file() and noted.is_file()):
        _pack(_installed(kept, wanted, platform, builder), zipped, noted)
    return PackedPackages(zipped, json.loads(noted.read_text())["digest"])


def _installed(
    kept: Path, wanted: WantedPackages, platform: Platform, builder: PackageBuilder | None
) -> Path:
    try:
        return install_packages(kept, wanted, _target(platform))
    except DependenciesUnusable as error:
        if not any(sign in error.message for sign in _NO_WHEEL):
            raise
        if builder is None:
            raise _no_wheel(error, platform) from error
        try:
            return _built(kept, wanted, platform, builder)
        except EngineError as absent:
            first = f"Start Docker, so that the package is built there ({absent.message}). Or: "
            raise _no_wheel(error, platform, first) from absent


def _built(kept: Path, wanted: WantedPackages, platform: Platform, builder: PackageBuilder) -> Path:
    # Its place is another than that of wheels alone.
    target = TargetPython(platform.minor, None, f"{platform.architecture}-built")
    return install_packages(
        kept,
        wanted,
        target,
        lambda requirements, into: builder.install(
            requirements, platform.runtime, platform.architecture, into
        ),
    )


def _no_wheel(error: DependenciesUnusable, platform: Platform, first: str = "") -> DependenciesUnusable:
    """first: what would be better, than to do without the package's version."""
    return DependenciesUnusable(
        error.message,
        remedy=f"Builds run on Linux {platform.architecture}, Python {platform.minor}. {first}Take a version "
        "that has a wheel for it, or another architecture= or runtime= for the job.",
    )


def _pack(directory: Path, zipped: Path, noted: Path) -> None:
    contents = {
        f"{BUNDLE_DEPENDENCIES}/{path.relative_to(directory).as_posix()}": path for path in _files(directory)
    }
    with tempfile.TemporaryDirectory(dir=zipped.parent) as place:
        written = Path(place) / "zip"
        write_zip(written, contents, _ZIP_LEVEL)
        written.replace(zipped)
    noted.write_text(json.dumps({"digest": digest_of(contents)}))


def _target(platform: Platform) -> TargetPython:
    """With the newest wheels that the image's C library takes.

    Source: Lambda, "Lambda runtimes": Python 3.12 and later are on Amazon Linux 2023 (glibc 2.34), earlier
    ones on Amazon Linux 2 (glibc 2.26).
    """
    wheels = "manylinux_2_34" if int(platform.minor.partition(".")[2]) >= 12 else "manylinux2014"
    return TargetPython(platform.minor, None, f"{_MACHINES[platform.architecture]}-{wheels}")


def _files(directory: Path) -> Iterator[Path]:
    """What was installed, without programs: their first line names this machine's Python."""
    for path in directory.rglob("*"):
        is_program = path.relative_to(directory).parts[0] == "bin"
        if path.is_file() and path.name not in _MADE_BY_UV and not is_program:
            yield path
