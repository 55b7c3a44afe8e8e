"""Makes what a build runs: one zip with the app's source, its packages, and livejob's runner.

    task/      the source                    -> /var/task
    python/    third-party packages          -> /opt/python
    livejob/   livejob, as far as it is used -> /opt/livejob

Equal input gives an equal digest on every machine. Zips are kept in the app's `.livejob/bundles`; a change
of the source alone copies the packages' zip and adds the source to it. Called by the command line.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.deploy.app_files import app_files
from livejob.deploy.build import BUILD_MODULE, Platform
from livejob.deploy.code_zip import import_closure_of, named
from livejob.deploy.dependencies import PackageBuilder, pack_packages
from livejob.deploy.packages import livejob_root
from livejob.deploy.resources import BundleCode
from livejob.deploy.zip_files import digest_of, entries_bytes, write_zip
from livejob.errors import JobSpecInvalid
from livejob.project.dependencies import wanted_packages
from livejob.project.specs import JobSpec
from livejob.wire.names import BUNDLE_RUNTIME, BUNDLE_TASK, bundle_key

KEPT_BUNDLES = 6
"""So many zips stay on the disk: those of a few platforms, and a way back."""

_ROOMS = ("livejob.sdk", "livejob.runner", BUILD_MODULE)
"""What user code imports, and what runs it; with everything that these import."""


@dataclass(frozen=True, slots=True)
class SharedPart:
    """With what a bundle's zip begins: the first `size_bytes` of the zip at `path`, whose digest that is."""

    digest: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a build runs: a zip on this machine.

    digest: of all that is in it, 64 hex digits.
    shared: what it has in common with other bundles with the same packages.
    """

    digest: str
    path: Path
    shared: SharedPart | None = None

    def code_in(self, bucket: str) -> BundleCode:
        """As it lies in a bucket once it is uploaded."""
        return BundleCode(self.digest, bucket, bundle_key(self.digest), bundle_key("*"))


class Bundler:
    """Makes the bundles of one app.

    root:    directory of livejob.toml.
    source:  directory that becomes /var/task.
    kept:    directory for zips; made when it is needed.
    builder: of packages without a wheel; None where there is none.
    """

    def __init__(self, root: Path, source: Path, kept: Path, builder: PackageBuilder | None = None) -> None:
        self._root = root
        self._source = source
        self._kept = kept
        self._builder = builder

    def bundle(self, platform: Platform, jobs: Iterable[JobSpec]) -> Bundle:
        """The bundle for those jobs of one platform; nothing is written when it is there already.

        Raises:
            JobSpecInvalid: a job's handler is in no file that is deployed.
            DependenciesUnusable: its packages cannot be installed for the platform.
        """
        source = app_files(self._source)
        _check_handlers(source, jobs)
        contents = {f"{BUNDLE_TASK}/{name}": path for name, path in source.items()}
        contents |= {f"{BUNDLE_RUNTIME}/{name}": path for name, path in _runtime_files().items()}
        wanted = wanted_packages(self._root, self._source)
        place = self._kept / "packages"
        packages = pack_packages(wanted, platform, place, self._builder) if wanted else None
        parts = (digest_of(contents), packages.digest if packages else "")
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        path = self._kept / f"{digest}.zip"
        if not path.is_file():
            self._write(path, contents, packages.zip if packages else None)
        shared = SharedPart(packages.digest, packages.zip, entries_bytes(packages.zip)) if packages else None
        return Bundle(digest, path, shared)

    def _write(self, path: Path, contents: Mapping[str, Path], packages: Path | None) -> None:
        self._kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._kept) as directory:
            written = Path(directory) / path.name
            if packages is not None:
                shutil.copyfile(packages, written)
            write_zip(written, contents)
            written.replace(path)
        # Two that were written at once have the same time: this one stays, whichever comes first then.
        others = [each for each in self._kept.glob("*.zip") if each != path]
        others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
        for each in others[KEPT_BUNDLES - 1 :]:
            each.unlink(missing_ok=True)


def _runtime_files() -> Mapping[str, Path]:
    root = livejob_root()
    modules = [
        # Some are started by name, not imported.
        room if path.stem == "__init__" else f"{room}.{path.stem}"
        for room in _ROOMS
        for path in sorted((root / room.replace(".", "/")).glob("*.py"))
    ]
    return named(import_closure_of(modules, root), root)


def _check_handlers(source: Mapping[str, Path], jobs: Iterable[JobSpec]) -> None:
    for job in jobs:
        module = job.handler.rpartition(".")[0]
        if not {f"{module}.py", f"{module}/__init__.py"} & source.keys():
            raise JobSpecInvalid(
                f"{job.defined_at}: {job.name} has its handler in {module}.py, which is not deployed",
                remedy="Hidden directories, virtual environments and directories that git ignores are not "
                "deployed: move the file, or correct the job's handler.",
            )
