"""A session's stage is kept as its jobs are defined: shown, asked for, deployed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from livejob.clock import SystemClock
from livejob.deploy.changes import Effect, ResourceChange
from livejob.deploy.following import FollowingParts, StageFollower
from livejob.deploy.stage import DeployedStage
from livejob.deploy.stage_events import (
    DeploymentLeft,
    StageCurrent,
    StageDeployed,
    StageDeploying,
    StageEvent,
    StageNotDeployed,
    StageOutdated,
)
from livejob.errors import StackFailed
from livejob.local_runner.threads import ThreadGateway
from livejob.project.specs import JobSpec
from tests.support.job_specs import a_job, jobs_of

DEADLINE_S = 10.0
DEPLOYED = jobs_of(a_job("Resize"))
WITH_MORE = jobs_of(a_job("Resize"), a_job("More"))
EventT = TypeVar("EventT", bound=StageEvent)


def added(job: str) -> ResourceChange:
    """What a new job comes to, in this stage."""
    return ResourceChange(Effect.ADD, f"Job{job}Invoker", "AWS::Lambda::Function", "")


def deleted(job: str) -> ResourceChange:
    """What a removed job comes to."""
    return ResourceChange(Effect.DELETE, f"Job{job}Invoker", "AWS::Lambda::Function", job)


@dataclass
class StageTwin:
    """A stage that has one resource for each job. Calls wait while `is_free` is cleared."""

    jobs: Mapping[str, JobSpec] = field(default_factory=lambda: DEPLOYED)
    failures: list[StackFailed] = field(default_factory=list)
    looks: int = 0
    is_free: threading.Event = field(default_factory=threading.Event)
    is_called: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.is_free.set()

    def look(self, jobs: Mapping[str, JobSpec]) -> Sequence[ResourceChange]:
        self.looks += 1
        self._serve()
        return [
            *[deleted(job) for job in sorted(self.jobs.keys() - jobs.keys())],
            *[added(job) for job in sorted(jobs.keys() - self.jobs.keys())],
        ]

    def deploy(self, jobs: Mapping[str, JobSpec]) -> DeployedStage:
        changes = self.look(jobs)
        self.looks -= 1
        self.jobs = jobs
        roles = {job: f"arn:{job}" for job in jobs}
        return DeployedStage("table", "bucket", {}, roles, is_changed=True, changes=tuple(changes))

    def _serve(self) -> None:
        self.is_called.set()
        assert self.is_free.wait(DEADLINE_S)
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Session:
    """What a follower has around it: the stage, a person, and what it told and handed over."""

    stage: StageTwin = field(default_factory=StageTwin)
    events: list[StageEvent] = field(default_factory=list)
    adopted: list[Mapping[str, JobSpec]] = field(default_factory=list)
    questions: list[Callable[[], object]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, event: StageEvent) -> None:
        self.events.append(event)
        self.news.set()

    async def adopt(self, jobs: Mapping[str, JobSpec], stage: DeployedStage) -> None:
        assert jobs.keys() == stage.job_roles.keys()
        self.adopted.append(jobs)

    @contextmanager
    def asked(self, yes: Callable[[], object]) -> Iterator[None]:
        self.questions.append(yes)
        yield
        self.questions.remove(yes)

    def press_enter(self) -> None:
        self.questions[-1]()

    async def wait_event(self, kind: type[EventT], count: int = 1) -> EventT:
        """The count-th event of that kind, now or as soon as it comes."""
        async with asyncio.timeout(DEADLINE_S):
            while len(found := [each for each in self.events if isinstance(each, kind)]) < count:
                self.news.clear()
                await self.news.wait()
        return found[count - 1]

    async def wait_called(self) -> None:
        """Until the stage is being called."""
        await asyncio.to_thread(self.stage.is_called.wait, DEADLINE_S)

    @asynccontextmanager
    async def follower(
        self, *, is_automatic: bool = False, has_terminal: bool = True
    ) -> AsyncIterator[StageFollower]:
        gateway = ThreadGateway("test-deploy", 1)
        asked = self.asked if has_terminal else None
        parts = FollowingParts(self.stage, gateway, asked, self.adopt, SystemClock(), self)
        follower = StageFollower(parts, DEPLOYED, is_automatic=is_automatic)
        running = asyncio.create_task(follower.run())
        try:
            yield follower
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self.stage.is_free.set()
            gateway.close()


@pytest.fixture
def session() -> Session:
    return Session()


async def test_new_job_is_shown_and_deployed_on_enter(session: Session) -> None:
    """What has to be deployed is told first; Enter deploys it, and then the session has the job."""
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        outdated = await session.wait_event(StageOutdated)
        before = list(session.adopted)
        session.press_enter()
        deployed = await session.wait_event(StageDeployed)

    assert ([added("More")], "asked", []) == (outdated.changes, outdated.next_step, before)
    assert (["More"], [], [WITH_MORE]) == (deployed.added, deployed.removed, session.adopted)
    assert [] == session.questions


async def test_removed_job_is_told_as_gone(session: Session) -> None:
    """A job that is no more defined is deleted by the deployment, and the session lets go of it."""
    session.stage.jobs = WITH_MORE
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        follower.note(DEPLOYED)
        outdated = await session.wait_event(StageOutdated)
        session.press_enter()
        await session.wait_event(StageDeployed)

    assert [deleted("More")] == outdated.changes
    assert [DEPLOYED] == session.adopted


async def test_it_is_deployed_by_itself_where_set(session: Session) -> None:
    """Nobody is asked; what is deployed is told all the same."""
    async with session.follower(is_automatic=True) as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageDeployed)

    kinds = [type(each) for each in session.events]
    assert [StageOutdated, StageDeploying, StageDeployed] == kinds
    assert WITH_MORE == session.stage.jobs


async def test_without_a_terminal_nobody_is_asked(session: Session) -> None:
    """Where nobody can press Enter, the event says that the next start deploys."""
    async with session.follower(has_terminal=False) as follower:
        follower.note(WITH_MORE)
        outdated = await session.wait_event(StageOutdated)

    assert ("at the next start", []) == (outdated.next_step, session.questions)


async def test_last_of_several_saves_counts(session: Session) -> None:
    """What was found out for an earlier save is not told when a later one has come meanwhile."""
    session.stage.is_free.clear()
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_called()
        follower.note(jobs_of(a_job("Resize"), a_job("Other")))
        session.stage.is_free.set()
        outdated = await session.wait_event(StageOutdated)

    assert [added("Other")] == outdated.changes
    assert [outdated] == session.events


async def test_question_is_withdrawn_when_there_is_nothing_to_deploy_any_more(session: Session) -> None:
    """A definition that is as it was before needs no deployment: that is said, and Enter does nothing."""
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)
        follower.note(DEPLOYED)
        is_asked_meanwhile = bool(session.questions)
        await session.wait_event(StageCurrent)

    assert not is_asked_meanwhile
    assert ([], []) == (session.questions, session.adopted)


async def test_app_without_jobs_is_not_deployed(session: Session) -> None:
    """A source in which no job is left, as in the midst of a checkout, does not empty the stage."""
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)
        follower.note({})
        await session.wait_event(StageCurrent)

    assert ([], 1) == (session.questions, session.stage.looks)


async def test_job_that_moved_in_its_file_needs_no_look(session: Session) -> None:
    """The line at which a job is defined is not deployed; AWS is not even asked."""
    async with session.follower() as follower:
        follower.note(jobs_of(a_job("Resize", defined_at="jobs.py:99")))
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)

    assert 1 == session.stage.looks


async def test_failed_deployment_is_told_and_can_be_tried_again(session: Session) -> None:
    """The reason comes with its way out; the session goes on, and Enter deploys once more."""
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)
        session.stage.failures.append(StackFailed("the name is taken", stack="shop-dev"))
        session.press_enter()
        failed = await session.wait_event(StageNotDeployed)
        session.press_enter()
        await session.wait_event(StageDeployed)

    assert ("deploy", "the name is taken", "asked") == (failed.step, failed.message, failed.next_step)
    assert "shop-dev" in failed.remedy
    assert [WITH_MORE] == session.adopted


async def test_look_that_failed_is_told_and_can_be_tried_again(session: Session) -> None:
    """When AWS does not say what would be changed, Enter asks it again, and deploys nothing unseen."""
    session.stage.failures.append(StackFailed("out of reach", stack="shop-dev"))
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        failed = await session.wait_event(StageNotDeployed)
        session.press_enter()
        outdated = await session.wait_event(StageOutdated)

    assert ("look", [added("More")], DEPLOYED) == (failed.step, outdated.changes, session.stage.jobs)


async def test_save_during_a_deployment_is_followed_after_it(session: Session) -> None:
    """The deployment ends first; the session then has the newest definition, and the rest is asked."""
    newest = jobs_of(a_job("Resize"), a_job("More", timeout_s=60), a_job("Other"))
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)
        session.stage.is_called.clear()
        session.stage.is_free.clear()
        session.press_enter()
        await session.wait_called()
        follower.note(newest)
        session.stage.is_free.set()
        await session.wait_event(StageDeployed)
        outdated = await session.wait_event(StageOutdated, count=2)

    assert [added("Other")] == outdated.changes
    assert [{"Resize": newest["Resize"], "More": newest["More"]}] == session.adopted


async def test_end_of_a_session_leaves_a_deployment_to_its_end(session: Session) -> None:
    """A session that ends meanwhile says that a deployment is under way."""
    async with session.follower() as follower:
        follower.note(WITH_MORE)
        await session.wait_event(StageOutdated)
        session.stage.is_called.clear()
        session.stage.is_free.clear()
        session.press_enter()
        await session.wait_called()

    assert DeploymentLeft() == session.events[-1]
