"""Follows a run from the command line: its states and its output as they come, until it has ended.

States are read from the run record, output from where the record says that it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from livejob.cli.output_source import OutputSource
from livejob.clock import Clock
from livejob.errors import WaitTimedOut
from livejob.local_runner.logs import LogLine
from livejob.runs.model import Run
from livejob.runs.store import RunStore
from livejob.wire.ids import RunId

SHORTEST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
PAUSE_GROWTH = 1.3

REST_S = 10.0
"""How long CloudWatch Logs gets to show what was written before the run ended."""


class Watcher(Protocol):
    """Whoever is told what happens to the run."""

    def see_run(self, run: Run) -> None:
        """The run as it is recorded now; comes at each look."""
        ...

    def see_output(self, line: LogLine) -> None: ...


class Follower:
    """Looks after one run again and again; seldom while nothing happens."""

    def __init__(
        self, runs: RunStore, output: OutputSource, clock: Clock, sleep: Callable[[float], None]
    ) -> None:
        self._runs = runs
        self._output = output
        self._clock = clock
        self._sleep = sleep

    def follow(self, run_id: RunId, watcher: Watcher, timeout_s: float | None = None) -> Run:
        """Tell `watcher` all that happens; returns the run once it has ended.

        Raises:
            RunNotFound: no such run.
            WaitTimedOut: it has not ended within `timeout_s`. It goes on.
        """
        deadline_s = math.inf if timeout_s is None else self._clock.monotonic_s() + timeout_s
        pause_s = SHORTEST_PAUSE_S
        before: Run | None = None
        while True:
            run = self._runs.get(run_id)
            watcher.see_run(run)
            # After the record: whoever recorded the end had written all output before.
            lines = self._output.read_new(run)
            for line in lines:
                watcher.see_output(line)
            if run.is_ended:
                self._see_rest(run, watcher)
                return run
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                raise WaitTimedOut(f"run {run_id} has not ended within {timeout_s:g} s", run_id=run_id)
            is_news = bool(lines) or run != before
            pause_s = SHORTEST_PAUSE_S if is_news else min(pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)
            before = run
            self._sleep(min(pause_s, left_s))

    def _see_rest(self, run: Run, watcher: Watcher) -> None:
        """Wait, for a while, for the output that is on its way."""
        until_s = self._clock.monotonic_s() + REST_S
        while not self._output.is_complete(run) and self._clock.monotonic_s() < until_s:
            self._sleep(LONGEST_PAUSE_S)
            for line in self._output.read_new(run):
                watcher.see_output(line)
