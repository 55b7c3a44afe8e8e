"""Deploys and removes a stage of an app: resources -> template -> stack.

Called by `livejob start`, `livejob deploy` and `livejob remove`, with ready clients. When nothing has
changed since the last time, one call is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundle
from livejob.deploy.checks import check_stage
from livejob.deploy.packages import Package
from livejob.deploy.resources import Bucket, StageContext, StageResources
from livejob.deploy.stack import TEMPLATE_BODY_BYTES, Condition, Stacks, StackView, Template
from livejob.deploy.stack_events import OnEvent
from livejob.deploy.stages import StageCode, stage_resources
from livejob.deploy.template import DIGEST_OUTPUT, artifacts_template, stage_template, with_digest
from livejob.errors import NameConflict
from livejob.project.specs import JobSpec
from livejob.wire.names import artifacts_bucket, bundle_key

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

BOOTSTRAP_STACK = "livejob-bootstrap"


class DeployClients:
    """The services that a deployment speaks to. Each client is made when it is first needed: an
    unchanged stage needs one of them."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None) -> None:
        self._session = session
        self._endpoint_url = endpoint_url

    @cached_property
    def stacks(self) -> Stacks:
        return Stacks(self._session.client("cloudformation", endpoint_url=self._endpoint_url))

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", endpoint_url=self._endpoint_url)


@dataclass(frozen=True, slots=True)
class StageSource:
    """What is deployed: the code of a stage, on this machine. Fields as in `StageCode`."""

    invoker: Package
    reconciler: Package | None = None
    bundles: Mapping[Platform, Bundle] = field(default_factory=dict)

    def code_in(self, bucket: str) -> StageCode:
        """The same, as it lies in a bucket once it is uploaded."""
        return StageCode(
            self.invoker.code_in(bucket),
            self.reconciler.code_in(bucket) if self.reconciler else None,
            {platform: bundle.code_in(bucket) for platform, bundle in self.bundles.items()},
        )


@dataclass(frozen=True, slots=True)
class DeployedStage:
    """What a caller or a daemon needs of a deployed stage.

    invokers:  job -> name of its invoker.
    job_roles: job -> ARN of its role.
    is_changed: something was deployed; False when the stage was as it should be.
    """

    table: str
    bucket: str
    invokers: Mapping[str, str]
    job_roles: Mapping[str, str]
    is_changed: bool


def deploy_stage(
    clients: DeployClients,
    context: StageContext,
    jobs: Mapping[str, JobSpec],
    source: StageSource,
    on_event: OnEvent,
) -> DeployedStage:
    """Bring the stage to `jobs`: create, change and delete what differs; returns when it is done.

    Raises:
        NameTooLong, TooManyJobs: before anything is called.
        NameConflict: the stack belongs to another app and stage.
        StackBusy: another deployment of the stage is under way.
        StackFailed: CloudFormation refused or rolled back; the reason comes first.
        AwsError: a call was refused.
    """
    stage = stage_resources(context, jobs, source.code_in(artifacts_bucket(context.account, context.region)))
    check_stage(stage)
    body, digest = with_digest(stage_template(stage), context.tags)
    before = clients.stacks.view(context.names.stack)
    _check_owner(before, context)
    is_changed = before.condition is not Condition.USABLE or before.outputs.get(DIGEST_OUTPUT) != digest
    if is_changed:
        _ensure_artifacts(clients, context, on_event)
        _upload_source(clients.s3, context, source)
        template = _template(clients.s3, context, body, digest)
        clients.stacks.apply(before, template, context.tags, on_event)
    return _deployed(stage, is_changed)


def remove_stage(clients: DeployClients, context: StageContext, on_event: OnEvent) -> bool:
    """Delete the stage with its records and documents; False when there is none.

    Raises:
        NameConflict, StackBusy, StackFailed, AwsError: as `deploy_stage`.
    """
    before = clients.stacks.view(context.names.stack)
    if before.condition is Condition.ABSENT:
        return False
    _check_owner(before, context)
    _empty(clients.s3, context.bucket)
    clients.stacks.delete(before, on_event)
    return True


def _deployed(stage: StageResources, is_changed: bool) -> DeployedStage:
    names, account = stage.context.names, stage.context.account
    return DeployedStage(
        table=stage.table.name,
        bucket=stage.bucket.name,
        invokers={each.job: each.invoker.name for each in stage.jobs},
        job_roles={each.job: names.job_role_arn(account, each.job) for each in stage.jobs},
        is_changed=is_changed,
    )


def _check_owner(before: StackView, context: StageContext) -> None:
    if before.condition in (Condition.ABSENT, Condition.EMPTY):
        return
    mine = (context.names.app, context.names.stage)
    other = (before.tags.get("livejob:app"), before.tags.get("livejob:stage"))
    if other != mine:
        raise NameConflict(
            f"The stack {before.name} belongs to stage {other[1]} of app {other[0]}, "
            f"not to stage {mine[1]} of app {mine[0]}."
        )


def _ensure_artifacts(clients: DeployClients, context: StageContext, on_event: OnEvent) -> None:
    """The account's bucket for uploads: made by the first deployment in an account and region."""
    before = clients.stacks.view(BOOTSTRAP_STACK)
    if before.condition is Condition.USABLE:
        return
    bucket = Bucket(artifacts_bucket(context.account, context.region), {}, is_kept=True)
    body, _ = with_digest(artifacts_template(bucket), {})
    clients.stacks.apply(before, Template(body=body), {"livejob:version": context.version}, on_event)


def _template(s3: S3Client, context: StageContext, body: str, digest: str) -> Template:
    if len(body.encode()) <= TEMPLATE_BODY_BYTES:
        return Template(body=body)
    key = f"templates/{digest}.json"
    _upload(s3, context, key, body.encode())
    bucket = artifacts_bucket(context.account, context.region)
    return Template(url=f"{s3.meta.endpoint_url}/{bucket}/{key}")


def _upload_source(s3: S3Client, context: StageContext, source: StageSource) -> None:
    bucket = artifacts_bucket(context.account, context.region)
    for package in (source.invoker, source.reconciler):
        if package is not None:
            _upload(s3, context, package.code_in(bucket).key, package.zip.data)
    for bundle in source.bundles.values():
        key = bundle_key(bundle.digest)
        if not _is_there(s3, bucket, key):
            with translated("s3:PutObject", f"{bucket}/{key}"):
                s3.upload_file(str(bundle.path), bucket, key)


def _is_there(s3: S3Client, bucket: str, key: str) -> bool:
    with translated("s3:GetObject", f"{bucket}/{key}"):
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except s3.exceptions.ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                return False
            raise
    return True


def _upload(s3: S3Client, context: StageContext, key: str, data: bytes) -> None:
    """The key holds the content's digest, so that writing it again changes nothing."""
    bucket = artifacts_bucket(context.account, context.region)
    with translated("s3:PutObject", f"{bucket}/{key}"):
        s3.put_object(Bucket=bucket, Key=key, Body=data)


def _empty(s3: S3Client, bucket: str) -> None:
    """Delete every object: CloudFormation deletes a bucket only when nothing is in it."""
    with translated("s3:DeleteObject", bucket):
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                keys: list[ObjectIdentifierTypeDef] = [
                    {"Key": each["Key"]} for each in page.get("Contents", [])
                ]
                if keys:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        except s3.exceptions.NoSuchBucket:
            return
