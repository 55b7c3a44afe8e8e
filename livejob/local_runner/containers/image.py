"""The image of one container job: built when what its build can see has changed since.

Runs that come while it is built share the build; those that go on keep the image they have. The person hears
of each build, and once of what is wrong with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from livejob.clock import Clock
from livejob.errors import JobImageNotBuilt, LivejobError
from livejob.images.port import ImageBuilder, ImageOrder
from livejob.local_runner.containers.context_look import ContextLook
from livejob.local_runner.events import (
    ImageBuilding,
    ImageBuilt,
    ImageOutput,
    Reporter,
    SourceMended,
    SourceProblem,
)
from livejob.local_runner.threads import ThreadGateway


class ImageStore(Protocol):
    """Where images are; see `CommandEngine.discard_image`."""

    async def discard_image(self, image: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """Whose image it is, and how it is called.

    order: what is to be built; asked before every look, so that a changed definition takes effect.
    """

    job: str
    tag: str
    order: Callable[[], ImageOrder]


class JobImage:
    """Owns its builder, its gateway, and the build that is under way."""

    def __init__(
        self, plan: ImagePlan, builder: ImageBuilder, store: ImageStore, clock: Clock, reporter: Reporter
    ) -> None:
        self._job = plan.job
        self._tag = plan.tag
        self._order = plan.order
        self._builder = builder
        self._store = store
        self._clock = clock
        self._reporter = reporter
        self._gateway = ThreadGateway(f"image {plan.job}", 2)
        self._context = ContextLook(clock)
        self._image = ""
        self._digest = ""
        self._building: asyncio.Task[str] | None = None
        self._problem: SourceProblem | None = None

    @property
    def built(self) -> str:
        """Id of the image that was built last in this session; "" before the first."""
        return self._image

    @property
    def directory(self) -> Path:
        """What its build can see lies in it."""
        return self._order().directory

    async def current(self) -> str:
        """The image's id, of its directory as it is now.

        Raises:
            JobImageNotBuilt: it cannot be built; said to the person too, once.
            EngineUnavailable: no docker command, or no engine.
        """
        digest = await self._look()
        while self._digest != digest:
            if self._building is None:
                return await asyncio.shield(self._begin(digest))
            await asyncio.wait([self._building])
            digest = await self._look()
        self._tell_mended()
        return self._image

    async def close(self) -> None:
        """End a build that is under way."""
        self._builder.stop()
        if self._building is not None:
            await asyncio.gather(self._building, return_exceptions=True)
        self._gateway.close()

    async def _look(self) -> str:
        try:
            return await self._gateway.call(self._context.digest, self._order())
        except JobImageNotBuilt as error:
            self._tell_broken(error)
            raise

    def _begin(self, digest: str) -> asyncio.Task[str]:
        self._building = asyncio.create_task(self._build(digest), name=f"image of {self._job}")
        # Who asked may have gone when it fails; the person has been told.
        self._building.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._building

    async def _build(self, digest: str) -> str:
        began_s, loop = self._clock.monotonic_s(), asyncio.get_running_loop()
        self._reporter.report(ImageBuilding(self._job))

        def tell(line: str) -> None:
            loop.call_soon_threadsafe(self._reporter.report, ImageOutput(self._job, line))

        try:
            image = await self._gateway.call(self._builder.build, self._order(), self._tag, tell)
            # What was saved meanwhile may be in it or not: the next run finds out by another build.
            is_certain = await self._look() == digest
        except JobImageNotBuilt as error:
            self._tell_broken(error)
            raise
        finally:
            self._building = None
        before, self._image, self._digest = self._image, image, digest if is_certain else ""
        self._tell_built(self._clock.monotonic_s() - began_s)
        if before not in ("", image):
            await self._discard(before)
        return image

    async def _discard(self, image: str) -> None:
        try:
            await self._store.discard_image(image)
        except LivejobError:
            # It stays among the engine's dangling images; `docker image prune` finds it.
            return

    def _tell_built(self, took_s: float) -> None:
        self._reporter.report(ImageBuilt(self._job, took_s))
        self._tell_mended()

    def _tell_mended(self) -> None:
        if self._problem is not None:
            where, self._problem = self._problem.where, None
            self._reporter.report(SourceMended(where.partition(":")[0]))

    def _tell_broken(self, error: JobImageNotBuilt) -> None:
        before, problem = self._problem, image_problem(error, self._order())
        self._problem = problem
        # What Docker says around it differs from build to build.
        if before is None or (before.where, before.message) != (problem.where, problem.message):
            self._reporter.report(problem)


def image_problem(error: JobImageNotBuilt, order: ImageOrder) -> SourceProblem:
    """Why an image cannot be built, as a place in its Dockerfile. Pure."""
    head, _, detail = error.message.partition("\n")
    where, line = f"{order.directory.name}/{order.file}", error.context.get("line")
    return SourceProblem(f"{where}:{line}" if line else where, str(error.context.get("reason", head)), detail)
