"""What `livejob start` prints: the daemon's events as lines for a person, or as JSON for a program.

Each printer is a `Reporter` and a `StageReporter`. A line of a run's output longer than the terminal is wide
is cut with its length told; the whole is in the run's log file.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import click

from livejob.cli.stage_output import StageText
from livejob.cli.style import STATE_STYLE, human_seconds, printable
from livejob.clock import Clock
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage_events import StageEvent
from livejob.local_runner.events import (
    BridgeDown,
    BridgeUp,
    CommandDebuggable,
    DebuggerAttached,
    DebuggerAwaited,
    DebuggerDetached,
    DependenciesInstalled,
    DependenciesInstalling,
    EngineBack,
    EngineWaiting,
    Event,
    ImageBuilding,
    ImageBuilt,
    ImageOutput,
    JobsChanged,
    RunClaimed,
    RunEnded,
    RunHeld,
    RunOutput,
    RunResumed,
    RunStarted,
    SessionAttached,
    SourceMended,
    SourceProblem,
    SourceSaved,
    Stopping,
    Warned,
)
from livejob.local_runner.logs import Stream
from livejob.wire.ids import RunId
from livejob.wire.states import State

LINE_CHARS = 400
TRACE_LINES = 12
SHOWN_PATHS = 3

QUICK_BUILD_S = 2.0
"""The output of the first seconds of an image's build is not shown: mostly it is layers that are there."""

JOB_COLOURS = ("cyan", "magenta", "blue", "bright_yellow", "bright_green", "bright_blue")


@dataclass(frozen=True, slots=True)
class Ready:
    """What the first lines of a session tell; printed when the bridge is up.

    aws:      endpoint of the local AWS, or account and region.
    began_s:  monotonic time at which the command began.
    is_deployed: something had to be deployed.
    debug:    address for debuggers, or where else runs are debugged; "" where nothing is.
    debug_hint: how.
    """

    version: str
    app: str
    stage: str
    aws: str
    engine: str
    notes: Sequence[str]
    jobs: Sequence[str]
    directory: Path
    began_s: float
    is_deployed: bool
    debug: str = ""
    debug_hint: str = ""


class Printer(Protocol):
    """A reporter of the daemon and of the stage, that also tells what the command itself does."""

    def report(self, event: Event | StageEvent) -> None: ...

    def prepare(self, ready: Ready) -> None:
        """Remember what to tell once runs can come."""
        ...

    def tell_deployment(self, event: ResourceEvent) -> None:
        """One step of the stage's deployment. Called from another thread."""
        ...


class TextPrinter:
    """One line per happening, on stderr: `time  job  run  what`."""

    def __init__(self, clock: Clock, job_names: list[str]) -> None:
        self._clock = clock
        self._width = max((len(name) for name in job_names), default=0)
        self._colours = {
            name: JOB_COLOURS[at % len(JOB_COLOURS)] for at, name in enumerate(sorted(job_names))
        }
        self._ready: Ready | None = None
        self._stage = StageText(self._note)
        self._builds_s: dict[str, float] = {}
        self._long_lines: set[tuple[RunId, Stream]] = set()
        self._printers: Mapping[type[object], Callable[[Any], None]] = {
            **self._stage.printers,
            SessionAttached: self._attached,
            BridgeUp: self._bridge_up,
            BridgeDown: lambda event: self._note(f"bridge down, reconnecting: {event.reason}", "yellow"),
            RunClaimed: lambda event: None,
            RunStarted: self._started,
            RunOutput: self._output,
            RunEnded: self._ended,
            SourceSaved: self._saved,
            SourceProblem: self._problem,
            SourceMended: lambda event: self._note(f"✓ {event.path} is mended", "green"),
            JobsChanged: self._jobs_changed,
            DependenciesInstalling: lambda event: self._note(f"installing {event.file} …", "bright_black"),
            DependenciesInstalled: lambda event: self._note(
                f"↻ installed {event.file} in {human_seconds(event.took_s)}: the next run has it", "cyan"
            ),
            ImageBuilding: self._image_building,
            ImageOutput: self._image_output,
            ImageBuilt: lambda event: self._note(
                f"↻ built the image of {event.job} in {human_seconds(event.took_s)}",
                "cyan",
            ),
            EngineWaiting: self._engine_waiting,
            EngineBack: lambda event: self._note(
                f"the engine answers again after {event.waited_s:.1f} s", "green"
            ),
            DebuggerAttached: lambda event: self._note(f"debugger attached: {event.client}", "green"),
            DebuggerDetached: self._debugger_detached,
            DebuggerAwaited: self._debugger_awaited,
            CommandDebuggable: lambda event: self._line(
                event.job, event.run_id, click.style(f"‖ attach a debugger to {event.address}", fg="yellow")
            ),
            RunHeld: self._held,
            RunResumed: lambda event: self._line(event.job, event.run_id, "▶ goes on"),
            Warned: self._warned,
            Stopping: self._stopping,
        }

    def report(self, event: Event | StageEvent) -> None:
        self._printers[type(event)](event)

    def prepare(self, ready: Ready) -> None:
        self._ready = ready

    def tell_deployment(self, event: ResourceEvent) -> None:
        self._stage.tell(event)

    def _attached(self, event: SessionAttached) -> None:
        for other in event.others:
            self._note(f"also attached to this stage: {other.owner} on {other.host}", "yellow")

    def _bridge_up(self, event: BridgeUp) -> None:
        if event.is_again:
            self._note("bridge up again; looking for what was missed", "green")
        elif self._ready is not None:
            self._tell_ready(self._ready)

    def _tell_ready(self, ready: Ready) -> None:
        name = click.style(f"livejob {ready.version}", bold=True)
        click.echo(f"\n{name}  {ready.app}/{ready.stage}  {ready.aws}  {ready.engine}", err=True)
        for note in ready.notes:
            click.echo(click.style(f"  ! {note}", fg="yellow"), err=True)
        click.echo(
            f"  jobs   {'  '.join(click.style(job, fg=self._colours[job]) for job in ready.jobs)}", err=True
        )
        click.echo(f"  logs   {ready.directory / 'runs'}", err=True)
        if ready.debug:
            click.echo(f"  debug  {ready.debug}  ({ready.debug_hint})", err=True)
        took = human_seconds(self._clock.monotonic_s() - ready.began_s)
        example = f"livejob run {ready.jobs[0]} --payload '{{}}'"
        click.echo(f"  {click.style('ready', fg='green', bold=True)} in {took}; try: {example}\n", err=True)

    def _started(self, event: RunStarted) -> None:
        again = f", attempt {event.attempt}" if event.attempt > 1 else ""
        self._line(event.job, event.run_id, click.style("▶", fg="cyan") + f" {event.run_id}{again}")

    def _output(self, event: RunOutput) -> None:
        line, text = event.line, event.line.text
        if self._is_rest_of_long_line(event):
            return
        if len(text) > LINE_CHARS:
            text = f"{text[:LINE_CHARS]}… (cut: `livejob logs {event.run_id}` has the whole line)"
        bar = click.style("│", fg="red" if line.stream == "stderr" else "bright_black")
        self._line(event.job, event.run_id, f"{bar} {printable(text)}")

    def _is_rest_of_long_line(self, event: RunOutput) -> bool:
        """True for the second and later pieces of a line that was too long for one."""
        place = (event.run_id, event.line.stream)
        is_rest = place in self._long_lines
        if event.line.end:
            self._long_lines.discard(place)
        elif len(event.line.text) > LINE_CHARS:
            self._long_lines.add(place)
        return is_rest

    def _ended(self, event: RunEnded) -> None:
        mark, colour = STATE_STYLE.get(event.state, ("✗", "red"))
        text = f"{mark} {event.state} in {human_seconds(event.duration_s)}"
        failure = event.failure
        if failure is not None:
            text += f"  {failure.type}: {printable(failure.message)}"
        self._line(event.job, event.run_id, click.style(text, fg=colour))
        if failure is None:
            return
        # Where a handler was when somebody cancelled it is in the record, and no news here.
        trace = "" if event.state is State.CANCELLED else failure.trace
        for line in trace.rstrip().splitlines()[-TRACE_LINES:]:
            self._line(event.job, event.run_id, click.style(f"  {printable(line)}", fg="bright_black"))
        if failure.remedy:
            self._line(event.job, event.run_id, f"  hint: {failure.remedy}")

    def _saved(self, event: SourceSaved) -> None:
        shown = ", ".join(event.paths[:SHOWN_PATHS])
        more = len(event.paths) - SHOWN_PATHS
        self._note(f"↻ {shown}{f' and {more} more' if more > 0 else ''} saved: the next run has it", "cyan")

    def _image_building(self, event: ImageBuilding) -> None:
        self._builds_s[event.job] = self._clock.monotonic_s()
        self._note(f"building the image of {event.job} …", "bright_black")

    def _image_output(self, event: ImageOutput) -> None:
        """What a build says, once one wonders what it does; what it ends with is told by its end."""
        if self._clock.monotonic_s() < self._builds_s.get(event.job, 0.0) + QUICK_BUILD_S:
            return
        text = click.style(f"│ {printable(event.text)}", fg="bright_black")
        click.echo(f"{self._time()}  {event.job.ljust(self._width)}  {text}", err=True)

    def _problem(self, event: SourceProblem) -> None:
        self._note(f"✗ {event.where}: {event.message}", "red")
        for line in event.detail.splitlines():
            self._note(f"    {line}", "red")

    def _jobs_changed(self, event: JobsChanged) -> None:
        self._note(f"↻ settings changed for the next attempt: {', '.join(event.applied)}", "cyan")

    def _engine_waiting(self, event: EngineWaiting) -> None:
        self._note(f"{event.reason}", "yellow")
        self._note(f"  runs wait for it up to {event.give_up_s:.0f} s; start it again to go on", None)

    def _debugger_detached(self, event: DebuggerDetached) -> None:
        paused = f"; {len(event.paused)} paused run(s) go on" if event.paused else ""
        self._note(f"debugger gone: {event.client}{paused}", "yellow")

    def _debugger_awaited(self, event: DebuggerAwaited) -> None:
        text = f"waiting for a debugger on {event.address}, {event.left_s:.0f} s left; Enter to go on without"
        self._line(event.job, event.run_id, click.style(f"‖ {text}", fg="yellow"))

    def _held(self, event: RunHeld) -> None:
        self._line(
            event.job, event.run_id, click.style(f"‖ {event.note}; its timeout stands still", fg="yellow")
        )

    def _warned(self, event: Warned) -> None:
        self._note(f"! {event.text}", "yellow")
        if event.remedy:
            self._note(f"  hint: {event.remedy}", None)

    def _stopping(self, event: Stopping) -> None:
        if event.reason == "taken over":
            self._note(f"this stage was taken over by {event.by}", "yellow")
        if event.returned:
            self._note(f"{event.returned} waiting run(s) given back to the queue", None)
        if not event.running:
            self._note("session ended", "bright_black")
        else:
            self._note(
                f"stopping: {len(event.running)} run(s) may go on for {event.drain_s:g} s; "
                "Ctrl-C again stops them now",
                "yellow",
            )

    def _line(self, job: str, run_id: RunId, text: str) -> None:
        name = click.style(job.ljust(self._width), fg=self._colours.get(job))
        click.echo(f"{self._time()}  {name}  {run_id[-6:]} {text}", err=True)

    def _note(self, text: str, colour: str | None) -> None:
        click.echo(f"{self._time()}  {click.style(text, fg=colour)}", err=True)

    def _time(self) -> str:
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000)  # the person's own time zone
        return click.style(now.strftime("%H:%M:%S"), fg="bright_black")


class JsonPrinter:
    """One JSON object per event on stdout: {"event": its name, and its fields}. The first is Ready."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: Ready | None = None

    def report(self, event: Event | StageEvent) -> None:
        if isinstance(event, BridgeUp) and self._ready is not None:
            ready, self._ready = self._ready, None
            fields = dataclasses.asdict(ready)
            took_s = self._clock.monotonic_s() - fields.pop("began_s")
            self._emit("Ready", **fields, took_s=round(took_s, 3), pid=os.getpid())
        self._emit(type(event).__name__, **dataclasses.asdict(event))

    def prepare(self, ready: Ready) -> None:
        self._ready = ready

    def tell_deployment(self, event: ResourceEvent) -> None:
        self._emit("Deployment", **dataclasses.asdict(event))

    def _emit(self, name: str, **fields: object) -> None:
        click.echo(json.dumps({"event": name, **fields}, default=_plain, ensure_ascii=False))


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} in an event")
