"""Why a handler cannot be imported, as a place in the source. Pure."""

from __future__ import annotations

import re

from livejob.local_runner.events import SourceProblem
from livejob.wire.outcome import Failure

_FRAME = re.compile(
    r'^ *File "(?P<file>[^"]+)", line (?P<line>\d+)[^\n]*\n(?P<text>(?:    [^\n]*\n)*)', re.MULTILINE
)

OUTPUT_LINES = 5


def import_problem(failure: Failure, task: str, output: str) -> SourceProblem:
    """The last frame of the failure's trace that is in the source, with its line and caret.

    task:   absolute path of the source, as the worker sees it.
    output: what the import has printed; its last lines are shown.
    """
    below = task.rstrip("/") + "/"
    frames = [each for each in _FRAME.finditer(failure.trace) if each["file"].startswith(below)]
    shown = [line.removeprefix("    ") for line in frames[-1]["text"].splitlines()] if frames else []
    where = f"{frames[-1]['file'].removeprefix(below)}:{frames[-1]['line']}" if frames else ""
    printed = [f"printed: {line}" for line in output.splitlines()[-OUTPUT_LINES:]]
    return SourceProblem(where or "the handler", failure.message, "\n".join([*shown, *printed]))
