"""The options that every command takes, and the handle by which a command reaches the terminal's settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

ReturnT = TypeVar("ReturnT")


@dataclass(slots=True)
class Invocation:
    """One call of `livejob`: how it shall tell its errors."""

    is_debug: bool = False
    is_plain: bool = False  # no colours


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What was given on the command line; None where nothing was.

    is_local: True for --local, False for --aws.
    app_dir:  where the search for livejob.toml begins.
    """

    stage: str | None
    is_local: bool | None
    region: str | None
    profile: str | None
    app_dir: Path


def global_options(command: Callable[..., ReturnT]) -> Callable[..., ReturnT]:
    """Give a command the options of every command, as its first argument.

    A command that has an option --debug of its own keeps it; given, it shows tracebacks too.
    """
    has_debug = any(param.name == "debug" for param in getattr(command, "__click_params__", ()))

    @click.option("--stage", metavar="NAME", help="Stage of the app.")
    @click.option(
        "--local/--aws",
        "is_local",
        default=None,
        help="The local AWS, or the real one; default: the local one where it runs.",
    )
    @click.option("--region", metavar="NAME", help="AWS region.")
    @click.option("--profile", metavar="NAME", help="Profile of the AWS configuration; implies --aws.")
    @click.option(
        "--app-dir",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        help="Directory of the app, if not this one.",
    )
    @click.option("--no-color", is_flag=True, help="No colours (also: NO_COLOR=1).")
    @click.pass_context
    @wraps(command)
    def with_global_options(
        context: click.Context, /, *, debug: object, no_color: bool, **given: Any
    ) -> ReturnT:
        _set_up_terminal(context, bool(debug), no_color)
        if has_debug:
            given["debug"] = debug
        own = {name: given.pop(name) for name in list(given) if name not in GlobalOptions.__slots__}
        return command(GlobalOptions(**given), **own)

    if has_debug:
        return with_global_options
    return click.option("--debug", is_flag=True, help="Show tracebacks of errors.")(with_global_options)


def _set_up_terminal(context: click.Context, is_debug: bool, is_plain: bool) -> None:
    invocation = context.find_object(Invocation)
    if invocation is not None:
        invocation.is_debug |= is_debug
        invocation.is_plain |= is_plain or bool(os.environ.get("NO_COLOR"))
    # click's own default: colours on a terminal, none in a pipe.
    context.color = False if invocation is not None and invocation.is_plain else None
