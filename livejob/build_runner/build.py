"""What a build's environment says of the attempt that it is for. Pure but for the names of the variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livejob.wire.ids import RunId
from livejob.wire.names import (
    ENV_APP,
    ENV_ATTEMPT,
    ENV_BUCKET,
    ENV_BUNDLE,
    ENV_HANDLER,
    ENV_JOB,
    ENV_RUN_ID,
    ENV_STAGE,
    ENV_TABLE,
    ENV_TASK_ROOT,
    ENV_TIMEOUT,
    TASK_ROOT,
    build_log,
)

BUILD_ID = "CODEBUILD_BUILD_ID"
LOG_STREAM = "CODEBUILD_LOG_PATH"
REGION = "AWS_REGION"

PRIVATE = frozenset({ENV_TABLE, ENV_BUCKET, ENV_HANDLER, ENV_TIMEOUT, ENV_BUNDLE})
"""What the handler does not see: no variable is there that development does not have."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build.

    id:      CodeBuild's own, `project:uuid`; owner of the run while it has it.
    attempt: the one that this build is for, counted from 1.
    handler: `path/to/file.function`, relative to the absolute path `root`.
    log:     where its output goes.
    """

    id: str
    run_id: RunId
    attempt: int
    app: str
    stage: str
    job: str
    table: str
    bucket: str
    handler: str
    root: str
    timeout_s: int
    bundle: str
    log: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Build:
        """The build that the environment describes.

        Raises:
            KeyError: a variable is missing.
        """
        build_id = environment[BUILD_ID]
        return cls(
            id=build_id,
            run_id=RunId(environment[ENV_RUN_ID]),
            attempt=int(environment[ENV_ATTEMPT]),
            app=environment[ENV_APP],
            stage=environment[ENV_STAGE],
            job=environment[ENV_JOB],
            table=environment[ENV_TABLE],
            bucket=environment[ENV_BUCKET],
            handler=environment[ENV_HANDLER],
            root=environment.get(ENV_TASK_ROOT, TASK_ROOT),
            timeout_s=int(environment[ENV_TIMEOUT]),
            bundle=environment.get(ENV_BUNDLE, ""),
            log=build_log(environment[REGION], build_id, environment[LOG_STREAM]),
        )


def handler_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the handler's process, made from the build's."""
    return {name: value for name, value in environment.items() if name not in PRIVATE}
