"""Brings the code of a stage into its CDK app: bundles, images and livejob's own functions, as assets.

`livejob deploy` puts them into the account's artifacts bucket. An asset gets its bucket and key from the
CDK, and a job's role may read that one object, for others' assets are in the same bucket. Called by
`LivejobStage`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import aws_ecr_assets, aws_s3_assets
from constructs import Construct

from livejob.deploy.app_files import app_files
from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundler
from livejob.deploy.packages import Package, invoker_package, reconciler_package
from livejob.deploy.resources import BundleCode, FunctionCode, ImageCode
from livejob.deploy.stages import StageCode
from livejob.images.context import context_digest
from livejob.images.port import ImageOrder, order_of
from livejob.project.settings import LIVEJOB_DIRECTORY
from livejob.project.specs import JobSpec
from livejob_infra.props import CopyFile


@dataclass(frozen=True, slots=True)
class Source:
    """What becomes /var/task: a directory, and files copied into it, as (from, to)."""

    directory: Path
    copies: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, src_path: str, copy_files: Sequence[CopyFile]) -> Source:
        """The source that a job's props name."""
        copies = tuple((each["from"], each.get("to", each["from"])) for each in copy_files)
        return cls(Path(src_path).resolve(), copies)


_PLATFORMS = {
    "linux/amd64": aws_ecr_assets.Platform.LINUX_AMD64,
    "linux/arm64": aws_ecr_assets.Platform.LINUX_ARM64,
}

KEPT = Path(LIVEJOB_DIRECTORY, "bundles")
"""Where bundles are kept, relative to the directory that the CDK app runs in."""


class CodeAssets:
    """The assets of one stage; each is made once.

    kept: directory for bundles, so that only what is new is made; it is made when it is needed.
    """

    def __init__(self, scope: Construct, kept: Path) -> None:
        self._scope = scope
        self._kept = kept
        self._bundles: dict[tuple[Source, Platform], BundleCode] = {}
        self._images: dict[str, ImageCode] = {}
        self._functions = [self._function(make()) for make in (invoker_package, reconciler_package)]

    def bundle(self, source: Source, platform: Platform, jobs: Sequence[JobSpec]) -> BundleCode:
        """The bundle of a source for a platform; `jobs` are those that need it.

        Raises:
            LivejobError: see `livejob.deploy.bundle.Bundler`.
        """
        if (source, platform) not in self._bundles:
            self._bundles[source, platform] = self._new_bundle(source, platform, jobs)
        return self._bundles[source, platform]

    def _new_bundle(self, source: Source, platform: Platform, jobs: Sequence[JobSpec]) -> BundleCode:
        self._kept.mkdir(parents=True, exist_ok=True)
        (self._kept.parent / ".gitignore").write_text("*\n")
        with tempfile.TemporaryDirectory(dir=self._kept) as scratch:
            directory = _with_copies(source, Path(scratch)) if source.copies else source.directory
            bundle = Bundler(source.directory, directory, self._kept).bundle(platform, jobs)
        asset = self._asset(f"Bundle{len(self._bundles)}", bundle.path)
        return BundleCode(bundle.digest, asset.s3_bucket_name, asset.s3_object_key, asset.s3_object_key)

    def image(self, source: Source, job: JobSpec) -> ImageCode:
        """The image of a container job. The CDK's command builds and pushes it, with Docker.

        Raises:
            LivejobError: see `livejob.images.context.context_digest`.
        """
        if job.name not in self._images:
            self._images[job.name] = self._new_image(order_of(source.directory, job), job.name)
        return self._images[job.name]

    def _new_image(self, order: ImageOrder, job: str) -> ImageCode:
        asset = aws_ecr_assets.DockerImageAsset(
            self._scope,
            f"{job}Image",
            directory=str(order.directory),
            file=order.file,
            build_args=dict(order.build_args),
            platform=_PLATFORMS[order.platform],
        )
        return ImageCode(context_digest(order), asset.image_uri, asset.repository.repository_arn)

    def stage_code(
        self,
        bundles: Mapping[Platform, BundleCode] | None = None,
        images: Mapping[str, ImageCode] | None = None,
    ) -> StageCode:
        """The code of the stage with these bundles and images."""
        invoker, reconciler = self._functions
        return StageCode(invoker, reconciler, bundles or {}, images or {})

    def _function(self, package: Package) -> FunctionCode:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "function.zip")
            path.write_bytes(package.zip.data)
            name = "".join(part.title() for part in package.handler.split(".")[-2].split("_"))
            asset = self._asset(f"{name}Code", path)  # copies the file
        return FunctionCode(package.handler, asset.s3_bucket_name, asset.s3_object_key)

    def _asset(self, name: str, path: Path) -> aws_s3_assets.Asset:
        # The CDK itself runs in another process, whose directory need not be ours.
        return aws_s3_assets.Asset(self._scope, name, path=str(path.resolve()))


def _with_copies(source: Source, directory: Path) -> Path:
    for name, path in app_files(source.directory).items():
        _copy(path, directory / name)
    for origin, to in source.copies:
        _copy(source.directory / origin, directory / to)
    return directory


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, to)
