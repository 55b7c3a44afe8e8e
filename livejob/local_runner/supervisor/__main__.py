"""`python -m livejob.local_runner.supervisor`: the first process of a worker. Its channel is its stdio."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from livejob.clock import SystemClock
from livejob.local_runner.supervisor.channel import take_over_stdio
from livejob.local_runner.supervisor.debugger import Debugger
from livejob.local_runner.supervisor.source_inbox import SourceInbox
from livejob.local_runner.supervisor.supervisor import Supervisor
from livejob.local_runner.supervisor.surroundings import Surroundings
from livejob.local_runner.supervisor.zygote import Zygote
from livejob.runner.importing import install_hook
from livejob.runner.processes import become_subreaper
from livejob.runner.snapshot import SnapshotSources
from livejob.runner.sources import CodeCache
from livejob.wire.names import ENV_TASK_ROOT, TASK_ROOT

DEBUGGERS = {
    "debugpy": ("debugpy_debugger", "Debugpy"),
    "pydevd": ("pydevd_debugger", "Pydevd"),
    "pdb": ("terminal_pdb", "TerminalPdb"),
}
"""Module and class of each; loaded by those who want it alone."""


def main() -> int:
    """Put the pieces together and serve; the exit code."""
    parser = argparse.ArgumentParser(prog="livejob-supervisor")
    parser.add_argument("--memory-bytes", type=int, help="limit of each process, where no container limits")
    parser.add_argument("--debugger", choices=DEBUGGERS, help="load it")
    arguments = parser.parse_args()
    memory_bytes: int | None = arguments.memory_bytes

    channel = take_over_stdio()
    become_subreaper()
    clock = SystemClock()
    environment = dict(os.environ)
    root = str(Path(environment.get(ENV_TASK_ROOT, TASK_ROOT)).absolute())
    sources = SnapshotSources(root)
    code = CodeCache(sources, clock)
    install_hook(root, code)
    zygote = Zygote(code, SourceInbox(sources))
    debugger = _load(arguments.debugger) if arguments.debugger else None
    zygote.settle()
    surroundings = Surroundings(root, environment, memory_bytes, debugger)
    return Supervisor(channel, zygote, surroundings, clock).run()


def _load(name: str) -> Debugger:
    module, cls = DEBUGGERS[name]
    debugger: Debugger = getattr(import_module(f"livejob.local_runner.supervisor.{module}"), cls)()
    return debugger


if __name__ == "__main__":
    sys.exit(main())
