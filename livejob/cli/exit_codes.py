"""What `livejob` exits with. Stable: scripts rely on it; docs/cli.md lists it."""

from __future__ import annotations

from enum import IntEnum

from livejob.errors import (
    AwsError,
    DeployError,
    EngineError,
    LivejobError,
    LocalAwsError,
    PayloadError,
    ProjectError,
    SessionError,
)
from livejob.wire.states import State


class ExitCode(IntEnum):
    """One number for each kind of end."""

    OK = 0
    ERROR = 1  # of no kind below, a fault of livejob itself included
    USAGE = 2  # the command line, or a payload on it, cannot be understood
    PROJECT = 3  # livejob.toml, a setting, a job's definition or its name
    SURROUNDINGS = 4  # AWS, the emulator, a deployment, the engine or the session
    RUN_FAILED = 10
    RUN_TIMED_OUT = 11
    RUN_CANCELLED = 12
    RUN_LOST = 13
    RUN_EXPIRED = 14
    RUN_SKIPPED = 15
    INTERRUPTED = 130  # Ctrl-C; what shells give for SIGINT


_KINDS: tuple[tuple[type[LivejobError], ExitCode], ...] = (
    (PayloadError, ExitCode.USAGE),
    (ProjectError, ExitCode.PROJECT),
    (EngineError, ExitCode.SURROUNDINGS),
    (SessionError, ExitCode.SURROUNDINGS),
    (LocalAwsError, ExitCode.SURROUNDINGS),
    (DeployError, ExitCode.SURROUNDINGS),
    (AwsError, ExitCode.SURROUNDINGS),
)

_ENDS = {
    State.SUCCEEDED: ExitCode.OK,
    State.FAILED: ExitCode.RUN_FAILED,
    State.TIMED_OUT: ExitCode.RUN_TIMED_OUT,
    State.CANCELLED: ExitCode.RUN_CANCELLED,
    State.LOST: ExitCode.RUN_LOST,
    State.EXPIRED: ExitCode.RUN_EXPIRED,
    State.SKIPPED: ExitCode.RUN_SKIPPED,
}


def code_of_error(error: LivejobError) -> ExitCode:
    """The exit code of a command that ends with `error`."""
    return next((code for kind, code in _KINDS if isinstance(error, kind)), ExitCode.ERROR)


def code_of_end(state: State) -> ExitCode:
    """The exit code of a command that followed a run to its end, or was told to stop before."""
    return _ENDS.get(state, ExitCode.OK)
