"""Images of container jobs: what is to be built, and who builds it.

Knows neither runs nor AWS: a registry is a host with a user's name and password. The daemon builds with it
before a run, a deployment builds and pushes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from livejob.project.specs import Architecture, JobSpec

PLATFORMS: Mapping[Architecture, str] = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}

OnLine = Callable[[str], None]
"""Gets each line of Docker's output as it comes, without its end. Called in the thread that builds."""


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """An image to be built.

    directory:  the build's context.
    file:       the Dockerfile, relative to the directory.
    build_args: values by name; they may be secrets.
    platform:   `linux/amd64` or `linux/arm64`.
    """

    directory: Path
    file: str
    build_args: Mapping[str, str] = field(repr=False)
    platform: str

    @property
    def dockerfile(self) -> Path:
        """Where the Dockerfile is."""
        return self.directory / self.file


def order_of(source: Path, spec: JobSpec) -> ImageOrder:
    """The image of a container job. `source`: the app's source directory.

    Raises:
        ValueError: the job is no container job.
    """
    if spec.container is None:
        raise ValueError(f"{spec.name} is no container job")
    return ImageOrder(
        directory=source / spec.handler,
        file=spec.container.file,
        build_args=spec.container.build_args,
        platform=PLATFORMS[spec.architecture],
    )


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """How to prove to a registry who pushes. `registry`: its host, with a port if it has one."""

    registry: str
    username: str
    password: str = field(repr=False)


class ImageBuilder(Protocol):
    """Builds, names and pushes images. All of it blocks, and may be called from several threads.

    Every method raises EngineUnavailable when there is no engine.
    """

    def build(self, order: ImageOrder, tag: str, on_line: OnLine) -> str:
        """Build it and name it `tag`; the image's id, `sha256:…`.

        Raises:
            JobImageNotBuilt: with Docker's reason, and the line of the Dockerfile where it is known.
        """

    def tag(self, image: str, reference: str) -> None:
        """Give an image (its id or name) another name.

        Raises:
            JobImageNotBuilt: there is no such image.
        """

    def push(self, reference: str, login: RegistryLogin, on_line: OnLine) -> None:
        """Push the image of that name to the registry in it.

        Raises:
            RegistryRefused: it does not answer, or did not take the image.
        """

    def stop(self) -> None:
        """End what is under way, for good: whoever waits for it gets EngineUnavailable."""
