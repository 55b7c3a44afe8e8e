"""`livejob cancel`: ask for the end of a run, through its invoker as any caller does."""

from __future__ import annotations

import json

import click

from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_lookup import find_run
from livejob.cli.wiring import open_settings, open_target
from livejob.project.loading import discover_jobs
from livejob.runs.model import Run
from livejob.wire.states import TERMINAL, State


@click.command()
@click.argument("run")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def command(options: GlobalOptions, run: str, is_json: bool) -> None:
    """Ask for the end of RUN: its id, or the last digits of it. A run that has ended stays as it is."""
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    found = find_run(target.open_runs(), discover_jobs(settings).jobs, run)
    state = found.state
    if not found.is_ended:
        state = target.open_client().get(found.id, job=found.job).cancel()
    if is_json:
        click.echo(json.dumps({"id": found.id, "state": state}))
    else:
        click.echo(_said(found, state), err=True)


def _said(run: Run, state: State) -> str:
    if run.is_ended:
        return f"{run.id} had ended before: {state}."
    if state in TERMINAL:
        return f"{run.id} is {state}."
    who = "command" if run.is_container else "handler"
    return f"{run.id} is asked to end; its {who} has a moment to clean up. It is {state}."
