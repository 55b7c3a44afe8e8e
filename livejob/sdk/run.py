"""A handle on one run, held by whoever started it: asks, waits, fetches the result, cancels.

Everything it knows comes from the job's invoker, which reads the run record, so it works the same
whatever backend executes the run. Made by `Client`; a handle may also be made anew from a run's id.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from livejob.clock import Clock
from livejob.errors import ResultInvalid, RunFailed, WaitTimedOut
from livejob.sdk.invokers import Answer, Invokers
from livejob.sdk.transfers import download
from livejob.wire.documents import JsonValue
from livejob.wire.ids import RunId
from livejob.wire.outcome import Failure
from livejob.wire.states import TERMINAL, State
from livejob.wire.typed import NotOfType

ResultT_co = TypeVar("ResultT_co", covariant=True)
ReadT = TypeVar("ReadT")

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 2.0
PAUSE_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What the run record said when it was asked. Times are Unix epoch milliseconds, None until known.

    attempt:       the present or last one, counted from 1; 0 before the first.
    backend:       "live", "codebuild" or "fargate"; None while nobody has the run.
    failure:       why there is no result, in the states that have none.
    log:           where the output is; "" if not known.
    is_lease_over: whoever has the run should have given a sign of life and has not. It may come back;
                   otherwise the run will be LOST.
    """

    run_id: RunId
    job: str
    state: State
    attempt: int
    backend: str | None
    created_ms: int | None
    started_ms: int | None
    ended_ms: int | None
    failure: Failure | None
    log: str
    is_lease_over: bool

    @property
    def is_ended(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, slots=True)
class Pace:
    """How waiting passes time: `sleep` takes seconds."""

    clock: Clock
    sleep: Callable[[float], None]


def _as_it_is(result: JsonValue) -> Any:
    return result


class Run(Generic[ResultT_co]):
    """One run of a job. Not thread-safe; make one handle per thread.

    read: makes the result of the JSON value that the handler's was written as; raises NotOfType.
    """

    def __init__(
        self,
        run_id: RunId,
        job: str,
        invokers: Invokers,
        pace: Pace,
        read: Callable[[JsonValue], ResultT_co] = _as_it_is,
    ) -> None:
        self.id = run_id
        self.job = job
        self._invokers = invokers
        self._pace = pace
        self._read = read
        self._answer: Answer = {}
        self._status: RunStatus | None = None

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.job}>"

    def reading(self, read: Callable[[JsonValue], ReadT]) -> Run[ReadT]:
        """Another handle on the same run, whose result is what `read` makes of the JSON value."""
        return Run(self.id, self.job, self._invokers, self._pace, read)

    def status(self) -> State:
        """Where the run stands. Asks, unless it is known to have ended."""
        return self._latest().state

    def refresh(self) -> RunStatus:
        """Ask for all that is recorded of the run.

        Raises:
            RunNotFound: no such run in this app and stage.
            AwsError: AWS refused or did not answer.
        """
        request = json.dumps({"action": "status", "runId": self.id}).encode()
        self._answer = self._invokers.ask(self.job, request, is_repeatable=True)
        self._status = _status_of(self._answer)
        return self._status

    @property
    def log(self) -> str:
        """Where the output is, as far as the last answer said; "" if not known."""
        return "" if self._status is None else self._status.log

    def wait(self, timeout_s: float | None = None) -> State:
        """Wait until the run has ended, however it ends, and return how.

        timeout_s: seconds; None waits for as long as it takes.

        Raises:
            WaitTimedOut: it has not ended by then. It goes on.
        """
        for pause_s in self._pauses(timeout_s):
            self._pace.sleep(pause_s)
            self.refresh()
        return self._latest().state

    async def wait_async(self, timeout_s: float | None = None) -> State:
        """`wait` for async code: the event loop goes on meanwhile."""
        import asyncio  # code that gets here has loaded it long ago; other code need not wait for it

        for pause_s in self._pauses(timeout_s):
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(self.refresh)
        return self._latest().state

    def result(self, timeout_s: float | None = None) -> ResultT_co:
        """Wait until the run has ended and return what the handler returned.

        Raises:
            RunFailed: it ended without a result. The message holds the handler's traceback; `state` and
                `failure` are in the error's context.
            ResultInvalid: it is not what the job's return annotation says.
            WaitTimedOut: as `wait`.
        """
        self.wait(timeout_s)
        return self._result()

    async def result_async(self, timeout_s: float | None = None) -> ResultT_co:
        """`result` for async code."""
        import asyncio

        await self.wait_async(timeout_s)
        return await asyncio.to_thread(self._result)

    def cancel(self) -> State:
        """Ask for the end of the run; returns where it stands then.

        A run that executes ends as CANCELLED a little later, when its handler has: `wait` tells. One
        that has ended stays as it is.
        """
        request = json.dumps({"action": "cancel", "runId": self.id}).encode()
        answer = self._invokers.ask(self.job, request, is_repeatable=True)
        return State(answer["status"])

    def _latest(self) -> RunStatus:
        """The last answer if it was the final one, else a new one."""
        if self._status is not None and self._status.is_ended:
            return self._status
        return self.refresh()

    def _pauses(self, timeout_s: float | None) -> Iterator[float]:
        """Seconds to wait before each further look, until a look has shown the run ended."""
        clock = self._pace.clock
        deadline_s = math.inf if timeout_s is None else clock.monotonic_s() + timeout_s
        pause_s = FIRST_PAUSE_S
        while self._status is None or not self._status.is_ended:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                message = f"run {self.id} of {self.job} has not ended within {timeout_s:g} s"
                raise WaitTimedOut(message, run_id=self.id)
            yield min(pause_s, left_s)
            pause_s = min(pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)

    def _result(self) -> ResultT_co:
        status = self._latest()
        if status.state is not State.SUCCEEDED:
            raise run_failed(status.run_id, status.job, status.state, status.failure)
        try:
            return self._read(self._recorded_result())
        except NotOfType as error:
            raise ResultInvalid(
                f"the result of run {self.id} is not what {self.job} says it returns: {error}",
                run_id=self.id,
                job=self.job,
            ) from error

    def _recorded_result(self) -> JsonValue:
        if "result" not in self._answer:
            # The link in an earlier answer may have expired meanwhile.
            self.refresh()
        result: JsonValue
        if "result" in self._answer:
            result = self._answer["result"]
        else:
            result = json.loads(download(self._answer["resultUrl"]))
        return result


def run_failed(
    run_id: RunId, job: str, state: State, failure: Failure | None, remedy: str | None = None
) -> RunFailed:
    """The error for a run that ended without a result.

    remedy: where the failure has none; default: how to see more of the record.
    """
    failure = failure or Failure(type=state, message="no reason is recorded")
    trace = f"\n{failure.trace.rstrip()}" if failure.trace else ""
    return RunFailed(
        f"run {run_id} of {job} is {state}: {failure.type}: {failure.message}{trace}",
        remedy=failure.remedy or remedy,
        run_id=run_id,
        state=state,
        failure=failure,
    )


def _status_of(answer: Answer) -> RunStatus:
    failure: dict[str, Any] | None = answer.get("failure")
    return RunStatus(
        run_id=RunId(answer["runId"]),
        job=answer["job"],
        state=State(answer["status"]),
        attempt=answer.get("attempt") or 0,
        backend=answer.get("backend"),
        created_ms=answer.get("createdMs"),
        started_ms=answer.get("startedMs"),
        ended_ms=answer.get("endedMs"),
        failure=Failure.from_json(failure) if failure else None,
        log=answer.get("log") or "",
        is_lease_over=bool(answer.get("leaseOver")),
    )
