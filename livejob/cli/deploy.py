"""`livejob deploy`: bring a production stage to the app as it is on this machine."""

from __future__ import annotations

import json

import click

from livejob import __version__
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.review import ConsoleReview
from livejob.cli.stack_output import StackProgress, count_done
from livejob.cli.stage_images import ImageProgress, open_images
from livejob.cli.stage_source import make_source
from livejob.cli.style import human_seconds
from livejob.cli.wiring import Target, open_settings, open_target
from livejob.clock import SystemClock
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.resources import StageContext
from livejob.deploy.stage import DeployedStage, deploy_stage
from livejob.project.loading import discover_jobs


@click.command()
@click.option("--yes", "is_yes", is_flag=True, help="Ask nothing.")
@click.option("--json", "is_json", is_flag=True, help="Print events as JSON, one per line, on stdout.")
@global_options
def command(options: GlobalOptions, *, is_yes: bool, is_json: bool) -> None:
    """Deploy the app's jobs: from then on CodeBuild executes the runs of the stage.

    Asks before a development stage becomes a production stage, and before something is replaced or
    deleted. `livejob diff` shows what would change.
    """
    settings = open_settings(options)
    jobs = discover_jobs(settings).require_whole(settings.source_directory)
    target = open_target(settings, options.is_local)
    clock = SystemClock()
    began_s = clock.monotonic_s()
    context = production_context(target)
    warn_of_region(target)
    clients = DeployClients(target.session, target.endpoint_url)
    images = open_images(clients, context, settings, jobs, ImageProgress(is_json=is_json))
    source = make_source(context, settings, jobs, images)
    bundled_s = clock.monotonic_s() - began_s
    progress = StackProgress(is_json=is_json)
    review = ConsoleReview("livejob deploy", is_yes=is_yes, is_silent=is_json, asks_for_changes=True)
    try:
        deployed = deploy_stage(clients, context, jobs, source, progress.tell, review)
    except KeyboardInterrupt:
        click.echo("Interrupted. What AWS has begun goes on; deploy again to follow it.", err=True)
        raise
    target.remember()
    seconds = clock.monotonic_s() - began_s
    if is_json:
        click.echo(json.dumps(_document(target, deployed, seconds)))
    else:
        _tell(target, deployed, f"{human_seconds(seconds)}, bundle {human_seconds(bundled_s)}")


def production_context(target: Target) -> StageContext:
    """The target as a production stage."""
    return StageContext(target.names, target.account, target.region, __version__, "production")


def warn_of_region(target: Target) -> None:
    """Say that the stage is in another region as well, if it is."""
    if target.other_region:
        click.echo(
            f"{click.style('warning:', fg='yellow', bold=True)} stage {target.names.stage} was deployed to "
            f"{target.other_region}; {target.region} gets another one, with runs of its own.",
            err=True,
        )


def _document(target: Target, deployed: DeployedStage, seconds: float) -> dict[str, object]:
    return {
        "event": "Deployed",
        "app": target.names.app,
        "stage": target.names.stage,
        "isChanged": deployed.is_changed,
        "invokers": dict(deployed.invokers),
        "seconds": round(seconds, 3),
    }


def _tell(target: Target, deployed: DeployedStage, took: str) -> None:
    names = target.names
    what = count_done(deployed.changes) or "nothing has changed"
    place = target.endpoint_url or f"account {target.account}, {target.region}"
    mark = click.style("✓", fg="green", bold=True)
    click.echo(f"{mark} {names.app}/{names.stage} is deployed to {place}: {what} ({took})", err=True)
    for job in sorted(deployed.invokers):
        click.echo(f"  {job}  {click.style(f'livejob run {job} --stage {names.stage}', dim=True)}", err=True)
