"""Makes what a deployment uploads, from an app on this machine. Part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping

from livejob.cli.package_builder import EngineBuilder
from livejob.deploy.build import Platform, platform_of
from livejob.deploy.bundle import Bundle, Bundler
from livejob.deploy.images import StageImages
from livejob.deploy.packages import invoker_package, reconciler_package, stub_package
from livejob.deploy.resources import StageContext
from livejob.deploy.stage import StageSource
from livejob.deploy.stages import has_builds
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec

BUNDLES = "bundles"
"""Below the app's `.livejob/`: zips that were deployed, and those of its packages."""


def make_source(
    context: StageContext, settings: Settings, jobs: Mapping[str, JobSpec], images: StageImages
) -> StageSource:
    """The code of a stage of the context's mode; bundles only where a function is built.

    images: those of the stage's container jobs.

    Raises:
        JobSpecInvalid, DependenciesUnusable: see `Bundler.bundle`.
    """
    invoker = invoker_package() if context.mode == "production" else stub_package()
    built = [spec for spec in jobs.values() if has_builds(context, spec)]
    if not built:
        return StageSource(invoker)
    functions = [spec for spec in built if not spec.is_container]
    return StageSource(invoker, reconciler_package(), _bundles(settings, functions), images)


def _bundles(settings: Settings, functions: list[JobSpec]) -> Mapping[Platform, Bundle]:
    kept = settings.livejob_directory / BUNDLES
    bundler = Bundler(settings.root, settings.source_directory, kept, EngineBuilder(settings))
    by_platform: dict[Platform, list[JobSpec]] = {}
    for spec in functions:
        by_platform.setdefault(platform_of(spec), []).append(spec)
    return {platform: bundler.bundle(platform, specs) for platform, specs in by_platform.items()}
