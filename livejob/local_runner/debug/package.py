"""The debuggers that workers get. Never from what the user's code has.

debugpy is the one beside livejob, or the same version for another Python; pydevd-pycharm goes by the version
of the developer's PyCharm. Compiled parts of both fit one version of Python; without them they work as well,
but a function with a breakpoint runs many times more slowly.
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from livejob.errors import DebuggerMissing
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.project.dependencies import TargetPython, WantedPackages, install_packages

NAME = "debugpy"
PYDEVD = "pydevd-pycharm"


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
    if python.minor == _own_minor():
        return own
    wanted = _requirements(cache, f"{NAME}=={metadata.version(NAME)}")
    return _in(install_packages(cache, wanted, python))


def pydevd_for(python: TargetPython, version: str, cache: Path) -> WorkerDebugger:
    """PyCharm's pydevd for workers of that Python, installed below `cache`, once. Blocks.

    version: what PyCharm's run configuration shows, like "252.23892.515"; "" for the newest.

    Raises:
        DependenciesUnusable: it cannot be installed.
    """
    if python.python is None:
        # There is only source to install from. Parts that were compiled for another Python are not used.
        python = TargetPython(_own_minor(), Path(sys.executable))
    # Like pip for what PyCharm shows: builds of one release fit each other.
    file = _requirements(cache, f"{PYDEVD}~={version}" if version else PYDEVD)
    return WorkerDebugger("pydevd", install_packages(cache, file, python))


def _requirements(cache: Path, requirement: str) -> WantedPackages:
    cache.mkdir(parents=True, exist_ok=True)
    text = f"{requirement}\n"
    file = cache / f"{requirement.partition('=')[0].rstrip('~')}.txt"
    file.write_text(text)
    return WantedPackages(file, (text.encode(),))


def _own_minor() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _in(path: Path) -> WorkerDebugger:
    return WorkerDebugger("debugpy", path, NAME)
