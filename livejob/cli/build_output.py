"""Tells what a job wrote from what else is in the log of its build. Pure.

Of a function, the runner's own lines stand before and behind all that the handler writes. Of a command in an
image of its author's, CodeBuild's do: its output begins with the word that the command of phase BUILD is run,
and ends with CodeBuild's next word, before which CodeBuild leaves a line empty.

Source: logs of real builds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CODEBUILD_PREFIX = "[Container] "
RUNNER_PREFIX = "[livejob] "

_CODEBUILD = re.compile(r"\[Container\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?P<words>.*)")


class HandlerOutput:
    """Of the run of a function. is_complete: the runner has said its last word."""

    def __init__(self, run_id: str) -> None:
        self._last_word = f"{RUNNER_PREFIX}{run_id} "
        self._is_handlers = False
        self.is_complete = False

    def take(self, line: str) -> Sequence[str]:
        """Take the next line of the log; the lines of output that it makes certain."""
        if line.startswith(RUNNER_PREFIX):
            self.is_complete |= line.startswith(self._last_word)
            self._is_handlers = not self.is_complete
        elif line.startswith(CODEBUILD_PREFIX):
            self._is_handlers = False
        elif self._is_handlers:
            return [line]
        return []


class CommandOutput:
    """Of the run of a container job. is_complete: CodeBuild has said that its command has ended."""

    def __init__(self) -> None:
        self._is_in_phase = False
        self._is_commands = False
        self._empty_count = 0  # lines that may be the command's or, the last of them, CodeBuild's
        self.is_complete = False

    def take(self, line: str) -> Sequence[str]:
        """As `HandlerOutput.take`."""
        said = _CODEBUILD.fullmatch(line)
        if said is not None:
            return self._take_word(said["words"])
        if not self._is_commands:
            return []
        if not line:
            self._empty_count += 1
            return []
        return [*self._empty_lines(self._empty_count), line]

    def _take_word(self, words: str) -> Sequence[str]:
        rest = self._empty_lines(self._empty_count - 1) if self._is_commands else []
        self._is_in_phase |= words == "Entering phase BUILD"
        self._is_commands = self._is_in_phase and words.startswith("Running command ")
        self.is_complete |= words.startswith("Phase complete: BUILD ")
        return rest

    def _empty_lines(self, count: int) -> Sequence[str]:
        self._empty_count = 0
        return [""] * count
