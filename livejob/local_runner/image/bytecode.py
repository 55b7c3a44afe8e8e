"""Compiles the modules of an image tree with the image's own Python.

The worker's root is read-only, so a module without bytecode would be compiled again at every start. The
bytecode is of the unchecked kind (PEP 552): nothing in the image changes after it is made, and a time
stamp would not survive the archive.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from livejob.errors import ImageBuildFailed
from livejob.local_runner.image.interpreter import HostPython
from livejob.local_runner.image.tree import Entry, HostFile, Tree

_TIMEOUT_S = 300

# A module that does not compile (a template, say) stays without bytecode, and fails where it is imported.
_COMPILE = """
import json, py_compile, sys
for source, target, shown in json.load(sys.stdin):
    py_compile.compile(
        source, target, shown, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
"""


def compiled(python: HostPython, tree: Mapping[str, Entry], stage: Path) -> Tree:
    """The bytecode of all modules in `tree`, made in the directory `stage`: image path -> file.

    Tracebacks will name the image's paths, not this machine's.

    Raises:
        ImageBuildFailed: the compiling Python failed.
    """
    modules = {
        path: entry.source
        for path, entry in tree.items()
        if path.endswith(".py") and isinstance(entry, HostFile)
    }
    tag = f"cpython-{python.minor.replace('.', '')}"
    orders = [
        (str(source), str(stage / f"{i}.pyc"), path) for i, (path, source) in enumerate(modules.items())
    ]
    _run(python, orders)
    return {
        _cache_path(path, tag): HostFile(Path(target)) for _, target, path in orders if Path(target).exists()
    }


def _run(python: HostPython, orders: list[tuple[str, str, str]]) -> None:
    """Share the orders among one process per core."""
    command = [str(python.executable), "-I", "-S", "-W", "ignore", "-c", _COMPILE]
    share_count = os.cpu_count() or 1
    compilers = [
        (subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE), orders[i::share_count])
        for i in range(share_count)
    ]
    for process, share in compilers:
        assert process.stdin is not None
        process.stdin.write(json.dumps(share).encode())
        process.stdin.close()
        process.stdin = None
    for process, _ in compilers:
        _, stderr = process.communicate(timeout=_TIMEOUT_S)
        if process.returncode != 0:
            last_words = stderr.decode(errors="replace").strip()[-500:]
            raise ImageBuildFailed(
                f"{python.executable} cannot compile its own library: {last_words}", remedy=""
            )


def _cache_path(module: str, tag: str) -> str:
    path = PurePosixPath(module)
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")
