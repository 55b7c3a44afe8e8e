"""Runs a job in the process of its test, with everything between caller and handler but the cloud.

The payload is written as JSON and read again, the handler is executed by the runner itself, and its end
becomes what the run record would hold. Not here: a process, environment and permissions of its own, its
timeout and memory limit. `livejob start --local` has those.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, TypeVar

from livejob.clock import Clock, SystemClock
from livejob.errors import ResultInvalid
from livejob.runner.context import Context
from livejob.runner.deadline import FixedDeadline
from livejob.runner.execute import Order, execute
from livejob.runner.stop import StopReason, StopSignal
from livejob.sdk.client import payload_document
from livejob.sdk.definition import JobDefinition
from livejob.sdk.run import run_failed
from livejob.wire.ids import RANDOM_BYTES, RunId, new_run_id
from livejob.wire.outcome import Outcome
from livejob.wire.states import State, step
from livejob.wire.typed import NotOfType

ResultT = TypeVar("ResultT")


class _Stop:
    """A reason to stop that is there from the beginning, or none."""

    def __init__(self, reason: StopReason | None) -> None:
        self._reason = reason

    def reason(self) -> StopReason | None:
        return self._reason


def make_context(
    job: str = "Test",
    *,
    attempt: int = 1,
    timeout_s: float = 3600.0,
    is_cancelled: bool = False,
    clock: Clock | None = None,
) -> Context:
    """A context as a handler gets it, of a new run.

    timeout_s:    how much time is left, on `clock`; a SteppedClock passes it at will.
    is_cancelled: what the context says of it; no exception is raised.
    """
    clock = clock or SystemClock()
    now_ms = clock.now_ms()
    return Context(
        run_id=new_run_id(now_ms, secrets.token_bytes(RANDOM_BYTES)),
        attempt=attempt,
        job=job,
        app="test",
        stage="test",
        _deadline=FixedDeadline(now_ms + round(timeout_s * 1000)),
        _clock=clock,
        _stop=_Stop(StopReason.CANCEL if is_cancelled else None),
    )


def run_job(
    job: JobDefinition[Any, ResultT, ..., Any], payload: object = None, *, context: Context | None = None
) -> ResultT:
    """Run the job's handler here, and return what `job.run(payload).result()` would.

    payload: checked when the job is run; tests send wrong ones too.

    Blocks, an async handler too: in async code write `await asyncio.to_thread(run_job, ...)`.

    Raises:
        PayloadInvalid: the payload cannot travel, or is not what the handler's annotation says.
        RunFailed: the run would not have succeeded: `state` and `failure` in the error's context are what
            would be recorded, and what the handler raised is its cause.
        ResultInvalid: the result is not what the return annotation says.
    """
    _require_no_loop()
    document = payload_document(payload)
    job.check_payload(document)
    context = context or make_context(job.name)
    outcomes: list[Outcome] = []
    raised: list[BaseException] = []
    order = Order(lambda: job.__livejob_handler__, document, context)
    execute(order, StopSignal(_Stop(None)), outcomes.append, raised.append)
    return _read(job, context.run_id, outcomes[0], raised[0] if raised else None)


def _require_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("run_job blocks; in async code write `await asyncio.to_thread(run_job, ...)`")


def _read(
    job: JobDefinition[Any, ResultT, ..., Any],
    run_id: RunId,
    outcome: Outcome,
    raised: BaseException | None,
) -> ResultT:
    if outcome.result is None:
        if outcome.failure is not None and outcome.failure.type == KeyboardInterrupt.__name__:
            raise KeyboardInterrupt  # of the person in front of the test
        state = step(State.RUNNING, outcome.input)
        raise run_failed(run_id, job.name, state, outcome.failure, remedy="") from raised
    try:
        return job.read_result(json.loads(outcome.result))
    except NotOfType as error:
        message = f"the result is not what {job.name} says it returns: {error}"
        raise ResultInvalid(message, remedy="Correct the handler or its annotation.") from error
