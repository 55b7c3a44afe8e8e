"""`livejob diff`: what `livejob deploy` would change in a stage, before it is done."""

from __future__ import annotations

import json

import click

from livejob.cli.deploy import production_context, warn_of_region
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.stack_output import change_document, describe_changes
from livejob.cli.stage_source import make_source
from livejob.cli.wiring import open_settings, open_target
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.stage import StageDiff, diff_stage
from livejob.project.loading import discover_jobs
from livejob.wire.names import StageNames


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def command(options: GlobalOptions, *, is_json: bool) -> None:
    """Show what `livejob deploy` would add, change, replace and delete. Changes nothing."""
    settings = open_settings(options)
    jobs = discover_jobs(settings).require_whole(settings.source_directory)
    target = open_target(settings, options.is_local)
    context = production_context(target)
    warn_of_region(target)
    source = make_source(context, settings, jobs)
    diff = diff_stage(DeployClients(target.session, target.endpoint_url), context, jobs, source)
    if is_json:
        changes = [change_document(each) for each in diff.changes]
        click.echo(json.dumps({"mode": diff.mode, "changes": changes}))
    else:
        click.echo(_said(target.names, diff))


def _said(names: StageNames, diff: StageDiff) -> str:
    stage = f"{names.app}/{names.stage}"
    if diff.mode == "development":
        warning = click.style("a development stage would become a production stage", fg="red")
        return f"{stage}: {warning}\n{describe_changes(diff.changes)}"
    if not diff.changes:
        return f"{stage}: nothing would change"
    return f"{stage}{'' if diff.mode else ' is new'}:\n{describe_changes(diff.changes)}"
