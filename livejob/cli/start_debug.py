"""`livejob start --debug`: the options, and the debug server of a session. Part of the composition root."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from livejob.cli.enter_key import EnterKey
from livejob.errors import DependenciesUnusable
from livejob.local_runner.events import Reporter, Warned
from livejob.project.settings import Settings
from livejob.project.units import parse_duration_s

if TYPE_CHECKING:
    from livejob.local_runner.debug.server import DebugServer
    from livejob.project.dependencies import TargetPython

ReturnT = TypeVar("ReturnT")

DEBUG_PORT = 5678
"""What debugpy and the editors' examples use."""

WAIT_S = 30


@dataclass(frozen=True, slots=True)
class DebugWish:
    """What was given on the command line; port None: nothing is to be debugged."""

    port: int | None = None
    wait_s: float = 0.0
    is_on_error: bool = False


@dataclass(frozen=True, slots=True)
class OpenedDebug:
    """A debug server that listens. `package` is livejob's own debugpy."""

    server: DebugServer
    package: Path
    cache: Path
    reporter: Reporter

    def packages(self, pythons: Mapping[str, TargetPython]) -> Mapping[str, Path]:
        """The debugpy of each runtime's workers. Blocks."""
        from livejob.local_runner.debug.package import debugger_for

        found = {}
        for runtime, python in pythons.items():
            try:
                found[runtime] = debugger_for(python, self.cache)
            except DependenciesUnusable as error:
                found[runtime] = self.package
                text = f"jobs of Python {python.minor} are debugged the slow way: {error.message}"
                self.reporter.report(Warned(text, error.remedy))
        return found

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"


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
    @wraps(command)
    def with_debug_options(
        *args: Any, debug: int | None, wait: str | None, debug_on_error: bool, **given: Any
    ) -> ReturnT:
        if debug is None and (wait is not None or debug_on_error):
            debug = DEBUG_PORT
        wish = DebugWish(debug, _seconds(wait), debug_on_error)
        return command(*args, debug_wish=wish, **given)

    return with_debug_options


def _seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        return float(parse_duration_s(int(text) if text.isdigit() else text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--wait") from error


@contextlib.asynccontextmanager
async def opened_debug(
    wish: DebugWish, settings: Settings, reporter: Reporter, enter: EnterKey
) -> AsyncIterator[OpenedDebug | None]:
    """The session's debug server, if one is wished. Enter lets the runs that wait for a debugger go on.

    Raises:
        DebuggerMissing: debugpy is not installed.
        DebugPortTaken: somebody else listens on the port.
    """
    if wish.port is None:
        yield None
        return
    # Loaded by those who debug alone.
    from livejob.local_runner.debug.package import find_debugger
    from livejob.local_runner.debug.paths import LocalPaths
    from livejob.local_runner.debug.server import DebugServer, DebugSettings
    from livejob.local_runner.debug.wanted import WantedRuns

    package, wanted = find_debugger(), WantedRuns(settings.livejob_directory)
    debug = DebugSettings(wish.port, wish.wait_s, wish.is_on_error, wanted, enter.asked)
    server = DebugServer(debug, LocalPaths(settings.source_directory), reporter)
    await server.open()
    wanted.open()
    try:
        yield OpenedDebug(server, package, settings.livejob_directory / "debugpy", reporter)
    finally:
        wanted.close()
        await server.close()
