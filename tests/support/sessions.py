"""A whole session in this process: the real daemon and real workers over the shipped memory twins.

    async with live_session(app) as session:
        run = session.call("Greet", {"name": "Mia"})
        ended = await session.wait_ended(run)

Every wait has a deadline; none is a sleep for luck.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import secrets
import sys
import tomllib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import livejob
from livejob.bridge.memory import MemoryHub
from livejob.cli.container_jobs import ContainerJobs, ContainerPlace
from livejob.cli.engine import OpenedEngine
from livejob.clock import EpochMs, SystemClock
from livejob.local_runner.attachment import Attachment
from livejob.local_runner.catalog import JobCatalog
from livejob.local_runner.containers.debugger import DebuggingByJob
from livejob.local_runner.containers.sidecar import function_runtimes
from livejob.local_runner.credentials import Grant, RoleCredentials, Secret
from livejob.local_runner.daemon import Daemon, DaemonParts, DaemonSettings
from livejob.local_runner.debug.package import find_debugger
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.server import DebugServer, DebugSettings
from livejob.local_runner.debugging import Debugging
from livejob.local_runner.dependencies import Dependencies
from livejob.local_runner.engines.port import Engine, EngineInfo, WorkerDebugger, WorkerSpec
from livejob.local_runner.engines.process import ProcessEngine
from livejob.local_runner.environment import stage_environment, worker_environment
from livejob.local_runner.events import BridgeUp, Event, Warned
from livejob.local_runner.execution import RunExecution
from livejob.local_runner.import_checks import ImportChecks, NoChecks
from livejob.local_runner.lending import JobPool
from livejob.local_runner.logs import RunLogs, read_log
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
from livejob.project.dependencies import AppPackages, TargetPython
from livejob.project.discovery import Discovery, JobFinder
from livejob.project.specs import JobSpec
from livejob.runs.memory import MemoryDocuments, MemoryRunStore, MemorySessionStore
from livejob.runs.model import Document, Run, Session
from livejob.wire.ids import RANDOM_BYTES, RunId, new_run_id, new_session_id
from livejob.wire.messages import Cancel, Start
from livejob.wire.names import StageNames
from livejob.wire.states import State

DEADLINE_S = 30.0
HOUR_MS = 3_600_000
EventT = TypeVar("EventT", bound=Event)


@dataclass
class Stage:
    """What outlives a session: the record, the documents and the bridge of one stage."""

    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    sessions: MemorySessionStore = field(default_factory=MemorySessionStore)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    hub: MemoryHub = field(default_factory=MemoryHub)
    clock: SystemClock = field(default_factory=SystemClock)
    # Of this test run alone: the sweep of one must not end the workers of another.
    names: StageNames = field(default_factory=lambda: StageNames("shop", f"dev-{os.getpid()}"))

    def queue(
        self,
        job: str,
        payload: object = None,
        expires_ms: int | None = None,
        key: str | None = None,
        **policy: Any,
    ) -> RunId:
        """Record a run as a stub does, without ringing."""
        now_ms = self.clock.now_ms()
        data = json.dumps(payload).encode()
        run = Run(
            id=new_run_id(now_ms, secrets.token_bytes(RANDOM_BYTES)),
            job=job,
            state=State.QUEUED,
            created_ms=now_ms,
            expires_ms=EpochMs(now_ms + HOUR_MS if expires_ms is None else expires_ms),
            payload=Document(len(data), inline=data),
            key=key,
            **policy,
        )
        return self.runs.create(run).id

    def session(self, owner: str = "mia", host: str = "desk", pid: int | None = None) -> Session:
        now_ms = self.clock.now_ms()
        return Session(
            id=new_session_id(now_ms, secrets.token_bytes(RANDOM_BYTES)),
            owner=owner,
            host=host,
            pid=os.getpid() if pid is None else pid,
            started_ms=now_ms,
            lease_until_ms=EpochMs(now_ms + HOUR_MS),
        )


class Witness:
    """A reporter that remembers, and on which a test can wait."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def report(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_event(
        self, kind: type[EventT], is_meant: Callable[[EventT], bool] = lambda _: True
    ) -> EventT:
        """The first event of that kind, now or as soon as it comes."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for event in self.of(kind):
                    if is_meant(event):
                        return event
                self._news.clear()
                await self._news.wait()


@dataclass
class LiveSession:
    """A daemon that runs, and the stage that it is attached to."""

    stage: Stage
    me: Session
    daemon: Daemon
    witness: Witness
    state_dir: Path
    serving: asyncio.Task[None]
    catalog: JobCatalog
    debug: DebugServer | None = None

    def call(self, job: str, payload: object = None, key: str | None = None) -> RunId:
        """Record a run and ring this session, as a stub does."""
        run_id = self.stage.queue(job, payload, key=key)
        self.ring(run_id, job)
        return run_id

    def ring(self, run_id: RunId, job: str) -> None:
        """Announce a run to this session."""
        self.stage.hub.ring(self.me.id, Start(run_id, job))

    def cancel(self, run_id: RunId) -> None:
        self.stage.hub.ring(self.me.id, Cancel(run_id))

    async def wait_run(self, run_id: RunId, is_so: Callable[[Run], bool]) -> Run:
        """The run as soon as the record says so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so(run := self.stage.runs.get(run_id)):
                await asyncio.sleep(0.005)
        return run

    async def wait_ended(self, run_id: RunId) -> Run:
        return await self.wait_run(run_id, lambda run: run.is_ended)

    async def wait_output(self, run_id: RunId, text: str) -> None:
        """Until the run has printed a line with that text."""
        async with asyncio.timeout(DEADLINE_S):
            while text not in self.output(run_id):
                await asyncio.sleep(0.005)

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Until something that no event tells of is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                await asyncio.sleep(0.005)

    def output(self, run_id: RunId) -> str:
        """All that the run has printed so far."""
        return "".join(line.text + line.end for line in read_log(RunLogs(self.state_dir).path(run_id)))

    def result(self, run: Run) -> Any:
        assert run.result is not None, run
        return json.loads(self.stage.documents.load(run.result))

    async def stop(self) -> None:
        """Stop and wait until all is drained; raises what the daemon raises."""
        self.daemon.stop()
        async with asyncio.timeout(DEADLINE_S):
            await self.serving


@asynccontextmanager
async def live_session(
    app: Path,
    stage: Stage | None = None,
    *,
    me: Session | None = None,
    engine: Engine | None = None,
    is_takeover: bool = False,
    drain_s: float = 0.0,
    changes: Mapping[str, Any] | None = None,
    engine_wait_s: float = 60.0,
    image: str = "",
    dependencies: Path | None = None,
    debug: DebugSettings | None = None,
    debugger: WorkerDebugger | None = None,
    debugging: Debugging | None = None,
    witness: Witness | None = None,
    is_preloading: bool = True,
    is_checking: bool = True,
    containers: OpenedEngine | None = None,
) -> AsyncIterator[LiveSession]:
    """A daemon over the app's source directory, up when this returns. `changes` replace JobSpec fields.

    containers: what runs container jobs, if not an engine without containers.
    debug: None for a session without --debug. debugger: its debugpy, if not the installed one.
    debugging, debugger: of a session that is debugged otherwise.
    """
    stage = stage or Stage()
    me = me or stage.session()
    witness, gateway = witness or Witness(), ThreadGateway("test-aws")
    engine = engine or (containers.engine if containers else None)
    given, engine = engine, engine or ProcessEngine()
    state_dir = app.parent / f"{app.name}-livejob"
    server = DebugServer(debug, LocalPaths(app), witness) if debug else None
    if server is not None:
        await server.open()
    making = _Making(
        app,
        stage,
        me,
        engine,
        witness,
        gateway,
        state_dir,
        changes or {},
        engine_wait_s,
        image,
        dependencies,
        server or debugging,
        debugger or (find_debugger() if server else None),
        is_preloading,
        is_checking,
        containers or OpenedEngine(engine, EngineInfo("none", "0"), None),
    )
    catalog = making.catalog()
    daemon = Daemon(making.parts(catalog), DaemonSettings(drain_s, is_takeover))
    serving = asyncio.create_task(daemon.run())
    up = asyncio.create_task(witness.wait_event(BridgeUp))
    try:
        await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield LiveSession(stage, me, daemon, witness, state_dir, serving, catalog, server)
    finally:
        up.cancel()
        daemon.stop()
        daemon.stop()
        await asyncio.wait({serving}, timeout=DEADLINE_S)
        if server is not None:
            await server.close()
        if given is None:
            await engine.close()
        gateway.close()


@dataclass(frozen=True)
class _Making:
    """Makes a daemon's parts, as the command line's wiring does for a deployed stage."""

    app: Path
    stage: Stage
    me: Session
    engine: Engine
    witness: Witness
    gateway: ThreadGateway
    state_dir: Path
    changes: Mapping[str, Any]
    engine_wait_s: float
    image: str
    dependencies: Path | None
    debug: Debugging | None
    debugger: WorkerDebugger | None
    is_preloading: bool
    is_checking: bool
    containers: OpenedEngine
    use: SourceUse = field(default_factory=SourceUse)

    @cached_property
    def _finder(self) -> JobFinder:
        return JobFinder(self.app, self.app)

    @cached_property
    def _packages(self) -> Dependencies:
        """What the app's requirements name, installed for the running Python."""
        python = TargetPython(".".join(platform.python_version_tuple()[:2]), Path(sys.executable))
        packages = AppPackages(self.app, self.app, self.state_dir / "dependencies", lambda runtime: python)
        runtimes = function_runtimes(self.discover().jobs.values())
        return Dependencies(packages, runtimes, self.gateway, self.witness, self.stage.clock)

    @cached_property
    def _container_jobs(self) -> ContainerJobs:
        names = self.stage.names
        environment = stage_environment(names, "us-east-1", None)
        is_debugged = self.debug is not None
        place = ContainerPlace(self.me.id, names.app, names, self.app, environment, is_debugged)
        return ContainerJobs(place, self.containers, self.stage.clock, self.witness)

    def catalog(self) -> JobCatalog:
        return JobCatalog(self.discover().require_whole(self.app), self._pool, self.witness)

    def parts(self, catalog: JobCatalog) -> DaemonParts:
        stage, clock = self.stage, self.stage.clock
        scan = SourceScan(self.app, clock, open_journal())
        sources = SourceFeed(scan, self.use, ThreadGateway("test-files", 1), clock)
        watcher = SourceWatcher([self.app])
        checks = ImportChecks(catalog, self.use, self.witness) if self.is_checking else NoChecks()
        records = Records(stage.runs, stage.documents, self.gateway, clock, self.me.id)
        logs = RunLogs(self.state_dir)
        return DaemonParts(
            attachment=Attachment(self.me, stage.sessions, stage.hub, self.gateway, clock),
            transport=stage.hub.open_transport(self.me.id),
            records=records,
            execution=RunExecution(records, sources, logs, clock, self.witness, self._debugging(catalog)),
            recent=RecentJobs(self.state_dir, clock),
            reload=Reload(
                ReloadParts(
                    sources,
                    watcher,
                    catalog,
                    self.discover,
                    self._packages,
                    checks,
                    lambda jobs: None,
                    self._container_jobs.saves(),
                ),
                self.witness,
            ),
            jobs=catalog,
            end_orphans=partial(self.engine.sweep, stage.names.app, stage.names.stage),
            clock=clock,
            reporter=self.witness,
        )

    def _debugging(self, catalog: JobCatalog) -> Debugging | None:
        return DebuggingByJob(self.debug, lambda job: catalog[job].spec) if self.debug is not None else None

    def discover(self, changed: Collection[str] = ()) -> Discovery:
        self._finder.tables = job_tables(self.app)
        found = self._finder.find_after(changed)
        jobs = {name: replace(spec, **self.changes) for name, spec in found.jobs.items()}
        return replace(found, jobs=jobs)

    def _pool(self, spec: Callable[[], JobSpec]) -> JobPool:
        clock = self.stage.clock
        credentials = RoleCredentials(lambda: Grant(Secret("{}"), 0), self.gateway, clock)
        limits = PoolLimits(spec().concurrency, engine_wait_s=self.engine_wait_s)
        make_spec = partial(self._worker, spec)
        service = WorkerService(
            credentials.document, partial(self.use.note, spec().name), self._preloads(spec)
        )
        workers = WorkerPool(self.engine, make_spec, service, limits, clock, self.witness)
        return self._container_jobs.make_pool(spec, workers) if spec().is_container else workers

    def _preloads(self, spec: Callable[[], JobSpec]) -> Preloads:
        if not self.is_preloading or spec().is_container:
            return NoPreloads()
        return JobPreloads(
            spec().name,
            self.state_dir,
            lambda: str(self.dependencies or self._packages.directory(spec().runtime)),
            lambda: spec().environment,
            lambda text: self.witness.report(Warned(text)),
        )

    def _worker(self, spec: Callable[[], JobSpec]) -> WorkerSpec:
        names, job = self.stage.names, spec()
        return WorkerSpec(
            owner=self.me.id,
            app=names.app,
            stage=names.stage,
            job=job.name,
            image=self.image,
            source=self.app,
            package=Path(livejob.__file__).parents[1],
            environment=worker_environment(names, "us-east-1", None),
            memory_bytes=job.memory_bytes,
            dependencies=self.dependencies or self._packages.directory(job.runtime),
            debugger=self.debugger,
        )


def job_tables(app: Path) -> Mapping[str, Mapping[str, object]]:
    """The [jobs.Name] tables of the app; none where it has no livejob.toml."""
    file = app / "livejob.toml"
    return tomllib.loads(file.read_text()).get("jobs", {}) if file.exists() else {}
