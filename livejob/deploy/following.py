"""Keeps the stage of a session deployed while its jobs are defined anew.

    save ──note──▶ look (change set) ──differs──▶ ask ──yes──▶ deploy ──▶ adopt
                      ▲                            │
                      └── a newer save ◀───────────┘   what was asked is withdrawn

The last save counts: what was found out for an earlier one is dropped. One step at a time; runs go on
meanwhile. Knows neither how the person is asked nor what a session does with a deployed job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from livejob.clock import Clock
from livejob.deploy.changes import ResourceChange
from livejob.deploy.stage import DeployedStage
from livejob.deploy.stage_events import (
    DeploymentLeft,
    NextStep,
    StageCurrent,
    StageDeployed,
    StageDeploying,
    StageNotDeployed,
    StageOutdated,
    StageReporter,
)
from livejob.errors import LivejobError
from livejob.local_runner.asking import Asking
from livejob.local_runner.threads import ThreadGateway
from livejob.project.specs import JobSpec

Definitions = Mapping[str, JobSpec]


class FollowedStage(Protocol):
    """The stage. Both block and raise what `diff_stage` and `deploy_stage` raise."""

    def look(self, jobs: Definitions) -> Sequence[ResourceChange]:
        """What would have to be changed for these jobs."""
        ...

    def deploy(self, jobs: Definitions) -> DeployedStage:
        """Change it."""
        ...


@dataclass(frozen=True, slots=True)
class FollowingParts:
    """The ready collaborators of a StageFollower.

    gateway: for the stage's calls.
    asked:   how the person is asked; None where nobody can be.
    adopt:   gets the jobs that are deployed now, as they are defined by now, and their stage.
    """

    stage: FollowedStage
    gateway: ThreadGateway
    asked: Asking | None
    adopt: Callable[[Definitions, DeployedStage], Awaitable[None]]
    clock: Clock
    reporter: StageReporter


class StageFollower:
    """Of one session. `run` does the work; `note` tells it of new definitions."""

    def __init__(self, parts: FollowingParts, deployed: Definitions, *, is_automatic: bool) -> None:
        """`deployed`: as the stage is. is_automatic: nobody has to be asked."""
        self._parts = parts
        self._deployed = deployed
        self._jobs = deployed
        self._is_automatic = is_automatic
        self._next: Literal["look", "deploy"] = "look"
        self._is_due = asyncio.Event()
        self._question = ExitStack()
        self._is_open = False  # the person was told of a difference that is there still

    def note(self, jobs: Definitions) -> None:
        """The jobs as they are defined from here on."""
        if _without_places(jobs) == _without_places(self._jobs):
            return
        self._jobs = jobs
        self._go_on("look")

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._is_due.wait()
                self._is_due.clear()
                await (self._look() if self._next == "look" else self._deploy())
        finally:
            self._question.close()

    def _go_on(self, step: Literal["look", "deploy"]) -> None:
        self._question.close()
        self._next = step
        self._is_due.set()

    async def _look(self) -> None:
        try:
            # An app without any job is not deployed, as at a start.
            changes = await self._parts.gateway.call(self._parts.stage.look, self._jobs) if self._jobs else ()
        except LivejobError as error:
            self._fail("look", error)
            return
        if self._is_due.is_set():
            return  # a newer save: this is of no interest any more
        if changes:
            self._tell(changes)
        elif self._is_open:
            self._is_open = False
            self._parts.reporter.report(StageCurrent())

    def _tell(self, changes: Sequence[ResourceChange]) -> None:
        self._is_open = True
        if self._is_automatic:
            self._parts.reporter.report(StageOutdated(changes, "by itself"))
            self._go_on("deploy")
        else:
            self._parts.reporter.report(StageOutdated(changes, self._next_step))
            self._ask("deploy")

    async def _deploy(self) -> None:
        jobs, before, clock = self._jobs, self._deployed, self._parts.clock
        began_s = clock.monotonic_s()
        self._parts.reporter.report(StageDeploying())
        try:
            stage = await self._parts.gateway.call(self._parts.stage.deploy, jobs)
        except LivejobError as error:
            self._fail("deploy", error)
            return
        except asyncio.CancelledError:
            self._parts.reporter.report(DeploymentLeft())
            raise
        self._deployed, self._is_open = jobs, False
        await self._parts.adopt({name: self._jobs.get(name, jobs[name]) for name in jobs}, stage)
        added, removed = sorted(jobs.keys() - before.keys()), sorted(before.keys() - jobs.keys())
        took_s = clock.monotonic_s() - began_s
        self._parts.reporter.report(StageDeployed(stage.changes, added, removed, took_s))

    def _fail(self, step: Literal["look", "deploy"], error: LivejobError) -> None:
        if self._is_due.is_set() and step == "look":
            return  # the newer save tells whether it fails still
        self._is_open = True
        self._parts.reporter.report(StageNotDeployed(step, error.message, error.remedy, self._next_step))
        if not self._is_due.is_set():
            self._ask(step)

    def _ask(self, step: Literal["look", "deploy"]) -> None:
        if self._parts.asked is not None:
            self._question.enter_context(self._parts.asked(lambda: self._go_on(step)))

    @property
    def _next_step(self) -> NextStep:
        return "at the next start" if self._parts.asked is None else "asked"


def _without_places(jobs: Definitions) -> Definitions:
    """Without the line that a job is defined at, which moves with each save and is not deployed."""
    return {name: replace(spec, defined_at="") for name, spec in jobs.items()}
