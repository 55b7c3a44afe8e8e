"""`livejob show`: all that is recorded of one run, payload and result included."""

from __future__ import annotations

import json

import click

from livejob.cli.build_times import build_of, machine_since_ms
from livejob.cli.documents import read_document
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_cost import cost_document, cost_of, cost_text
from livejob.cli.run_document import phases_document, run_document, shown_json
from livejob.cli.run_lookup import find_run
from livejob.cli.run_text import details_of
from livejob.cli.wiring import Target, open_settings, open_target
from livejob.clock import SystemClock
from livejob.errors import AwsError
from livejob.project.loading import discover_jobs
from livejob.runs.model import Run
from livejob.runs.phases import phases_of


@click.command()
@click.argument("run")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def command(options: GlobalOptions, run: str, is_json: bool) -> None:
    """Show all that is recorded of RUN: its id, or the last digits of it."""
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    jobs = discover_jobs(settings).jobs
    found = find_run(target.open_runs(), jobs, run)
    now_ms = SystemClock().now_ms()
    cost = cost_of(found, jobs[found.job], now_ms) if found.job in jobs and found.attempts else None
    phases = phases_of(found, now_ms, _machine_ms(target, found))
    payload, result = read_document(target, found.payload), read_document(target, found.result)
    if is_json:
        told = {**run_document(found), "phases": phases_document(phases), "cost": cost_document(cost)}
        click.echo(shown_json({**told, "payload": payload, "result": result}))
        return
    for line in details_of(found, phases):
        click.echo(line)
    if cost is not None:
        click.echo(f"cost      {cost_text(cost)}")
    click.echo(f"payload   {_shortened(payload)}")
    if found.result is not None:
        click.echo(f"result    {_shortened(result)}")


def _machine_ms(target: Target, run: Run) -> int | None:
    """As CodeBuild tells; whoever may not ask it is told so, and sees what the record says."""
    build_id = build_of(run)
    if not build_id:
        return None
    try:
        return machine_since_ms(target.open_codebuild(), build_id)
    except AwsError as error:
        click.echo(f"(how long it was queued is not known: {error.message})", err=True)
        return None


def _shortened(value: object, limit_chars: int = 2000) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= limit_chars:
        return text
    return f"{text[:limit_chars]}… ({len(text)} characters; --json shows all)"
