"""What the end of an execution means for a run that it left open: pure, named failures with remedies.

A runner that could speak has recorded the end itself; this is for those that could not, because there was no
machine, no image, no code, or because something ended the runner too.

Sources: AWS CodeBuild, 'Build status codes' and troubleshooting; the statuses of `BuildPhase`.
"""

from __future__ import annotations

from livejob.stub_lambda.backend import BuildEnd, Trouble
from livejob.wire.outcome import Failure, FailureType

EXIT_KILLED = "exit status 137"
"""128 + SIGKILL, which is what the kernel's out-of-memory killer sends."""

NO_TROUBLE = Trouble("", "", "", "")

MEMORY_REMEDY = "Raise memory= of the job, or make it hold less at a time."


def failure_of(end: BuildEnd) -> Failure:
    """Why the run has no outcome of its own."""
    trouble = next((each for each in end.troubles if each.phase != "COMPLETED"), NO_TROUBLE)
    if end.status == "STOPPED":
        return Failure(
            FailureType.BUILD_STOPPED,
            f"its build {end.id} was stopped, and not by livejob",
            remedy="`livejob rerun` runs it again.",
        )
    # Which of the two the build itself is that ran too long, differs.
    if "TIMED_OUT" in (end.status, trouble.status):
        return _timed_out(end, trouble)
    return _failed(end, trouble)


def _timed_out(end: BuildEnd, trouble: Trouble) -> Failure:
    if trouble.phase == "QUEUED":
        return Failure(
            FailureType.QUEUE_EXPIRED,
            f"its build {end.id} got no machine before its time in CodeBuild's queue was over",
            remedy="Raise queue_timeout= of the job, or the account's limit of concurrent builds.",
        )
    return Failure(
        FailureType.TIMED_OUT,
        f"its build {end.id} ran longer than CodeBuild lets it",
        remedy="Raise timeout= of the job, or make its runs smaller.",
    )


def _failed(end: BuildEnd, trouble: Trouble) -> Failure:
    said = trouble.message or f"{end.status} without a reason"
    match trouble:
        case Trouble(code="BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"):
            return Failure(
                FailureType.IMAGE_PULL_FAILED,
                f"CodeBuild could not pull the job's image: {said}",
                remedy="Check the image's name and, for a registry of your own, the role's permissions.",
            )
        case Trouble(phase="DOWNLOAD_SOURCE"):
            return Failure(
                FailureType.SOURCE_FAILED,
                f"CodeBuild could not fetch the job's code: {said}",
                remedy="Deploy the stage again.",
            )
        case Trouble(code="SINGLE_BUILD_CONTAINER_DEAD"):
            return Failure(FailureType.OUT_OF_MEMORY, f"its container died: {said}", remedy=MEMORY_REMEDY)
        case Trouble(message=message) if EXIT_KILLED in message:
            return Failure(
                FailureType.OUT_OF_MEMORY,
                f"its runner was killed, most likely for want of memory: {said}",
                remedy=MEMORY_REMEDY,
            )
    where = f" in {trouble.phase}" if trouble.phase else ""
    return Failure(
        FailureType.BUILD_FAILED,
        f"its build {end.id} ended{where} without a word of the run: {said}",
        remedy="The build's log, and its phases in the console, tell more.",
    )
