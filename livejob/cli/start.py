"""`livejob start`: deploy the development stage, attach to it, and run its jobs on this machine.

With --local the stage lives in an AWS emulator on this machine, which starts and ends with the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import click

from livejob import __version__
from livejob.cli.app_aws import open_app_aws, set_up_app_aws
from livejob.cli.engine import OpenedEngine, app_packages, opened_engine, resolve_images, worker_pythons
from livejob.cli.enter_key import EnterKey
from livejob.cli.exit_codes import ExitCode
from livejob.cli.live_stage import LiveStage
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.review import ConsoleReview
from livejob.cli.session import SessionBuilder, SessionPlan
from livejob.cli.session_output import JsonPrinter, Printer, Ready, TextPrinter
from livejob.cli.stage_images import ImageProgress
from livejob.cli.start_debug import (
    DebugWish,
    OpenedDebug,
    debug_options,
    engine_for,
    held_printer,
    opened_debug,
)
from livejob.cli.wiring import Target, local_target, open_settings, open_target
from livejob.clock import Clock, SystemClock
from livejob.deploy.images import ImageWatcher
from livejob.deploy.review import Review
from livejob.deploy.stage import DeployedStage
from livejob.local_aws.launcher import LocalAws
from livejob.local_runner.containers.sidecar import worker_runtimes
from livejob.local_runner.daemon import Daemon, Need
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.local_runner.threads import ThreadGateway
from livejob.project.loading import discover_jobs, remember_stage
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec

AWS_THREADS = 8
"""How many calls to AWS may be under way at once: claims, records and heartbeats of a burst of runs."""


@click.command()
@click.option("--engine", type=click.Choice(["auto", "docker", "process"]), help="What runs workers.")
@click.option("--image", metavar="NAME", help="Image of the workers.")
@click.option("--concurrency", metavar="N", help="Runs of one job at the same time.")
@click.option(
    "--drain", "drain_s", metavar="DURATION", help="How long running attempts may go on after Ctrl-C."
)
@click.option("--pydevd", metavar="VERSION", help="pydevd-pycharm's, for --debug-server.")
@click.option("--local-aws-port", metavar="PORT", help="Port of the local AWS.")
@click.option(
    "--restart-running",
    "on_save",
    flag_value="restart",
    help="Restart running runs of a job when its source is saved.",
)
@click.option(
    "--deploy-on-change",
    "deploy_on_change",
    flag_value="true",
    help="Deploy by itself what a changed job definition needs, without asking for Enter.",
)
@click.option("--takeover", is_flag=True, help="Take the stage over from another session of yours.")
@click.option(
    "--yes",
    "is_yes",
    is_flag=True,
    help="Ask nothing, not even before a production stage becomes a development stage.",
)
@click.option("--json", "is_json", is_flag=True, help="Print events as JSON, one per line, on stdout.")
@global_options
@debug_options
def command(
    options: GlobalOptions,
    *,
    debug_wish: DebugWish,
    takeover: bool,
    is_yes: bool,
    is_json: bool,
    **flags: str | None,
) -> ExitCode:
    """Run this stage's jobs on this machine, live.

    Deploys the development stage of the app (stubs in place of the invokers), attaches to it, and executes
    every run with the code as it is when the run starts. Ctrl-C ends the session; a second one at once.
    """
    settings = engine_for(debug_wish, open_settings(options, flags))
    jobs = discover_jobs(settings).require_whole(settings.source_directory)
    remember_stage(settings)
    clock = SystemClock()
    person = Person(
        held_printer(debug_wish, JsonPrinter(clock) if is_json else TextPrinter(clock, list(jobs))),
        ImageProgress(is_json=is_json),
        ConsoleReview("livejob start", is_yes=is_yes, is_silent=is_json, asks_for_changes=False),
        EnterKey(sys.stdin),
        is_asked=not is_json,
    )
    wishes = Wishes(options.is_local, takeover, debug_wish)
    asyncio.run(LiveCommand(settings, jobs, wishes, person, clock).run())
    return ExitCode.OK


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever has started the command. is_asked: whether to deploy, while the session goes on."""

    printer: Printer
    image_watcher: ImageWatcher
    review: Review
    enter: EnterKey
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was given on the command line and is no setting."""

    is_local: bool | None
    is_takeover: bool
    debug: DebugWish


class LiveCommand:
    """One `livejob start`, from its settings to its end."""

    def __init__(
        self,
        settings: Settings,
        jobs: Mapping[str, JobSpec],
        wishes: Wishes,
        person: Person,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._wishes = wishes
        self._printer = person.printer
        self._image_watcher = person.image_watcher
        self._review = person.review
        self._enter = person.enter
        self._is_asked = person.is_asked and person.enter.is_there
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._gateway = ThreadGateway("aws", AWS_THREADS)

    async def run(self) -> None:
        try:
            async with (
                opened_debug(self._wishes.debug, self._settings, self._printer, self._enter) as debug,
                self._opened_target() as (target, needs),
            ):
                await self._serve(target, needs, debug)
        finally:
            self._gateway.close()

    @contextlib.asynccontextmanager
    async def _opened_target(self) -> AsyncIterator[tuple[Target, list[Need]]]:
        """The stage's AWS, and what of it must last as long as the session."""
        if not self._wishes.is_local:
            yield open_target(self._settings, self._wishes.is_local), []
            return
        local = await asyncio.to_thread(open_app_aws, self._settings)
        try:
            await asyncio.to_thread(set_up_app_aws, self._settings, local)
            yield local_target(self._settings, local.state), [partial(_until_died, local)]
        finally:
            await asyncio.to_thread(local.stop)

    async def _serve(self, target: Target, needs: list[Need], debug: OpenedDebug | None) -> None:
        stage = LiveStage(target, self._settings, self._printer.tell_deployment, self._image_watcher)
        deploying = asyncio.ensure_future(asyncio.to_thread(stage.deploy_first, self._jobs, self._review))
        async with opened_engine(self._settings.engine, target.endpoint_url) as opened:
            deployed = await deploying
            plan = await self._plan(target, stage, needs, debug, opened, deployed)
            self._printer.prepare(self._ready(target, debug, opened, deployed))
            daemon = await asyncio.to_thread(SessionBuilder(plan).build)
            with _stopped_by_signals(daemon), self._enter.opened():
                await daemon.run()

    async def _plan(
        self,
        target: Target,
        stage: LiveStage,
        needs: list[Need],
        debug: OpenedDebug | None,
        opened: OpenedEngine,
        deployed: DeployedStage,
    ) -> SessionPlan:
        runtimes = set(worker_runtimes(self._jobs).values())
        return SessionPlan(
            settings=self._settings,
            target=target,
            jobs=self._jobs,
            job_roles=deployed.job_roles,
            images=await asyncio.to_thread(resolve_images, opened, runtimes, self._settings.image),
            packages=app_packages(self._settings, opened),
            stage=stage,
            asked=self._enter.asked if self._is_asked else None,
            opened=opened,
            gateway=self._gateway,
            clock=self._clock,
            reporter=self._printer,
            is_takeover=self._wishes.is_takeover,
            needs=needs,
            debug=debug,
            debuggers=await self._debuggers(debug, opened, runtimes),
        )

    def _ready(
        self, target: Target, debug: OpenedDebug | None, opened: OpenedEngine, deployed: DeployedStage
    ) -> Ready:
        return Ready(
            version=__version__,
            app=target.names.app,
            stage=target.names.stage,
            aws=target.endpoint_url or f"account {target.account}, {target.region}",
            engine=f"{opened.info.name} {opened.info.version}",
            notes=opened.info.notes,
            jobs=sorted(self._jobs),
            began_s=self._began_s,
            directory=self._settings.livejob_directory,
            is_deployed=deployed.is_changed,
            debug=debug.place if debug is not None else "",
            debug_hint=debug.hint if debug is not None else "",
        )

    async def _debuggers(
        self, debug: OpenedDebug | None, opened: OpenedEngine, runtimes: set[str]
    ) -> Mapping[str, WorkerDebugger]:
        if debug is None:
            return {}
        return await asyncio.to_thread(lambda: debug.for_pythons(worker_pythons(opened, runtimes)))


@contextlib.contextmanager
def _stopped_by_signals(daemon: Daemon) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _until_died(local: LocalAws) -> None:
    raise await local.wait_died()
