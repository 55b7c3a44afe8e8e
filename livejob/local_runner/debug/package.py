"""Where debugpy lies on this machine: beside livejob, never in what the user's code has."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from livejob.errors import DebuggerMissing


def find_debugger() -> Path:
    """Directory of the installed `debugpy` package.

    Its compiled parts fit one version of Python; on every other one it runs without them, more slowly.

    Raises:
        DebuggerMissing: it is not installed.
    """
    spec = find_spec("debugpy")
    if spec is None or spec.origin is None:
        raise DebuggerMissing("debugpy is not installed beside livejob")
    return Path(spec.origin).resolve().parent
