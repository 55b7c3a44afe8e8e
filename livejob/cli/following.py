"""Follows a run that a command has started, to its end: for `livejob run` and `livejob rerun`.

The result goes to stdout, so that it can be piped; everything else to stderr. Ctrl-C stops following, not
the run.
"""

from __future__ import annotations

import json
import time

import click

from livejob.cli.documents import read_document
from livejob.cli.exit_codes import ExitCode, code_of_end
from livejob.cli.follow import Follower
from livejob.cli.run_document import run_document, shown_json
from livejob.cli.run_narration import Narration
from livejob.cli.wiring import Target
from livejob.clock import SystemClock
from livejob.project.settings import Settings
from livejob.runs.model import Run
from livejob.wire.ids import RunId
from livejob.wire.states import State


class Following:
    """How a started run is followed. timeout_s: follow no longer; None for as long as it takes."""

    def __init__(self, target: Target, settings: Settings, timeout_s: float | None, is_json: bool) -> None:
        self._target = target
        self._settings = settings
        self._timeout_s = timeout_s
        self._is_json = is_json

    def detach(self, run_id: RunId, job: str) -> ExitCode:
        """Do not follow: print its id."""
        click.echo(json.dumps({"id": run_id, "job": job}) if self._is_json else run_id)
        return ExitCode.OK

    def follow(self, run_id: RunId) -> ExitCode:
        """Follow it and print its end; the exit code tells how it ended."""
        try:
            run = self._ended(run_id)
        except KeyboardInterrupt:
            click.echo(f"\nThe run goes on. Follow it: livejob logs -f {run_id}", err=True)
            click.echo(f"End it:                   livejob cancel {run_id}", err=True)
            return ExitCode.INTERRUPTED
        self._print_end(run)
        return code_of_end(run.state)

    def _ended(self, run_id: RunId) -> Run:
        clock = SystemClock()
        narration = Narration(clock, self._settings.stage)
        output = self._target.open_output(self._settings.livejob_directory, run_id)
        follower = Follower(self._target.open_runs(), output, clock, time.sleep)
        run = follower.follow(run_id, narration, self._timeout_s)
        narration.tell_end(run)
        return run

    def _print_end(self, run: Run) -> None:
        result = read_document(self._target, run.result)
        if self._is_json:
            click.echo(shown_json({**run_document(run), "result": result}))
        elif run.state is State.SUCCEEDED:
            click.echo(shown_json(result))
