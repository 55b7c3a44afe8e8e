"""`livejob start --pdb`: `breakpoint()` opens pdb in this terminal. Part of the composition root."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator

from livejob.cli.enter_key import EnterKey
from livejob.cli.start_debug import DebugWish, OpenedDebug
from livejob.cli.terminal import HeldPrinter, PersonsTerminal
from livejob.errors import DebuggerMissing
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.debug.terminal import TerminalDebugging
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.project.settings import Settings

PDB = WorkerDebugger("pdb")


@contextlib.asynccontextmanager
async def opened_pdb(
    wish: DebugWish, settings: Settings, printer: HeldPrinter, enter: EnterKey
) -> AsyncIterator[OpenedDebug]:
    """The terminal as what debugs, for as long as the block lasts.

    Raises:
        DebuggerMissing: there is no terminal, or workers are to be containers.
    """
    if settings.engine != "process":
        raise DebuggerMissing(
            "--pdb needs jobs as plain processes of this machine, and the engine is docker",
            remedy="Add `--engine process`; with containers `livejob start --debug` lets an editor attach.",
        )
    if not (enter.is_there and sys.stdout.isatty()):
        raise DebuggerMissing(
            "--pdb needs a terminal: stdin or stdout of this command is none",
            remedy="`livejob start --debug` lets an editor attach, which needs none.",
        )
    terminal = PersonsTerminal(enter, sys.stdout, printer)
    local = LocalPaths(settings.source_directory)
    debugging = TerminalDebugging(terminal, local, is_on_error=wish.is_on_error)
    yield OpenedDebug(
        debugging,
        PDB,
        lambda pythons: dict.fromkeys(pythons, PDB),
        place="this terminal",
        hint="breakpoint() opens pdb here",
    )
