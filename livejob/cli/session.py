"""Builds a live session: settings and a deployed stage become a daemon with all its collaborators.

Part of the composition root. After it, nothing asks which engine runs or whether AWS is real.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import livejob
from livejob.aws import current_keys
from livejob.bridge.doorbell import IotDoorbell
from livejob.bridge.endpoint import find_iot_endpoint
from livejob.bridge.iot import IotTransport
from livejob.cli.container_jobs import ContainerJobs, ContainerPlace
from livejob.cli.engine import OpenedEngine
from livejob.cli.session_output import Printer
from livejob.cli.start_debug import OpenedDebug
from livejob.cli.wiring import Target
from livejob.clock import Clock, EpochMs
from livejob.deploy.following import FollowedStage, FollowingParts, StageFollower
from livejob.deploy.stage import DeployedStage
from livejob.local_runner.asking import Asking
from livejob.local_runner.attachment import Attachment
from livejob.local_runner.catalog import JobCatalog
from livejob.local_runner.containers.debugger import DebuggingByJob
from livejob.local_runner.containers.sidecar import SIDECAR_BYTES, function_runtimes, worker_runtimes
from livejob.local_runner.credentials import RoleCredentials, assume_role
from livejob.local_runner.daemon import Daemon, DaemonParts, DaemonSettings, Need
from livejob.local_runner.debugging import Debugging
from livejob.local_runner.dependencies import Dependencies
from livejob.local_runner.engines.port import WorkerDebugger, WorkerSpec
from livejob.local_runner.environment import stage_environment, worker_environment
from livejob.local_runner.events import Warned
from livejob.local_runner.execution import RunExecution
from livejob.local_runner.import_checks import ImportChecks, NoChecks
from livejob.local_runner.lending import JobPool
from livejob.local_runner.logs import RunLogs
from livejob.local_runner.pool import PoolLimits, WorkerPool
from livejob.local_runner.preloads import JobPreloads, NoPreloads, Preloads
from livejob.local_runner.recent_jobs import RecentJobs
from livejob.local_runner.records import Records
from livejob.local_runner.reload import Reload, ReloadParts
from livejob.local_runner.sources.feed import SourceFeed
from livejob.local_runner.sources.journal import open_journal
from livejob.local_runner.sources.scan import SourceScan
from livejob.local_runner.sources.usage import SourceUse
from livejob.local_runner.threads import ThreadGateway
from livejob.local_runner.watcher import SourceWatcher
from livejob.local_runner.worker_link import WorkerService
from livejob.project.dependencies import AppPackages
from livejob.project.loading import PresentJobs
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec
from livejob.runs.model import Session
from livejob.wire.ids import RANDOM_BYTES, new_session_id
from livejob.wire.limits import LEASE_S


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a session is built from.

    opened:    what runs workers, and commands.
    images:    runtime ("python3.11") -> image of its workers.
    job_roles: job -> ARN of its deployed role.
    packages:  that the app asks for.
    stage:     that is kept deployed.
    asked:     how the person is asked whether to deploy; None where nobody can be.
    needs:     see DaemonParts.
    debug:     None for a session in which nothing is debugged.
    debuggers: runtime -> what its workers load; empty without debug.
    """

    settings: Settings
    target: Target
    jobs: Mapping[str, JobSpec]
    job_roles: Mapping[str, str]
    images: Mapping[str, str]
    packages: AppPackages
    stage: FollowedStage
    asked: Asking | None
    opened: OpenedEngine
    gateway: ThreadGateway
    clock: Clock
    reporter: Printer
    is_takeover: bool = False
    needs: Sequence[Need] = ()
    debug: OpenedDebug | None = None
    debuggers: Mapping[str, WorkerDebugger] = field(default_factory=dict)


def new_session(clock: Clock) -> Session:
    """This process as a session, with its first lease."""
    now_ms = clock.now_ms()
    return Session(
        id=new_session_id(now_ms, secrets.token_bytes(RANDOM_BYTES)),
        owner=getpass.getuser(),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_ms=now_ms,
        lease_until_ms=EpochMs(now_ms + round(LEASE_S * 1000)),
    )


class SessionBuilder:
    """Makes the daemon of one plan. Calls AWS only for the address of its broker."""

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._me = new_session(plan.clock)
        self._sts = plan.target.open_sts()
        self._use = SourceUse()
        self._files = ThreadGateway("files", 1)
        self._job_roles = dict(plan.job_roles)
        self._sweep_now = asyncio.Event()
        self._function_runtimes = set(function_runtimes(plan.jobs.values()))
        self._dependencies = Dependencies(
            plan.packages, self._function_runtimes, plan.gateway, plan.reporter, plan.clock
        )
        # The directory is in the label: another copy of the app, on the same engine and with an AWS of its
        # own, knows nothing of this one's sessions and must not take its workers for orphans.
        self._place = f"{plan.target.names.app} in {plan.settings.root}"
        self._worker_runtimes = worker_runtimes(plan.jobs)
        self._containers = ContainerJobs(
            ContainerPlace(
                self._me.id,
                self._place,
                plan.target.names,
                plan.settings.source_directory,
                stage_environment(plan.target.names, plan.target.region, plan.target.endpoint_url),
                is_debugged=plan.debug is not None,
            ),
            plan.opened,
            plan.clock,
            plan.reporter,
        )

    def build(self) -> Daemon:
        plan, names = self._plan, self._plan.target.names
        source = plan.settings.source_directory
        doorbell = IotDoorbell(plan.target.open_iot_data(), names)
        records = Records(
            plan.target.open_runs(), plan.target.open_documents(), plan.gateway, plan.clock, self._me.id
        )
        scan = SourceScan(source, plan.clock, open_journal())
        sources = SourceFeed(scan, self._use, self._files, plan.clock)
        catalog = JobCatalog(plan.jobs, self._make_pool, plan.reporter)
        follower = self._follower(catalog)
        logs = RunLogs(plan.settings.livejob_directory)
        parts = DaemonParts(
            attachment=Attachment(self._me, plan.target.open_sessions(), doorbell, plan.gateway, plan.clock),
            transport=self._open_transport(),
            records=records,
            execution=RunExecution(
                records, sources, logs, plan.clock, plan.reporter, self._debugging(catalog)
            ),
            recent=RecentJobs(plan.settings.livejob_directory, plan.clock),
            reload=Reload(self._reload_parts(sources, catalog, follower), plan.reporter),
            jobs=catalog,
            end_orphans=partial(plan.opened.engine.sweep, self._place, names.stage),
            clock=plan.clock,
            reporter=plan.reporter,
            needs=[*plan.needs, follower.run],
            sweep_now=self._sweep_now,
        )
        return Daemon(parts, DaemonSettings(plan.settings.drain_s, plan.is_takeover))

    def _follow(self, follower: StageFollower, jobs: Mapping[str, JobSpec]) -> None:
        for job in jobs.values():
            if not job.is_container and job.runtime not in self._function_runtimes:
                self._function_runtimes.add(job.runtime)
                text = (
                    f"{job.defined_at}: this session has no workers of {job.runtime}, which {job.name} needs"
                )
                self._plan.reporter.report(Warned(text, "Stop with Ctrl-C and start again."))
        follower.note(jobs)

    def _follower(self, catalog: JobCatalog) -> StageFollower:
        plan = self._plan
        adopt = partial(self._adopt, catalog)
        parts = FollowingParts(plan.stage, plan.gateway, plan.asked, adopt, plan.clock, plan.reporter)
        return StageFollower(parts, plan.jobs, is_automatic=plan.settings.deploy_on_change)

    async def _adopt(self, catalog: JobCatalog, jobs: Mapping[str, JobSpec], deployed: DeployedStage) -> None:
        """Work for these jobs from here on; some of them may have been called while they were deployed."""
        self._job_roles.update(deployed.job_roles)
        await catalog.adopt(jobs)
        self._sweep_now.set()

    def _debugging(self, catalog: JobCatalog) -> Debugging | None:
        debug = self._plan.debug
        return DebuggingByJob(debug.debugging, lambda job: catalog[job].spec) if debug is not None else None

    def _reload_parts(self, sources: SourceFeed, catalog: JobCatalog, follower: StageFollower) -> ReloadParts:
        settings = self._plan.settings
        is_checking = settings.check_on_save
        return ReloadParts(
            sources=sources,
            watcher=self._watcher(),
            catalog=catalog,
            discover=PresentJobs(settings).find_after,
            dependencies=self._dependencies,
            checks=ImportChecks(catalog, self._use, self._plan.reporter) if is_checking else NoChecks(),
            defined=partial(self._follow, follower),
            images=self._containers.saves(),
        )

    def _watcher(self) -> SourceWatcher:
        """Of the source, and of livejob.toml and locks beside it."""
        source, root = self._plan.settings.source_directory, self._plan.settings.root.resolve()
        return SourceWatcher([source], [root] if root != source else [])

    def _open_transport(self) -> IotTransport:
        target = self._plan.target
        endpoint = find_iot_endpoint(target.open_iot(), target.endpoint_url)
        topic = target.names.session_topic(self._me.id)
        return IotTransport(endpoint, partial(current_keys, target.session), topic, self._me.id)

    def _make_pool(self, spec: Callable[[], JobSpec]) -> JobPool:
        plan, job = self._plan, spec()
        assume = partial(assume_role, self._sts, self._job_roles[job.name], self._me.owner)
        credentials = RoleCredentials(assume, plan.gateway, plan.clock)
        workers = WorkerPool(
            plan.opened.engine,
            lambda: self._worker_spec(spec()),
            WorkerService(credentials.document, partial(self._use.note, job.name), self._preloads(spec)),
            PoolLimits(job.concurrency),
            plan.clock,
            plan.reporter,
        )
        return self._containers.make_pool(spec, workers) if job.is_container else workers

    def _preloads(self, spec: Callable[[], JobSpec]) -> Preloads:
        plan = self._plan
        if not plan.settings.preload or spec().is_container:
            return NoPreloads()
        return JobPreloads(
            spec().name,
            plan.settings.livejob_directory,
            lambda: f"{plan.images.get(spec().runtime)} {self._dependencies.directory(spec().runtime)}",
            lambda: spec().environment,
            lambda text: plan.reporter.report(Warned(text)),
        )

    def _worker_spec(self, job: JobSpec) -> WorkerSpec:
        plan, names = self._plan, self._plan.target.names
        # The workers of a container job are sidecars, which execute nothing of it.
        runtime = self._worker_runtimes[job.name] if job.is_container else job.runtime
        debug = None if job.is_container else plan.debug
        return WorkerSpec(
            owner=self._me.id,
            app=self._place,
            stage=names.stage,
            job=job.name,
            image=plan.images.get(runtime, ""),
            source=plan.settings.source_directory,
            package=Path(livejob.__file__).resolve().parent.parent,
            environment=worker_environment(names, plan.target.region, plan.target.endpoint_url),
            memory_bytes=SIDECAR_BYTES if job.is_container else job.memory_bytes,
            dependencies=self._dependencies.directory(job.runtime),
            debugger=plan.debuggers.get(job.runtime, debug.debugger) if debug else None,
        )
