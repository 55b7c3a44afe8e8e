"""The resources of a development stage, made from its jobs: plain values, no AWS, no format.

`template` writes them down for CloudFormation. Names come from `wire.names`, so that every part that
works with a resource can tell its name without a look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livejob.deploy.permissions import Statement, stub_statements
from livejob.project.specs import JobSpec
from livejob.runs.schema import TABLE_SCHEMA, TTL_ATTRIBUTE
from livejob.wire.limits import ROLE_SESSION_S, RUN_TTL_S
from livejob.wire.names import (
    ENV_APP,
    ENV_BUCKET,
    ENV_JOB,
    ENV_STAGE,
    ENV_TABLE,
    ENV_WHEN_DISCONNECTED,
    StageNames,
    artifacts_bucket,
)

STUB_RUNTIME = "python3.12"
STUB_MEMORY_MB = 256
STUB_TIMEOUT_S = 15
"""Enough for several sessions that do not accept a run in turn."""

LOG_RETENTION_DAYS = 14
DOCUMENT_DAYS = RUN_TTL_S // 86_400
"""A large payload or result is kept as long as the record of its run."""


@dataclass(frozen=True, slots=True)
class StageContext:
    """Where a stage is, and what its resources are marked with.

    version: of the livejob that deploys.
    """

    names: StageNames
    account: str
    region: str
    version: str

    @property
    def bucket(self) -> str:
        return self.names.bucket(self.account, self.region)

    @property
    def tags(self) -> Mapping[str, str]:
        return {
            "livejob:app": self.names.app,
            "livejob:stage": self.names.stage,
            "livejob:version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """schema: keys and indexes, as CreateTable takes them; ttl_attribute: epoch seconds."""

    name: str
    schema: Mapping[str, Sequence[Mapping[str, object]]]
    ttl_attribute: str


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
class Role:
    """An IAM role. principal: who may assume it, as a policy's Principal. statements: its one policy."""

    name: str
    principal: Mapping[str, str]
    statements: Sequence[Statement]
    session_s: int = ROLE_SESSION_S


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function. code_key: of its zip in code_bucket; memory_mb: of 2**20 bytes, as Lambda has it."""

    name: str
    handler: str
    code_bucket: str
    code_key: str
    environment: Mapping[str, str]
    runtime: str = STUB_RUNTIME
    memory_mb: int = STUB_MEMORY_MB
    timeout_s: int = STUB_TIMEOUT_S

    @property
    def log_group(self) -> str:
        """Source: Lambda's default log group of a function."""
        return f"/aws/lambda/{self.name}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An SSM parameter of type String."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class JobResources:
    """What one job has in a development stage."""

    job: str
    invoker: Function
    invoker_parameter: Parameter
    role: Role


@dataclass(frozen=True, slots=True)
class StageResources:
    """Everything in a development stage."""

    context: StageContext
    table: Table
    bucket: Bucket
    stub_role: Role
    jobs: Sequence[JobResources]


def development_stage(
    context: StageContext, jobs: Mapping[str, JobSpec], stub_handler: str, stub_code_key: str
) -> StageResources:
    """The resources of a stage in which developers take the runs.

    stub_handler:  `package.module.function` in the stub's zip.
    stub_code_key: of that zip in the account's artifacts bucket.
    """
    names = context.names
    return StageResources(
        context=context,
        table=Table(names.table, TABLE_SCHEMA, TTL_ATTRIBUTE),
        bucket=Bucket(context.bucket, {"payloads/": DOCUMENT_DAYS, "results/": DOCUMENT_DAYS}),
        stub_role=Role(
            names.stub_role,
            {"Service": "lambda.amazonaws.com"},
            stub_statements(names, context.account, context.region),
        ),
        jobs=[_job_resources(context, jobs[name], stub_handler, stub_code_key) for name in sorted(jobs)],
    )


def _job_resources(
    context: StageContext, spec: JobSpec, stub_handler: str, stub_code_key: str
) -> JobResources:
    names = context.names
    invoker = Function(
        name=names.invoker(spec.name),
        handler=stub_handler,
        code_bucket=artifacts_bucket(context.account, context.region),
        code_key=stub_code_key,
        environment={
            ENV_APP: names.app,
            ENV_STAGE: names.stage,
            ENV_JOB: spec.name,
            ENV_TABLE: names.table,
            ENV_BUCKET: context.bucket,
            ENV_WHEN_DISCONNECTED: spec.when_disconnected,
        },
    )
    return JobResources(
        job=spec.name,
        invoker=invoker,
        invoker_parameter=Parameter(
            names.invoker_parameter(spec.name), invoker.name, f"Invoker of the job {spec.name}"
        ),
        role=Role(
            names.job_role(spec.name),
            # The account, so that its policies decide which of its developers may become the job. In
            # development stages only: nobody takes the place of a job in production.
            {"AWS": f"arn:aws:iam::{context.account}:root"},
            [_statement(each.actions, each.resources) for each in spec.permissions],
        ),
    )


def _statement(actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
