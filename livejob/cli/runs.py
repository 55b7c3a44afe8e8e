"""`livejob runs`: the latest runs of the stage."""

from __future__ import annotations

import click

from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_document import run_document, shown_json
from livejob.cli.run_text import table_of
from livejob.cli.wiring import open_settings, open_target
from livejob.clock import SystemClock
from livejob.project.loading import discover_jobs
from livejob.runs.model import Run
from livejob.runs.store import RunStore


@click.command()
@click.option("--job", metavar="NAME", help="Of this job only; default: all that the source has.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most."
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON array.")
@global_options
def command(options: GlobalOptions, job: str | None, limit: int, is_json: bool) -> None:
    """List the latest runs, newest first."""
    settings = open_settings(options)
    jobs = [job] if job else list(discover_jobs(settings).jobs)
    runs = latest_runs(open_target(settings, options.is_local).open_runs(), jobs, limit)
    if is_json:
        click.echo(shown_json([run_document(run) for run in runs]))
        return
    for line in table_of(runs, SystemClock().now_ms()):
        click.echo(line)
    if not runs:
        click.echo(f"No runs of {job or 'any job'} in stage {settings.stage}.", err=True)


def latest_runs(runs: RunStore, jobs: list[str], limit: int) -> list[Run]:
    """The newest runs of all the jobs together, newest first."""
    found = [run for job in jobs for run in runs.recent_runs(job, limit)]
    return sorted(found, key=lambda run: (run.created_ms, run.id), reverse=True)[:limit]
