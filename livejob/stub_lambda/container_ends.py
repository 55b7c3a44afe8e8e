"""What the end of a container job's build means for its run: pure.

Nothing of livejob is in such a build, so its command's exit code is read where CodeBuild says it, in the
context of the phase that failed.

Source: AWS CodeBuild, 'Build phase transitions'; records of real builds.
"""

from __future__ import annotations

import re

from livejob.stub_lambda.backend import COMMANDS_PHASE, BuildEnd
from livejob.stub_lambda.build_ends import MEMORY_REMEDY, failure_of
from livejob.wire.outcome import Failure, FailureType, Outcome, command_failed
from livejob.wire.states import Input

COMMAND_ERROR = "COMMAND_EXECUTION_ERROR"
EXIT_KILLED = 137
"""128 + SIGKILL, which is what the kernel's out-of-memory killer sends."""

NO_RESULT = b"null"
"""Of a run that succeeded: a command has no result but its exit code."""

_EXIT_CODE = re.compile(r"exit status (\d+)\s*$")


def outcome_of(end: BuildEnd) -> Outcome:
    """What the attempt came to that this build was."""
    if end.status == "SUCCEEDED":
        return Outcome(Input.SUCCEED, result=NO_RESULT, exit_code=0)
    code = _exit_code(end)
    if code is not None:
        return Outcome(Input.FAIL, failure=_failure_by(code), exit_code=code)
    failure = failure_of(end)
    what = Input.TIME_OUT if failure.type == FailureType.TIMED_OUT else Input.FAIL
    return Outcome(what, failure=failure)


def _exit_code(end: BuildEnd) -> int | None:
    """Of the command; None when something else ended the build."""
    for trouble in end.troubles:
        is_commands = (trouble.phase, trouble.code) == (COMMANDS_PHASE, COMMAND_ERROR)
        if is_commands and (found := _EXIT_CODE.search(trouble.message)):
            return int(found[1])
    return None


def _failure_by(code: int) -> Failure:
    if code != EXIT_KILLED:
        return command_failed(code)
    return Failure(
        FailureType.OUT_OF_MEMORY,
        f"its command was killed (exit code {code}), most likely for want of memory",
        remedy=MEMORY_REMEDY,
    )
