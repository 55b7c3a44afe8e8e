"""A reconciler among the stores in memory, with a backend whose ends a test tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livejob.clock import SteppedClock
from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Run
from livejob.stub_lambda.backend import BuildEnd, EndStatus, Trouble
from livejob.stub_lambda.backend_memory import MemoryBackend
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.reconciler import Reconciler
from livejob.stub_lambda.surroundings import Pace
from livejob.stub_lambda.sweeping import Sweep, Swept
from livejob.wire.names import ENV_ATTEMPT, ENV_RUN_ID
from livejob.wire.states import Input
from tests.support.runs import a_change, a_run


class ReconcilerWorld:
    """A stage as its reconciler sees it. Time passes only while it sleeps, and `meanwhile` happens then."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.runs = MemoryRunStore()
        self.backend = MemoryBackend()
        self.slept_s = 0.0
        self.meanwhile: Callable[[], object] = lambda: None
        self.troubles: list[str] = []
        self._handover = Handover(self.runs, self.backend, self.clock)
        self._reconciler = Reconciler(self.runs, self.backend, self._handover, Pace(self.clock, self.sleep))

    def sweep(self, *, takes_all: bool = True) -> list[Swept]:
        """What a sweep mends."""
        sweep = Sweep(self.runs, self._reconciler, self._handover, self.clock, takes_all=takes_all)
        return list(sweep.run(self.troubles))

    def submitted(self, **fields: Any) -> Run:
        """A run that was handed over and waits for its execution."""
        run = self.runs.create(a_run(created_ms=self.clock.now_ms(), **fields))
        return self._handover.hand_over(run, self.troubles)

    def claimed(self, **fields: Any) -> Run:
        """A run that its execution has."""
        run = self.submitted(**fields)
        claim = a_change(Input.CLAIM, self.clock.now_ms(), owner=run.submitted_id, backend="codebuild")
        return self.runs.apply(run.id, claim)

    def end(
        self, run: Run, status: EndStatus, *troubles: Trouble, attempt: int = 1, build: str | None = None
    ) -> Run | None:
        """The run after its execution has ended so."""
        end = BuildEnd(build or run.submitted_id or str(run.owner), status, troubles)
        variables = {ENV_RUN_ID: run.id, ENV_ATTEMPT: str(attempt)}
        return self._reconciler.take(end, variables, self.troubles)

    def take(self, end: BuildEnd, variables: dict[str, str]) -> Run | None:
        return self._reconciler.take(end, variables, self.troubles)

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.clock.advance(seconds)
        self.meanwhile()
