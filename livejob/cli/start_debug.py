"""Debugging in `livejob start`: the options, and what debugs the runs. Part of the composition root.

--debug         editors attach to a port        debug_attach
--debug-server  runs connect to PyCharm         debug_server
--pdb           a person at this terminal       debug_pdb
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from livejob.cli.enter_key import EnterKey
from livejob.cli.session_output import Printer
from livejob.cli.terminal import HeldPrinter
from livejob.local_runner.debugging import Debugging
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.project.settings import Settings
from livejob.project.units import parse_duration_s

if TYPE_CHECKING:
    from livejob.project.dependencies import TargetPython

ReturnT = TypeVar("ReturnT")

DEBUG_PORT = 5678
"""What debugpy and the editors' examples use."""

DEBUG_SERVER_PORT = 5679
"""On which PyCharm listens, if nothing else is said: not the same, so that both ways can be configured."""

WAIT_S = 30


@dataclass(frozen=True, slots=True)
class DebugWish:
    """What was given on the command line.

    port:   for editors; None: none attaches.
    server: (host, port) where an IDE listens; None: runs connect to none.
    is_pdb: a person debugs at this terminal.
    """

    port: int | None = None
    wait_s: float = 0.0
    is_on_error: bool = False
    server: tuple[str, int] | None = None
    is_pdb: bool = False


@dataclass(frozen=True, slots=True)
class OpenedDebug:
    """What debugs the runs of a session, ready.

    debugger: what workers load whose Python `for_pythons` does not tell; None for none.
    for_pythons: what each runtime's workers load, given their Python. Blocks.
    place:    where it happens: an address, or words for a person.
    hint:     how, for a person.
    """

    debugging: Debugging
    debugger: WorkerDebugger | None
    for_pythons: Callable[[Mapping[str, TargetPython]], Mapping[str, WorkerDebugger]]
    place: str
    hint: str


def debug_options(command: Callable[..., ReturnT]) -> Callable[..., ReturnT]:
    """Give a command `debug_wish`. Its --debug takes the place of the one that every command has."""

    @click.option(
        "--debug",
        type=click.IntRange(1, 65535),
        is_flag=False,
        flag_value=DEBUG_PORT,
        metavar="[PORT]",
        help=f"Let a debugger attach, on port {DEBUG_PORT} if none is given; show tracebacks of errors.",
    )
    @click.option(
        "--wait",
        is_flag=False,
        flag_value=str(WAIT_S),
        metavar="[DURATION]",
        help=f"Let each run wait for a debugger before its first line, by default {WAIT_S} s.",
    )
    @click.option("--debug-on-error", is_flag=True, help="Stop where a handler fails, before it has failed.")
    @click.option(
        "--debug-server",
        metavar="[HOST:]PORT",
        callback=_address,
        help="Let runs connect to PyCharm's debug server, which listens there.",
    )
    @click.option("--pdb", "is_pdb", is_flag=True, help="Let breakpoint() open pdb in this terminal.")
    @wraps(command)
    def with_debug_options(
        *args: Any,
        debug: int | None,
        wait: str | None,
        debug_on_error: bool,
        debug_server: tuple[str, int] | None,
        is_pdb: bool,
        **given: Any,
    ) -> ReturnT:
        if is_pdb:
            others = {"--debug-server": debug_server, "--json": given.get("is_json")}
            _require_alone("--pdb", {"--debug": debug, "--wait": wait, **others})
        elif debug_server:
            _require_alone("--debug-server", {"--debug": debug, "--wait": wait})
        elif debug is None and (wait is not None or debug_on_error):
            debug = DEBUG_PORT
        wish = DebugWish(debug, _seconds(wait), debug_on_error, debug_server, is_pdb)
        return command(*args, debug_wish=wish, **given)

    return with_debug_options


def _require_alone(option: str, others: Mapping[str, object]) -> None:
    for name, value in others.items():
        if value:
            raise click.UsageError(f"{option} and {name} exclude each other.")


def _address(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter("a port, or a host and a port like 127.0.0.1:5679")
    return host or "127.0.0.1", int(port)


def _seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        return float(parse_duration_s(int(text) if text.isdigit() else text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--wait") from error


def engine_for(wish: DebugWish, settings: Settings) -> Settings:
    """The settings, with the engine that --pdb needs where none was chosen."""
    return replace(settings, engine="process") if wish.is_pdb and settings.engine == "auto" else settings


def held_printer(wish: DebugWish, printer: Printer) -> Printer:
    """The session's printer, as debugging needs it: with --pdb somebody types where it prints."""
    return HeldPrinter(printer, sys.stdout) if wish.is_pdb else printer


@contextlib.asynccontextmanager
async def opened_debug(
    wish: DebugWish, settings: Settings, printer: Printer, enter: EnterKey
) -> AsyncIterator[OpenedDebug | None]:
    """What debugs the runs of the session, if that is wished; `printer` as `held_printer` gave it.

    Raises:
        DebuggerMissing: debugpy is not installed.
        DebugPortTaken: somebody else listens on the port.
    """
    # Each is loaded by those who wish it alone.
    if isinstance(printer, HeldPrinter):
        from livejob.cli.debug_pdb import opened_pdb

        async with opened_pdb(wish, settings, printer, enter) as debug:
            yield debug
    elif wish.server is not None:
        from livejob.cli.debug_server import opened_connections

        yield opened_connections(*wish.server, wish, settings, printer)
    elif wish.port is not None:
        from livejob.cli.debug_attach import opened_port

        async with opened_port(wish.port, wish, settings, printer, enter) as debug:
            yield debug
    else:
        yield None
