"""`livejob start --debug`: the port that editors attach to, and the debugpy of workers.

Part of the composition root.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.cli.enter_key import EnterKey
from livejob.cli.start_debug import DebugWish, OpenedDebug
from livejob.errors import DependenciesUnusable
from livejob.local_runner.debug.package import debugger_for, find_debugger
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.server import DebugServer, DebugSettings
from livejob.local_runner.debug.wanted import WantedRuns
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.local_runner.events import Reporter, Warned
from livejob.project.dependencies import TargetPython
from livejob.project.settings import Settings


@dataclass(frozen=True, slots=True)
class _Packages:
    """debugpy for workers. `own` is livejob's."""

    own: WorkerDebugger
    cache: Path
    reporter: Reporter

    def for_pythons(self, pythons: Mapping[str, TargetPython]) -> Mapping[str, WorkerDebugger]:
        found = {}
        for runtime, python in pythons.items():
            try:
                found[runtime] = debugger_for(python, self.cache)
            except DependenciesUnusable as error:
                found[runtime] = self.own
                text = f"jobs of Python {python.minor} are debugged the slow way: {error.message}"
                self.reporter.report(Warned(text, error.remedy))
        return found


@contextlib.asynccontextmanager
async def opened_port(
    port: int, wish: DebugWish, settings: Settings, reporter: Reporter, enter: EnterKey
) -> AsyncIterator[OpenedDebug]:
    """Listens for editors for as long as the block lasts. Enter lets the runs that wait for one go on.

    Raises:
        DebuggerMissing: debugpy is not installed.
        DebugPortTaken: somebody else listens on the port.
    """
    own, wanted = find_debugger(), WantedRuns(settings.livejob_directory)
    debug = DebugSettings(port, wish.wait_s, wish.is_on_error, wanted, enter.asked)
    server = DebugServer(debug, LocalPaths(settings.source_directory), reporter)
    await server.open()
    wanted.open()
    packages = _Packages(own, settings.livejob_directory / "debugpy", reporter)
    try:
        address = f"127.0.0.1:{server.port}"
        hint = "`livejob debug init` configures the editor"
        yield OpenedDebug(server, own, packages.for_pythons, address, hint)
    finally:
        wanted.close()
        await server.close()
