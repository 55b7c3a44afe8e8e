"""What a container job's attempts execute in: the image as its directory is now, beside a sidecar.

The sidecars are workers of an ordinary pool, so the job's cap, idle workers, and an engine that does not
answer are that pool's affair.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from livejob.errors import EngineUnavailable
from livejob.local_runner.containers.image import JobImage
from livejob.local_runner.containers.link import CommandDebugger, ContainerLink, MakeSpec
from livejob.local_runner.engines.commands import CommandEngine
from livejob.local_runner.lending import AttemptLink
from livejob.local_runner.pool import WorkerPool
from livejob.local_runner.sources.listing import Listing
from livejob.wire.worker import Hello, ImportChecked


class ContainerPool:
    """Of one job. Owns `sidecars`."""

    def __init__(
        self,
        sidecars: WorkerPool,
        image: JobImage,
        commands: CommandEngine,
        make_spec: MakeSpec,
        debugger: CommandDebugger,
    ) -> None:
        self._debugger = debugger
        self._sidecars = sidecars
        self._image = image
        self._commands = commands
        self._make_spec = make_spec

    async def acquire(self) -> ContainerLink:
        """A command's place, ready; waits while the cap is reached and while the image is built.

        Raises:
            JobImageNotBuilt: it cannot be built of what is in its directory.
            EngineUnavailable, ImageMissing, WorkerFailed: as `WorkerPool.acquire`.
        """
        sidecar = await self._sidecars.acquire()
        try:
            image = await self._image.current()
        except BaseException:
            await self._sidecars.release(sidecar)
            raise
        return ContainerLink(sidecar, image, self._commands, self._make_spec, self._debugger)

    async def release(self, link: AttemptLink) -> None:
        assert isinstance(link, ContainerLink)  # what this pool has lent
        await self._sidecars.release(link.sidecar)

    async def warm(self, prepare: Callable[[AttemptLink], Awaitable[None]]) -> None:
        await self._sidecars.warm(_as_it_is)
        await self._image.current()

    async def give_sources(self, sources: Listing) -> None:
        """The source is in the image: see `ImageSaves`."""

    async def check(self, handler: str, environment: Mapping[str, str]) -> tuple[Hello, ImportChecked] | None:
        """There is nothing to import."""
        return None

    async def renew(self) -> None:
        await self._sidecars.renew()

    async def end_unused(self) -> None:
        await self._sidecars.end_unused()

    async def close(self) -> None:
        await self._sidecars.close()


class NoContainers:
    """The pool of a container job where no container engine answers: every run of it fails, and says why."""

    def __init__(self, job: str) -> None:
        self._job = job

    async def acquire(self) -> AttemptLink:
        self._refuse()

    async def release(self, link: AttemptLink) -> None:
        """Nothing was lent."""

    async def warm(self, prepare: Callable[[AttemptLink], Awaitable[None]]) -> None:
        self._refuse()

    async def give_sources(self, sources: Listing) -> None:
        """Nobody needs them."""

    async def check(self, handler: str, environment: Mapping[str, str]) -> tuple[Hello, ImportChecked] | None:
        return None

    async def renew(self) -> None:
        """Nothing is kept."""

    async def end_unused(self) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is kept."""

    def _refuse(self) -> NoReturn:
        raise EngineUnavailable(
            f"{self._job} is a container job, and this session has no container engine",
            remedy="Start Docker, and `livejob start` again without `--engine process`.",
        )


async def _as_it_is(link: AttemptLink) -> None:
    """A sidecar needs no source."""
