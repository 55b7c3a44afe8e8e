"""`livejob local-aws`: what a person needs to look into the local AWS with tools of their own."""

from __future__ import annotations

import json
import shlex

import click

from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.wiring import local_aws_directory, open_settings
from livejob.errors import LocalAwsNotRunning
from livejob.local_aws.state import find_local_aws


@click.group()
def command() -> None:
    """The AWS emulator of this app."""


@command.command("env")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def env(options: GlobalOptions, *, is_json: bool) -> None:
    """Print the environment of the local AWS's administrator, for `eval "$(livejob local-aws env)"`.

    With it the AWS CLI and every SDK speak to the local AWS. The keys open nothing else.
    """
    settings = open_settings(options)
    state = find_local_aws(local_aws_directory(settings))
    if state is None:
        raise LocalAwsNotRunning(f"no local AWS runs for {settings.app} in {settings.root}")
    environment = state.admin_environment()
    if is_json:
        click.echo(json.dumps(environment))
        return
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")
