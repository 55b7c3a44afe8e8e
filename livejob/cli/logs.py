"""`livejob logs`: the output of one run, wherever it was executed."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

import click

from livejob.cli.exit_codes import ExitCode
from livejob.cli.follow import Follower
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_lookup import find_run
from livejob.cli.run_narration import OutputWriter
from livejob.cli.wiring import open_settings, open_target
from livejob.clock import SystemClock
from livejob.local_runner.logs import LogLine, RunLogs
from livejob.project.loading import discover_jobs
from livejob.runs.model import Run
from livejob.wire.names import read_build_log


@click.command()
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object for each line of output.")
@global_options
def command(options: GlobalOptions, run: str, follow: bool, is_json: bool) -> ExitCode:
    """Print the output of RUN: its id, or the last digits of it."""
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    runs = target.open_runs()
    found = find_run(runs, discover_jobs(settings).jobs, run)
    output = target.open_output(settings.livejob_directory, found.id)
    printer = LogPrinter(is_json)
    if follow:
        found = Follower(runs, output, SystemClock(), time.sleep).follow(found.id, printer)
    else:
        for line in output.read_new(found):
            printer.see_output(line)
    if is_elsewhere(found, settings.livejob_directory):
        where = f"its log is {found.log}" if found.log else "nothing says where"
        click.echo(f"{found.id} has written nothing on this machine; {where}.", err=True)
    return ExitCode.OK


def is_elsewhere(run: Run, livejob_directory: Path) -> bool:
    """Its output, if there is any, is in a file of another machine."""
    logs = RunLogs(livejob_directory)
    # A run of this machine that has written nothing has no file.
    is_here = run.log == logs.address(run.id) or logs.path(run.id).exists()
    return read_build_log(run.log) is None and not is_here


class LogPrinter:
    """A `Watcher` that prints output and nothing else, to stdout."""

    def __init__(self, is_json: bool) -> None:
        self._is_json = is_json
        self._output = OutputWriter(sys.stdout)

    def see_run(self, run: Run) -> None:
        """States are not output."""

    def see_output(self, line: LogLine) -> None:
        if self._is_json:
            click.echo(json.dumps(dataclasses.asdict(line), ensure_ascii=False))
        else:
            self._output.write(line)
