"""The container jobs of a session: their pools and images. Part of the composition root."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from livejob.cli.engine import OpenedEngine
from livejob.clock import Clock
from livejob.images.port import order_of
from livejob.local_runner.containers.debugger import ForwardingDebugger, NoCommandDebugger
from livejob.local_runner.containers.image import ImagePlan, JobImage
from livejob.local_runner.containers.layout import (
    SHELL_FILE,
    SOURCE_DIRECTORY,
    command_environment,
    command_files,
)
from livejob.local_runner.containers.link import CommandDebugger, CommandOrder
from livejob.local_runner.containers.pool import ContainerPool, NoContainers
from livejob.local_runner.containers.saves import ImageSaves
from livejob.local_runner.engines.commands import CommandSpec
from livejob.local_runner.events import Reporter
from livejob.local_runner.lending import JobPool
from livejob.local_runner.pool import WorkerPool
from livejob.project.specs import DebugCommand, JobSpec
from livejob.wire.ids import SessionId
from livejob.wire.names import StageNames


@dataclass(frozen=True, slots=True)
class ContainerPlace:
    """Where the commands of a session belong.

    place:       the app and its directory, by which orphans are found.
    source:      of the app; the jobs' directories lie in it.
    environment: see `stage_environment`.
    is_debugged: whether jobs that have a debug command run that.
    """

    owner: SessionId
    place: str
    names: StageNames
    source: Path
    environment: Mapping[str, str]
    is_debugged: bool = False


class ContainerJobs:
    """Makes the pool of each container job, with an image of its own."""

    def __init__(self, place: ContainerPlace, opened: OpenedEngine, clock: Clock, reporter: Reporter) -> None:
        self._place = place
        self._opened = opened
        self._clock = clock
        self._reporter = reporter
        self._images: dict[str, JobImage] = {}

    def make_pool(self, spec: Callable[[], JobSpec], sidecars: WorkerPool) -> JobPool:
        """`spec` tells the job's present definition."""
        name, commands = spec().name, self._opened.commands
        if commands is None:
            return NoContainers(name)
        plan = ImagePlan(name, image_name(self._place, name), lambda: order_of(self._place.source, spec()))
        image = self._images[name] = JobImage(
            plan,
            self._opened.open_builder(),
            commands,
            self._clock,
            self._reporter,
        )
        return ContainerPool(
            sidecars, image, commands, partial(self._command_spec, spec), self._debugger(spec)
        )

    def _debugger(self, spec: Callable[[], JobSpec]) -> CommandDebugger:
        if not self._place.is_debugged:
            return NoCommandDebugger()

        def debug() -> DebugCommand | None:
            container = spec().container
            return container.debug if container is not None else None

        return ForwardingDebugger(debug, self._reporter)

    def saves(self) -> ImageSaves:
        """What follows saves in the directories of the jobs that have a pool by now."""
        return ImageSaves(self._images, self._reporter)

    def _command_spec(self, spec: Callable[[], JobSpec], order: CommandOrder) -> CommandSpec:
        job, place = spec(), self._place
        assert job.container is not None
        debug, command = job.container.debug, job.container.command
        if debug is not None and order.debug_port is not None:
            command = debug.listening_at(order.debug_port)
        return CommandSpec(
            owner=place.owner,
            app=place.place,
            stage=place.names.stage,
            job=job.name,
            image=order.image,
            script=SHELL_FILE,
            files=command_files(command, order.start.body),
            directory=SOURCE_DIRECTORY,
            environment=command_environment(place.environment, order.start, order.credentials),
            memory_bytes=job.memory_bytes,
            beside=order.beside,
        )


def image_name(place: ContainerPlace, job: str) -> str:
    """Of the image of a job of this copy of the app. Pure."""
    copy = hashlib.sha256(place.place.encode()).hexdigest()[:8]
    return f"livejob/{place.names.app}-{place.names.stage}-{job}-{copy}:dev".lower()
