"""The kinds of resources that a stage has, as plain values: no AWS, no format.

`stages` makes them from an app's jobs, `template` writes them down for CloudFormation. Names come from
`wire.names`, so that every part that works with a resource can tell its name without a look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from livejob.deploy.permissions import Statement
from livejob.wire.limits import ROLE_SESSION_S
from livejob.wire.names import StageNames

StageMode = Literal["development", "production"]
"""Who takes the runs of a stage: developers' sessions, or CodeBuild."""

FUNCTION_RUNTIME = "python3.12"
FUNCTION_MEMORY_MB = 256
INVOKER_TIMEOUT_S = 15
"""Enough for several sessions that do not accept a run in turn."""

MODE_TAG = "livejob:mode"


@dataclass(frozen=True, slots=True)
class StageContext:
    """Where a stage is, and what its resources are marked with.

    version: of the livejob that deploys.
    """

    names: StageNames
    account: str
    region: str
    version: str
    mode: StageMode = "development"

    @property
    def bucket(self) -> str:
        return self.names.bucket(self.account, self.region)

    @property
    def tags(self) -> Mapping[str, str]:
        return {
            "livejob:app": self.names.app,
            "livejob:stage": self.names.stage,
            "livejob:version": self.version,
            MODE_TAG: self.mode,
        }

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource in the stage's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class Table:
    """schema: keys and indexes, as CreateTable takes them; ttl_attribute: epoch seconds."""

    name: str
    schema: Mapping[str, Sequence[Mapping[str, object]]]
    ttl_attribute: str
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """A private, encrypted bucket that refuses plain HTTP.

    expiry_days: key prefix -> days after which its objects are deleted.
    is_kept:     survives the deletion of its stack.
    """

    name: str
    expiry_days: Mapping[str, int]
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """Who may assume a role: a policy's Principal and Condition."""

    principal: Mapping[str, str]
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role. statements: its one policy."""

    name: str
    trusts: Sequence[Trust]
    statements: Sequence[Statement]
    session_s: int = ROLE_SESSION_S


@dataclass(frozen=True, slots=True)
class LogGroup:
    """Where a function's or a project's output goes, and for how long it is kept; None: for ever."""

    name: str
    days: int | None


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """What a function runs. handler: `package.module.function` in the zip that lies at bucket and key."""

    handler: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class BundleCode:
    """What a build runs: a bundle that lies at bucket and key. digest: of what is in it.

    readable: pattern of the keys that the job's role may read. Of more than this one, so that new code does
              not change the role.
    """

    digest: str
    bucket: str
    key: str
    readable: str


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function. memory_mb: of 2**20 bytes, as Lambda has it."""

    name: str
    code: FunctionCode
    environment: Mapping[str, str]
    log_days: int | None
    runtime: str = FUNCTION_RUNTIME
    memory_mb: int = FUNCTION_MEMORY_MB
    timeout_s: int = INVOKER_TIMEOUT_S

    @property
    def log_group(self) -> LogGroup:
        """Source: Lambda's default log group of a function."""
        return LogGroup(f"/aws/lambda/{self.name}", self.log_days)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An SSM parameter of type String."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class Project:
    """A CodeBuild project that runs one job.

    source:    `bucket/key` of the bundle.
    commands:  of its one phase, for `sh`.
    """

    name: str
    description: str
    image: str
    environment_type: str
    compute_type: str
    source: str
    commands: Sequence[str]
    environment: Mapping[str, str]
    timeout_minutes: int
    queue_minutes: int
    log_days: int | None

    @property
    def log_group(self) -> LogGroup:
        """Source: CodeBuild's default log group of a project."""
        return LogGroup(f"/aws/codebuild/{self.name}", self.log_days)


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule of the default bus, which calls its function.

    pattern:  of the events that it hands over; None for a rule that goes by the clock.
    schedule: when it does, as EventBridge writes it: `rate(5 minutes)`.
    """

    name: str
    description: str
    pattern: Mapping[str, object] | None = None
    schedule: str = ""


@dataclass(frozen=True, slots=True)
class JobResources:
    """What one job has in a stage. `project` is None where no build ever runs it."""

    job: str
    invoker: Function
    invoker_parameter: Parameter
    role: Role
    project: Project | None = None


@dataclass(frozen=True, slots=True)
class Reconciler:
    """What closes the runs of builds that ended without a word.

    rule:  hands it each end of a build.
    sweep: has it look through the open runs, in case an event was lost.
    """

    function: Function
    role: Role
    rule: Rule
    sweep: Rule


@dataclass(frozen=True, slots=True)
class StageResources:
    """Everything in a stage. `reconciler` is there where a job has a project."""

    context: StageContext
    table: Table
    bucket: Bucket
    invoker_role: Role
    jobs: Sequence[JobResources]
    reconciler: Reconciler | None = None
