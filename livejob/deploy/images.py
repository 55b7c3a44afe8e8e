"""Brings the images of a stage's container jobs into its repository. Blocks.

An image's tag is the digest of all that it is made from, so an image that is there is right: building and
pushing is for what is new, and of an unchanged stage one question is asked. Knows repository and builder by
what they offer. Called by `stage`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from livejob.clock import Clock, EpochMs
from livejob.deploy.resources import ImageCode
from livejob.errors import EngineUnavailable, RegistryRefused
from livejob.images.context import context_digest
from livejob.images.port import ImageBuilder, ImageOrder, RegistryLogin

KEPT_S = 7 * 86_400
"""An image that no project names is kept for so long: a build that waits in the queue may still be of it."""


class Repository(Protocol):
    """One repository of a registry. Every method may raise AwsError."""

    @property
    def name(self) -> str: ...

    @property
    def arn(self) -> str: ...

    def ensure(self) -> None:
        """Make it, if it is not there."""
        ...

    def has(self, tag: str) -> bool:
        """Whether it has an image of that tag; False where there is no repository."""
        ...

    def login(self) -> RegistryLogin:
        """How to push to it, and under which host."""
        ...

    def remove_unused(self, used: Collection[str], pushed_before_ms: EpochMs) -> int:
        """Remove the images without a tag of `used` that were pushed before; how many."""
        ...


class ImageWatcher(Protocol):
    """Whoever is told what becomes of images."""

    def begin(self, job: str) -> None:
        """The image of the job is going to be built."""
        ...

    def see(self, line: str) -> None:
        """A line of what Docker says."""
        ...

    def end(self, job: str, seconds: float) -> None:
        """The image of the job is built and pushed."""
        ...


class StageImages(Protocol):
    """The images of a stage's container jobs."""

    def code(self) -> Mapping[str, ImageCode]:
        """By job: the image as its builds will find it. Makes nothing.

        Raises:
            JobImageNotBuilt: what an image is made from cannot be read.
            AwsError
        """
        ...

    def publish(self) -> None:
        """See that the repository has them all.

        Raises:
            JobImageNotBuilt, EngineUnavailable, RegistryRefused, AwsError
        """
        ...

    def prune(self) -> None:
        """Once a stage is deployed: delete what earlier deployments have left.

        Raises:
            AwsError
        """
        ...


class NoImages:
    """Of a stage without container jobs: nobody is asked for anything."""

    def code(self) -> Mapping[str, ImageCode]:
        return {}

    def publish(self) -> None:
        """There is nothing to publish."""

    def prune(self) -> None:
        """Nothing is left: the repository goes with its last container job."""


@dataclass(frozen=True, slots=True)
class _Image:
    order: ImageOrder
    code: ImageCode


class RepositoryImages:
    """Images that are built on this machine and pushed. orders: by job."""

    def __init__(
        self,
        orders: Mapping[str, ImageOrder],
        repository: Repository,
        builder: ImageBuilder,
        watcher: ImageWatcher,
        clock: Clock,
    ) -> None:
        self._orders = orders
        self._repository = repository
        self._builder = builder
        self._watcher = watcher
        self._clock = clock

    def code(self) -> Mapping[str, ImageCode]:
        return {job: image.code for job, image in self._images.items()}

    def publish(self) -> None:
        by_uri = {image.code.uri: job for job, image in self._images.items()}
        missing = [job for job in by_uri.values() if not self._repository.has(self._images[job].code.digest)]
        if missing:
            self._repository.ensure()
        for job in missing:
            self._publish(job, self._images[job])

    def prune(self) -> None:
        used = {image.code.digest for image in self._images.values()}
        self._repository.remove_unused(used, EpochMs(self._clock.now_ms() - KEPT_S * 1000))

    def _publish(self, job: str, image: _Image) -> None:
        began_s = self._clock.monotonic_s()
        self._watcher.begin(job)
        try:
            self._builder.build(image.order, image.code.uri, self._watcher.see)
        except EngineUnavailable as error:
            raise EngineUnavailable(
                f"the image of {job} has to be built: {error.message}",
                remedy="Start Docker, whose command line is needed too, and deploy again.",
            ) from error
        try:
            self._builder.push(image.code.uri, self._login, self._watcher.see)
        except RegistryRefused:
            # Tags do not move: another deployment at the same time may have been faster.
            if not self._repository.has(image.code.digest):
                raise
        self._watcher.end(job, self._clock.monotonic_s() - began_s)

    @cached_property
    def _images(self) -> Mapping[str, _Image]:
        return {job: _Image(order, self._code(order)) for job, order in self._orders.items()}

    def _code(self, order: ImageOrder) -> ImageCode:
        digest = context_digest(order)
        uri = f"{self._login.registry}/{self._repository.name}:{digest}"
        return ImageCode(digest, uri, self._repository.arn)

    @cached_property
    def _login(self) -> RegistryLogin:
        return self._repository.login()
