"""`livejob show`: all that is recorded of one run, payload and result included."""

from __future__ import annotations

import json

import click

from livejob.cli.documents import read_document
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_cost import cost_document, cost_of, cost_text
from livejob.cli.run_document import phases_document, run_document, shown_json
from livejob.cli.run_lookup import find_run
from livejob.cli.run_text import details_of
from livejob.cli.wiring import open_settings, open_target
from livejob.clock import SystemClock
from livejob.project.loading import discover_jobs


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
    payload, result = read_document(target, found.payload), read_document(target, found.result)
    if is_json:
        told = {**run_document(found), "phases": phases_document(found, now_ms), "cost": cost_document(cost)}
        click.echo(shown_json({**told, "payload": payload, "result": result}))
        return
    for line in details_of(found, now_ms):
        click.echo(line)
    if cost is not None:
        click.echo(f"cost      {cost_text(cost)}")
    click.echo(f"payload   {_shortened(payload)}")
    if found.result is not None:
        click.echo(f"result    {_shortened(result)}")


def _shortened(value: object, limit_chars: int = 2000) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= limit_chars:
        return text
    return f"{text[:limit_chars]}… ({len(text)} characters; --json shows all)"
