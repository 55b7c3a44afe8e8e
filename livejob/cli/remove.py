"""`livejob remove`: delete a stage, and say what of it stays."""

from __future__ import annotations

import json

import click

from livejob import __version__
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.review import ConsoleReview
from livejob.cli.stack_output import StackProgress
from livejob.cli.wiring import open_settings, open_target
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.resources import StageContext
from livejob.deploy.stage import Removal, find_stage, remove_stage
from livejob.wire.names import StageNames


@click.command()
@click.option("--yes", "is_yes", is_flag=True, help="Ask nothing.")
@click.option("--json", "is_json", is_flag=True, help="Print events as JSON, one per line, on stdout.")
@global_options
def command(options: GlobalOptions, *, is_yes: bool, is_json: bool) -> None:
    """Delete the stage: its invokers, projects, roles, logs.

    Records and documents go too in a development stage. Those of a production stage stay in the stack; the
    next deployment of the stage goes on with them.
    """
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    clients = DeployClients(target.session, target.endpoint_url)
    context = StageContext(target.names, target.account, target.region, __version__)
    removal = find_stage(clients, context)
    if removal is not None:
        review = ConsoleReview("livejob remove", is_yes=is_yes, is_silent=is_json, asks_for_changes=True)
        review.confirm(_question(target.names, removal))
        remove_stage(clients, context, removal, StackProgress(is_json=is_json).tell, review)
        target.forget()
    if is_json:
        click.echo(json.dumps(_document(removal)))
    else:
        click.echo(_said(target.names, removal), err=True)


def _question(names: StageNames, removal: Removal) -> str:
    what = "with the records and documents of its runs"
    if removal.kept_table:
        what = "of which the records and documents of runs stay"
    return f"Delete stage {names.stage} of {names.app}, {what}?"


def _document(removal: Removal | None) -> dict[str, object]:
    kept = [removal.kept_table, removal.kept_bucket] if removal and removal.kept_table else []
    return {"event": "Removed", "isRemoved": removal is not None, "kept": kept}


def _said(names: StageNames, removal: Removal | None) -> str:
    if removal is None:
        return f"There is no stage {names.stage} of {names.app}."
    lines = [f"Stage {names.stage} of {names.app} is removed."]
    if removal.kept_table:
        lines += [
            f"  kept: table {removal.kept_table}, bucket {removal.kept_bucket}",
            f"  The stack {removal.stack.name} has only these left; a new deployment goes on with them.",
            "  To delete them as well:",
            f"    aws cloudformation delete-stack --stack-name {removal.stack.name}",
            f"    aws dynamodb delete-table --table-name {removal.kept_table}",
            f"    aws s3 rb --force s3://{removal.kept_bucket}",
        ]
    return "\n".join(lines)
