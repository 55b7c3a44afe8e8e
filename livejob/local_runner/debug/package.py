"""The debugpy that workers get: the one beside livejob, or the same version for another Python.

Never from what the user's code has. debugpy's compiled parts fit one version of Python; without them it works
as well, but a function with a breakpoint runs many times more slowly.
"""

from __future__ import annotations

import platform
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from livejob.errors import DebuggerMissing
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.project.dependencies import TargetPython, WantedPackages, install_packages

NAME = "debugpy"


def find_debugger() -> WorkerDebugger:
    """The debugpy beside livejob.

    Raises:
        DebuggerMissing: it is not installed.
    """
    spec = find_spec(NAME)
    if spec is None or spec.origin is None:
        raise DebuggerMissing("debugpy is not installed beside livejob")
    return _in(Path(spec.origin).resolve().parents[1])


def debugger_for(python: TargetPython, cache: Path) -> WorkerDebugger:
    """The debugpy for workers of that Python. Blocks.

    For another version than livejob's own it is installed below `cache`, once.

    Raises:
        DebuggerMissing: livejob itself has none.
        DependenciesUnusable: it cannot be installed.
    """
    own = find_debugger()
    if python.minor == ".".join(platform.python_version_tuple()[:2]):
        return own
    cache.mkdir(parents=True, exist_ok=True)
    text = f"{NAME}=={metadata.version(NAME)}\n"
    file = cache / f"{NAME}.txt"
    file.write_text(text)
    wanted = WantedPackages(file, (text.encode(),))
    return _in(install_packages(cache, wanted, python))


def _in(path: Path) -> WorkerDebugger:
    return WorkerDebugger("debugpy", path, NAME)
