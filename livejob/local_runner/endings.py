"""What the end of an attempt means for its run. Pure.

The worker says how the attempt ended, the run why it was stopped, if it was; here the two become what is
recorded, in words for a person.
"""

from __future__ import annotations

from dataclasses import replace

from livejob.errors import JobImageNotBuilt, LivejobError
from livejob.local_runner.active_run import StopReason
from livejob.local_runner.worker_link import WorkerLost
from livejob.project.specs import JobSpec
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input
from livejob.wire.worker import Ended


def outcome_of(end: Ended | WorkerLost, reason: StopReason | None, spec: JobSpec) -> Outcome:
    """What the end of an attempt means for its run, given why it was stopped, if it was."""
    if isinstance(end, WorkerLost):
        return Outcome(*_stopped(reason, spec)) if reason else _worker_lost(end, spec)
    if end.input == Input.SUCCEED:
        return Outcome(Input.SUCCEED, result=end.body, exit_code=end.exit_code)
    if reason is not None and end.input in (Input.CANCEL, Input.TIME_OUT):
        what, _, failure = _stopped(reason, spec)
        # Where the handler was when it was stopped is what its author wants to know.
        told = replace(failure, trace=Failure.from_json(end.failure).trace)
        return Outcome(what, failure=told, exit_code=end.exit_code)
    return Outcome(Input(end.input), failure=Failure.from_json(end.failure), exit_code=end.exit_code)


def _stopped(reason: StopReason, spec: JobSpec) -> tuple[Input, None, Failure]:
    match reason:
        case "cancel":
            return Input.CANCEL, None, Failure(FailureType.CANCELLED, "it was cancelled while it ran")
        case "timeout":
            failure = Failure(
                FailureType.TIMED_OUT,
                f"it ran longer than its timeout of {spec.timeout_s} s",
                remedy=f"Raise timeout= of the job {spec.name}, or make its runs smaller.",
            )
            return Input.TIME_OUT, None, failure
        case "shutdown":
            failure = Failure(
                FailureType.SESSION_STOPPED,
                "the session that ran it was stopped",
                remedy="Start the session again, and run it again with the same payload.",
            )
            return Input.FAIL, None, failure


def nothing_to_run_in(error: LivejobError) -> Outcome:
    """Of a run for which neither worker nor image could be had."""
    is_image = isinstance(error, JobImageNotBuilt)
    what = FailureType.IMAGE_NOT_BUILT if is_image else FailureType.WORKER_FAILED
    # After the first line: Docker's own last words.
    message, _, trace = error.message.partition("\n")
    return Outcome(Input.FAIL, failure=Failure(what, message, trace, error.remedy))


def requeued(outcome: Outcome) -> Outcome:
    """Of a run that was stopped to begin anew; one that ended by itself before that has ended."""
    failure = outcome.failure
    is_stopped = failure is not None and failure.type == FailureType.SESSION_STOPPED
    return Outcome(Input.REQUEUE) if is_stopped else outcome


def stopped_before_start(reason: StopReason | None) -> Outcome:
    if reason == "cancel":
        return Outcome(
            Input.CANCEL, failure=Failure(FailureType.CANCELLED, "it was cancelled before it started")
        )
    return Outcome(Input.REQUEUE)


def _worker_lost(lost: WorkerLost, spec: JobSpec) -> Outcome:
    end = lost.exit
    if end.is_out_of_memory:
        failure = Failure(
            FailureType.OUT_OF_MEMORY,
            f"it needed more than its {spec.memory_bytes} bytes of memory",
            remedy=f"Raise memory= of the job {spec.name}.",
        )
    else:
        said = end.detail.strip() or f"exit code {end.exit_code}"
        failure = Failure(
            FailureType.WORKER_FAILED, f"its worker went away while it ran: {said}", remedy="Run it again."
        )
    return Outcome(Input.FAIL, failure=failure, exit_code=end.exit_code)
