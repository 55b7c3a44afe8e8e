"""`livejob local-aws`: the AWS emulator of an app, kept running, and its keys for tools of one's own."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from typing import cast

import click

from livejob.cli.app_aws import open_app_aws, set_up_app_aws
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.wiring import local_aws_directory, open_settings
from livejob.errors import EmulatorDied, LocalAwsNotRunning
from livejob.local_aws.launcher import LocalAws
from livejob.local_aws.state import find_local_aws
from livejob.project.settings import Settings


@click.group()
def command() -> None:
    """The AWS emulator of this app."""


@command.command("start")
@click.option("--local-aws-port", metavar="PORT", help="Port of the local AWS.")
@global_options
def start(options: GlobalOptions, **flags: str | None) -> None:
    """Start the local AWS and keep it until Ctrl-C; what is deployed into it goes with it."""
    settings = open_settings(options, flags)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    local = await asyncio.to_thread(open_app_aws, settings)
    try:
        if not local.is_owner:
            click.echo(f"Runs already: {local.state.endpoint_url} (pid {local.state.pid})", err=True)
            return
        await asyncio.to_thread(set_up_app_aws, settings, local)
        click.echo(f"Local AWS of {settings.app}: {local.state.endpoint_url}; Ctrl-C ends it.", err=True)
        await _wait_end(local)
    finally:
        await asyncio.to_thread(local.stop)


async def _wait_end(local: LocalAws) -> None:
    """Wait for Ctrl-C or SIGTERM.

    Raises:
        EmulatorDied: it ended by itself.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    waits = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(local.wait_died())]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for each in pending:
        each.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    died = waits[1]
    if died in done:
        raise cast("EmulatorDied", died.result())


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
