"""`livejob debug`: configure editors for `livejob start --debug`."""

from __future__ import annotations

from pathlib import Path

import click

from livejob.cli.editor_commands import command_configuration, job_directory
from livejob.cli.editor_files import (
    NAME,
    VSCODE_FILE,
    Attaching,
    add_to_vscode,
    find_workspace,
    write_pycharm,
    write_vscode,
)
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.start_debug import DEBUG_PORT, DEBUG_SERVER_PORT
from livejob.cli.wiring import open_settings
from livejob.errors import ProjectNotFound
from livejob.project.loading import discover_jobs
from livejob.project.settings import Settings


@click.group()
def command() -> None:
    """Configure editors for `livejob start --debug`."""


@command.command()
@click.option(
    "--editor",
    type=click.Choice(["vscode", "pycharm"]),
    help="Of this editor only; default: VS Code, and PyCharm where the project has an .idea directory.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=DEBUG_PORT, show_default=True, help="To attach to."
)
@click.option(
    "--server-port",
    type=click.IntRange(1, 65535),
    default=DEBUG_SERVER_PORT,
    show_default=True,
    help="On which PyCharm's debug server listens.",
)
@click.option(
    "--workspace",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory that is opened in the editor; default: the nearest one with .vscode, .idea or .git.",
)
@global_options
def init(
    options: GlobalOptions, editor: str | None, port: int, server_port: int, workspace: Path | None
) -> None:
    """Write .vscode/launch.json and PyCharm's run configurations. What is in them stays as it is."""
    settings = open_settings(options)
    place = (
        workspace.resolve() if workspace is not None else find_workspace(settings.root.resolve(), Path.home())
    )
    if not settings.source_directory.is_relative_to(place):
        raise ProjectNotFound(
            f"the source {settings.source_directory} does not lie in {place}",
            remedy="Name the directory that the editor has opened: `--workspace DIR`.",
        )
    attaching = Attaching(place, settings.source_directory, port, server_port)
    if editor in (None, "vscode"):
        click.echo(f"{place / VSCODE_FILE} {write_vscode(attaching).value}", err=True)
        _write_commands(settings, place, port)
    if editor == "pycharm" or (editor is None and (place / ".idea").is_dir()):
        for file, deed in write_pycharm(attaching).items():
            click.echo(f"{place / file} {deed.value}", err=True)
    start = "livejob start --debug" + ("" if port == DEBUG_PORT else f" {port}")
    click.echo(f'Run `{start}`, then attach with "{NAME}". docs/debugging.md tells the rest.', err=True)


def _write_commands(settings: Settings, workspace: Path, port: int) -> None:
    """One configuration for each container job that has a debug command."""
    for job in discover_jobs(settings).jobs.values():
        debug = job.container.debug if job.container is not None else None
        if debug is None:
            continue
        directory = job_directory(workspace, settings.source_directory, job)
        deed = add_to_vscode(workspace, command_configuration(job, debug, directory))
        click.echo(f"  for {job.name}: {deed.value}", err=True)
        if debug.port == port:
            click.echo(
                f"  hint: {job.name} and `livejob start --debug` both want port {port}; give one another.",
                err=True,
            )
