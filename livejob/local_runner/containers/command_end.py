"""What the end of a command means, in a worker's words. Pure."""

from __future__ import annotations

from livejob.local_runner.engines.port import WorkerExit
from livejob.local_runner.worker_link import WorkerLost
from livejob.runner.execute import STOPPED
from livejob.runner.stop import StopReason
from livejob.wire.limits import MIB
from livejob.wire.outcome import Failure, FailureType, command_failed
from livejob.wire.states import Input
from livejob.wire.worker import Ended, StartAttempt, StopAttempt

RESULT = b"null"
"""A command gives none."""


def command_ended(
    start: StartAttempt, end: WorkerExit, stop: StopAttempt | None, memory_bytes: int
) -> Ended | WorkerLost:
    """`stop`: what it was asked to end by; None if it was not. Whoever is stopped may well exit with 0."""
    if end.exit_code is None:
        return WorkerLost(end)
    if stop is not None:
        what, failure_type, message = STOPPED[StopReason(stop.reason)]
        failure = Failure(failure_type, f"{message}; exit code {end.exit_code}")
        return _ended(start, what, failure, end.exit_code)
    if end.is_out_of_memory:
        return _ended(start, Input.FAIL, _out_of_memory(memory_bytes), end.exit_code)
    if end.exit_code == 0:
        return Ended(start.run_id, start.attempt, Input.SUCCEED.value, {}, 0, peak_bytes=0, body=RESULT)
    return _ended(start, Input.FAIL, command_failed(end.exit_code), end.exit_code)


def not_started(start: StartAttempt, reason: str, remedy: str) -> Ended:
    """The command did not come to run."""
    failure = Failure(FailureType.WORKER_FAILED, reason, remedy=remedy)
    return Ended(start.run_id, start.attempt, Input.FAIL.value, failure.to_json(), exit_code=-1, peak_bytes=0)


def _out_of_memory(memory_bytes: int) -> Failure:
    return Failure(
        FailureType.OUT_OF_MEMORY,
        f"its command needed more than its {memory_bytes // MIB} MiB of memory, and the kernel ended it",
        remedy="Raise memory= of the job, or make it hold less at a time.",
    )


def _ended(start: StartAttempt, what: Input, failure: Failure, exit_code: int) -> Ended:
    return Ended(start.run_id, start.attempt, what.value, failure.to_json(), exit_code, peak_bytes=0)
