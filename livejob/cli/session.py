"""Builds a live session: settings and a deployed stage become a daemon with all its collaborators.

Part of the composition root. After it, nothing asks which engine runs or whether AWS is real.
"""

from __future__ import annotations

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
from livejob.cli.start_debug import OpenedDebug
from livejob.cli.wiring import Target
from livejob.clock import Clock, EpochMs
from livejob.local_runner.attachment import Attachment
from livejob.local_runner.catalog import JobCatalog
from livejob.local_runner.credentials import RoleCredentials, assume_role
from livejob.local_runner.daemon import Daemon, DaemonParts, DaemonSettings, Need
from livejob.local_runner.dependencies import Dependencies
from livejob.local_runner.engines.port import Engine, WorkerDebugger, WorkerSpec
from livejob.local_runner.environment import worker_environment
from livejob.local_runner.events import Reporter, Warned
from livejob.local_runner.execution import RunExecution
from livejob.local_runner.import_checks import ImportChecks, NoChecks
from livejob.local_runner.logs import RunLogs
from livejob.local_runner.pool import PoolLimits, WorkerPool
from livejob.local_runner.preloads import JobPreloads, NoPreloads, Preloads
from livejob.local_runner.recent_jobs import RecentJobs
from livejob.local_runner.records import Records
from livejob.local_runner.reload import Reload, ReloadParts
from livejob.local_runner.sources.feed import SourceFeed
from livejob.local_runner.sources.scan import SourceScan
from livejob.local_runner.sources.usage import SourceUse
from livejob.local_runner.threads import ThreadGateway
from livejob.local_runner.watcher import SourceWatcher
from livejob.local_runner.worker_link import WorkerService
from livejob.project.dependencies import AppPackages
from livejob.project.loading import discover_jobs
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec
from livejob.runs.model import Session
from livejob.wire.ids import RANDOM_BYTES, new_session_id
from livejob.wire.limits import LEASE_S


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a session is built from.

    images:    runtime ("python3.11") -> image of its workers.
    job_roles: job -> ARN of its deployed role.
    packages:  that the app asks for.
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
    engine: Engine
    gateway: ThreadGateway
    clock: Clock
    reporter: Reporter
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
        runtimes = {job.runtime for job in plan.jobs.values()}
        self._dependencies = Dependencies(plan.packages, runtimes, plan.gateway, plan.reporter, plan.clock)
        # The directory is in the label: another copy of the app, on the same engine and with an AWS of its
        # own, knows nothing of this one's sessions and must not take its workers for orphans.
        self._place = f"{plan.target.names.app} in {plan.settings.root}"

    def build(self) -> Daemon:
        plan, names = self._plan, self._plan.target.names
        source = plan.settings.source_directory
        doorbell = IotDoorbell(plan.target.open_iot_data(), names)
        records = Records(
            plan.target.open_runs(), plan.target.open_documents(), plan.gateway, plan.clock, self._me.id
        )
        sources = SourceFeed(SourceScan(source, plan.clock), self._use, self._files, plan.clock)
        catalog = JobCatalog(plan.jobs, self._make_pool, plan.reporter)
        logs = RunLogs(plan.settings.livejob_directory)
        debugging = plan.debug.debugging if plan.debug is not None else None
        parts = DaemonParts(
            attachment=Attachment(self._me, plan.target.open_sessions(), doorbell, plan.gateway, plan.clock),
            transport=self._open_transport(),
            records=records,
            execution=RunExecution(records, sources, logs, plan.clock, plan.reporter, debugging),
            recent=RecentJobs(plan.settings.livejob_directory, plan.clock),
            reload=Reload(self._reload_parts(sources, catalog), plan.reporter),
            jobs=catalog,
            end_orphans=partial(plan.engine.sweep, self._place, names.stage),
            clock=plan.clock,
            reporter=plan.reporter,
            needs=plan.needs,
        )
        return Daemon(parts, DaemonSettings(plan.settings.drain_s, plan.is_takeover))

    def _reload_parts(self, sources: SourceFeed, catalog: JobCatalog) -> ReloadParts:
        settings = self._plan.settings
        is_checking = settings.check_on_save
        return ReloadParts(
            sources=sources,
            watcher=self._watcher(),
            catalog=catalog,
            discover=partial(discover_jobs, settings),
            dependencies=self._dependencies,
            checks=ImportChecks(catalog, self._use, self._plan.reporter) if is_checking else NoChecks(),
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

    def _make_pool(self, spec: Callable[[], JobSpec]) -> WorkerPool:
        plan, job = self._plan, spec()
        assume = partial(assume_role, self._sts, plan.job_roles[job.name], self._me.owner)
        credentials = RoleCredentials(assume, plan.gateway, plan.clock)
        return WorkerPool(
            plan.engine,
            lambda: self._worker_spec(spec()),
            WorkerService(credentials.document, partial(self._use.note, job.name), self._preloads(spec)),
            PoolLimits(job.concurrency),
            plan.clock,
            plan.reporter,
        )

    def _preloads(self, spec: Callable[[], JobSpec]) -> Preloads:
        plan = self._plan
        if not plan.settings.preload:
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
        return WorkerSpec(
            owner=self._me.id,
            app=self._place,
            stage=names.stage,
            job=job.name,
            image=plan.images.get(job.runtime, ""),
            source=plan.settings.source_directory,
            package=Path(livejob.__file__).resolve().parent.parent,
            environment=worker_environment(names, plan.target.region, plan.target.endpoint_url),
            memory_bytes=job.memory_bytes,
            dependencies=self._dependencies.directory(job.runtime),
            debugger=plan.debuggers.get(job.runtime, plan.debug.debugger) if plan.debug else None,
        )
