"""What an invoker stands in: its job, the stage's stores, and how time passes. Plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livejob.clock import Clock
from livejob.runs.store import DocumentStore, RunStore
from livejob.wire.limits import QUEUE_TTL_S
from livejob.wire.names import (
    ENV_APP,
    ENV_BACKOFF,
    ENV_CONTAINER,
    ENV_JOB,
    ENV_QUEUE_TIMEOUT,
    ENV_RETRIES,
    ENV_STAGE,
    StageNames,
)


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """What each new run of a job is given for its life; see `runs.model.Run`."""

    retries: int = 0
    backoff_s: int = 0
    queue_s: int = QUEUE_TTL_S

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> RunPolicy:
        """The policy in the function's environment; what is not there has its default."""
        return cls(
            int(environment.get(ENV_RETRIES, cls().retries)),
            int(environment.get(ENV_BACKOFF, cls().backoff_s)),
            int(environment.get(ENV_QUEUE_TIMEOUT, cls().queue_s)),
        )


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """Whose runs an invoker starts, and by which policy. is_container: as `runs.model.Run` has it."""

    stage: StageNames
    job: str
    policy: RunPolicy
    is_container: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> JobIdentity:
        """The job that the function's environment names."""
        return cls(
            StageNames(environment[ENV_APP], environment[ENV_STAGE]),
            environment[ENV_JOB],
            RunPolicy.of(environment),
            ENV_CONTAINER in environment,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """Where the stage keeps its runs."""

    runs: RunStore
    documents: DocumentStore


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes: `sleep` takes seconds."""

    clock: Clock
    sleep: Callable[[float], None]
