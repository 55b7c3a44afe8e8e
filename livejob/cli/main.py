"""The `livejob` command: finds the subcommand, runs it, and tells errors.

A subcommand's module is loaded when it is called, so `livejob --help` loads none. Data goes to stdout,
everything said to a person to stderr.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from livejob import __version__
from livejob.cli.exit_codes import ExitCode, code_of_error
from livejob.cli.options import Invocation
from livejob.errors import Bug, LivejobError

COMMANDS = {
    "start": ("livejob.cli.start", "Run this stage's jobs on this machine, live."),
    "deploy": ("livejob.cli.deploy", "Deploy a stage whose runs CodeBuild executes."),
    "diff": ("livejob.cli.diff", "Show what a deployment would change."),
    "remove": ("livejob.cli.remove", "Delete a stage."),
    "run": ("livejob.cli.run", "Start a run of a job and follow it to its end."),
    "rerun": ("livejob.cli.rerun", "Start a run again, with the same payload or another."),
    "runs": ("livejob.cli.runs", "List the latest runs."),
    "show": ("livejob.cli.show", "Show all that is recorded of a run."),
    "logs": ("livejob.cli.logs", "Print a run's output."),
    "cancel": ("livejob.cli.cancel", "Ask for the end of a run."),
    "doctor": ("livejob.cli.doctor", "Look at all that a start needs, and say what mends it."),
    "config": ("livejob.cli.config", "Show each setting, its value and where it comes from."),
    "local-aws": ("livejob.cli.local_aws", "The AWS emulator of this app."),
    "debug": ("livejob.cli.debug", "Configure editors for `livejob start --debug`."),
    "image": ("livejob.cli.image", "The image that workers run in."),
}
"""Name -> module, whose `command` it is, and what `livejob --help` says of it."""


class CommandTable(click.Group):
    """The commands of COMMANDS, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


@click.command(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="livejob")
def livejob() -> None:
    """Run long AWS jobs from deployed code, and develop them live on your own machine."""


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str], group: click.Group = livejob) -> int:
    """Run one command line; returns its exit code. Errors have been told when it returns."""
    invocation = Invocation()
    try:
        code: Any = group.main(list(arguments), prog_name="livejob", standalone_mode=False, obj=invocation)
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        return _tell_usage(error)
    except LivejobError as error:
        return _tell(error, invocation)
    except Exception as error:  # noqa: BLE001
        bug = Bug(f"livejob broke: {type(error).__name__}: {error}")
        bug.__cause__ = error
        return _tell(bug, invocation)
    return int(code or ExitCode.OK)


def _tell(error: LivejobError, invocation: Invocation) -> ExitCode:
    if invocation.is_debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    _say(f"{error.code} {error.message}", error.remedy, color=False if invocation.is_plain else None)
    return code_of_error(error)


def _tell_usage(error: click.ClickException) -> ExitCode:
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "livejob"
    _say(error.format_message(), f"{path} --help", color=None)
    return ExitCode.USAGE


def _say(message: str, hint: str, color: bool | None) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True, color=color)
    if hint:
        click.echo(f"{click.style('hint:', bold=True)} {hint}", err=True, color=color)
