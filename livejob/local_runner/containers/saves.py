"""After a save in the directory of a container job: its image is built anew, before a run needs it.

What is wrong is told then, as a failed import of a function is. A build that is under way takes nothing
from runs that go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from livejob.errors import JobImageNotBuilt, LivejobError
from livejob.local_runner.containers.image import JobImage
from livejob.local_runner.events import Reporter, Warned


class ImageSaves:
    """Of all container jobs of a session, by name. Owns the images, and a task for each."""

    def __init__(self, images: Mapping[str, JobImage], reporter: Reporter) -> None:
        self._images = images
        self._reporter = reporter
        self._following: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, job: str) -> bool:
        return job in self._images

    def note(self, paths: Collection[Path], saved: Callable[[Collection[str]], None]) -> None:
        """Files have changed; `saved` hears of each job whose image is another one by it."""
        for name, image in self._images.items():
            if any(path.is_relative_to(image.directory) for path in paths):
                self._follow(name, image, saved)

    async def close(self) -> None:
        for task in self._following.values():
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)
        await asyncio.gather(*(image.close() for image in self._images.values()))

    def _follow(self, name: str, image: JobImage, saved: Callable[[Collection[str]], None]) -> None:
        before = self._following.get(name)
        if before is not None:
            # The build goes on; who waits for it looks again at what was saved since.
            before.cancel()
        self._following[name] = asyncio.create_task(self._renew(name, image, saved), name=f"save of {name}")

    async def _renew(self, name: str, image: JobImage, saved: Callable[[Collection[str]], None]) -> None:
        before = image.built
        try:
            now = await image.current()
        except JobImageNotBuilt:
            return  # the image itself has told the person
        except LivejobError as error:
            self._reporter.report(Warned(f"the image of {name} is not built: {error.message}", error.remedy))
            return
        if before not in ("", now):
            saved([name])
