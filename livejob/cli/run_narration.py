"""What `livejob run` and `livejob logs -f` say on stderr while they follow a run."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from livejob.cli.run_text import failure_lines, local_time
from livejob.cli.style import STATE_STYLE, human_seconds, printable
from livejob.clock import Clock
from livejob.local_runner.logs import LogLine
from livejob.runs.model import Attempt, Run
from livejob.wire.states import State


class OutputWriter:
    """Writes a run's output as it was written, to a terminal without its control sequences."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()

    def write(self, line: LogLine) -> None:
        text = printable(line.text) if self._is_terminal else line.text
        self._stream.write(text + line.end)
        self._stream.flush()


class Narration:
    """A `Watcher` for a person: each new state in a line, output in between."""

    def __init__(self, clock: Clock, stage: str) -> None:
        self._clock = clock
        self._stage = stage
        self._output = OutputWriter(sys.stderr)
        self._told: tuple[State, int, str] | None = None
        self._is_silence_told = False
        self._is_line_open = False

    def see_run(self, run: Run) -> None:
        stands = (run.state, run.attempt_number, run.submitted_id)
        if stands != self._told and not run.is_ended:
            self._told = stands
            self._tell_open(run)
        if run.is_lease_over(self._clock.now_ms()) and not self._is_silence_told:
            self._is_silence_told = True
            self._say(f"! no sign of life from {run.owner}, which has the run; waiting for it", "yellow")

    def see_output(self, line: LogLine) -> None:
        self._output.write(line)
        self._is_line_open = line.end != "\n"

    def tell_end(self, run: Run) -> None:
        """The last words: how the run ended, and why."""
        mark, colour = STATE_STYLE.get(run.state, ("✗", "red"))
        took = ""
        if run.started_ms is not None and run.ended_ms is not None:
            took = f" in {human_seconds((run.ended_ms - run.started_ms) / 1000)}"
        self._say(f"{mark} {run.id} {run.state}{took}", colour)
        if run.failure is not None:
            for line in failure_lines(run.failure):
                click.echo(line, err=True)

    def _tell_open(self, run: Run) -> None:
        if run.state is State.QUEUED:
            self._tell_queued(run)
        elif run.state is State.RUNNING:
            again = f", attempt {run.attempt_number}" if run.attempt_number > 1 else ""
            self._say(f"▶ {run.id} runs on {run.backend}{again}", "cyan")

    def _tell_queued(self, run: Run) -> None:
        if run.submitted_id:
            self._say(f"● {run.id} waits for {run.submitted_id} of {run.backend} to begin", "yellow")
        elif run.attempts:
            pause = "" if run.due_ms is None else f" at {local_time(run.due_ms)}"
            self._say(f"● {run.id} will be tried again{pause}", "yellow")
            self._tell_attempt(run.attempts[-1])
        else:
            self._say(f"● {run.id} is queued until {local_time(run.expires_ms)}", "yellow")
            self._say(f"  nobody has it yet; `livejob start --stage {self._stage}` would take it", None)

    def _tell_attempt(self, attempt: Attempt) -> None:
        if attempt.failure is not None:
            failure = attempt.failure
            self._say(f"  attempt {attempt.number}: {failure.type}: {printable(failure.message)}", None)

    def _say(self, text: str, colour: str | None) -> None:
        if self._is_line_open:
            # The handler's last line had no end.
            click.echo(err=True)
            self._is_line_open = False
        click.echo(click.style(text, fg=colour), err=True)
