"""Runs the app's `local_setup` script: it makes resources of the person's own in a local AWS that is new."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from livejob.errors import LocalSetupFailed

TIMEOUT_S = 300
LAST_LINES_COUNT = 20


def run_local_setup(script: Path, administrator: Mapping[str, str]) -> None:
    """Run the script with this Python in its own directory, as administrator of the local AWS. Blocks.

    administrator: environment variables, added to this process's own.

    Raises:
        LocalSetupFailed: it is not there, exited with an error, or took too long; with its last words.
    """
    if not script.is_file():
        raise LocalSetupFailed(f"there is no {script}", script=script)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        ended = subprocess.run(
            [sys.executable, str(script)],
            cwd=script.parent,
            env={**environment, **administrator},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalSetupFailed(f"{script.name} took longer than {TIMEOUT_S} s", script=script) from error
    if ended.returncode != 0:
        lines = ended.stdout.decode(errors="replace").splitlines()[-LAST_LINES_COUNT:]
        said = "\n".join(lines)
        raise LocalSetupFailed(
            f"{script.name} ended with exit code {ended.returncode}:\n{said}", script=script
        )
