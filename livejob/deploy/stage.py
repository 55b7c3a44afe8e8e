"""Deploys and removes a stage of an app: resources -> template -> stack.

Called by `livejob start`, `livejob deploy` and `livejob remove`, with ready clients. When nothing has
changed since the last time, one call is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.deploy.artifacts import Artifacts, DeployClients
from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundle
from livejob.deploy.changes import ResourceChange, additions_of
from livejob.deploy.checks import check_stage
from livejob.deploy.images import NoImages, StageImages
from livejob.deploy.packages import Package
from livejob.deploy.recovery import failed, followed, make_ready, until_free
from livejob.deploy.repository import EcrRepository
from livejob.deploy.resources import MODE_TAG, StageContext, StageMode, StageResources
from livejob.deploy.review import Review
from livejob.deploy.stack import TEMPLATE_BODY_BYTES, Proposal, Stacks, Template
from livejob.deploy.stack_events import OnEvent
from livejob.deploy.stack_view import UNMADE, Condition, StackView
from livejob.deploy.stages import StageCode, run_table, stage_bucket, stage_resources
from livejob.deploy.template import (
    DIGEST_OUTPUT,
    REPOSITORY_OUTPUT,
    kept_template,
    stage_template,
    with_digest,
)
from livejob.errors import NameConflict
from livejob.project.specs import JobSpec
from livejob.wire.names import artifacts_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


@dataclass(frozen=True, slots=True)
class StageSource:
    """What is deployed: the code of a stage, on this machine. Fields as in `StageCode`."""

    invoker: Package
    reconciler: Package | None = None
    bundles: Mapping[Platform, Bundle] = field(default_factory=dict)
    images: StageImages = field(default_factory=NoImages)

    @property
    def packages(self) -> list[Package]:
        return [self.invoker] if self.reconciler is None else [self.invoker, self.reconciler]

    def code_in(self, bucket: str) -> StageCode:
        """The same, as it lies in a bucket once it is uploaded."""
        return StageCode(
            self.invoker.code_in(bucket),
            self.reconciler.code_in(bucket) if self.reconciler else None,
            {platform: bundle.code_in(bucket) for platform, bundle in self.bundles.items()},
            self.images.code(),
        )


@dataclass(frozen=True, slots=True)
class DeployedStage:
    """What a caller or a daemon needs of a deployed stage.

    invokers:  job -> name of its invoker.
    job_roles: job -> ARN of its role.
    is_changed: something was deployed; False when the stage was as it should be.
    changes:   what was changed.
    """

    table: str
    bucket: str
    invokers: Mapping[str, str]
    job_roles: Mapping[str, str]
    is_changed: bool
    changes: tuple[ResourceChange, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class StageDiff:
    """What a deployment would do. mode: that the stage is deployed in now; None when it is not deployed."""

    mode: StageMode | None
    changes: tuple[ResourceChange, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A stage that can be removed, and what of it stays; "" for what goes too."""

    stack: StackView
    kept_table: str
    kept_bucket: str

    @property
    def has_images(self) -> bool:
        """It has a repository, which is no part of the stack."""
        return REPOSITORY_OUTPUT in self.stack.outputs


def deploy_stage(
    clients: DeployClients,
    context: StageContext,
    jobs: Mapping[str, JobSpec],
    source: StageSource,
    on_event: OnEvent,
    review: Review,
) -> DeployedStage:
    """Bring the stage to `jobs`: create, change and delete what differs; returns when it is done.

    A deployment that is under way, an interrupted one too, is followed to its end before.

    Raises:
        NameTooLong, TooManyJobs: before anything is called.
        NameConflict: the stack belongs to another app and stage.
        StackBusy: other deployments of the stage were faster, time and again.
        StackFailed: CloudFormation refused or rolled back; the reason comes first.
        AwsError: a call was refused.
        And what `review` raises; then nothing is changed.
    """
    wanted = _Wanted.of(context, jobs, source)
    return until_free(lambda: _deploy(clients, wanted, source, on_event, review))


def diff_stage(
    clients: DeployClients, context: StageContext, jobs: Mapping[str, JobSpec], source: StageSource
) -> StageDiff:
    """What `deploy_stage` would do. Changes nothing: the change set that tells is discarded.

    Raises:
        As `deploy_stage`, without a review.
    """
    wanted = _Wanted.of(context, jobs, source)
    before = clients.stacks.view(context.names.stack)
    _check_owner(before, context)
    mode = mode_of(before)
    if wanted.is_deployed(before):
        return StageDiff(mode, ())
    if before.condition in UNMADE:
        return StageDiff(mode, additions_of(json.loads(wanted.body)))
    if before.condition not in (Condition.USABLE, Condition.BUSY):
        raise failed(clients.stacks, before)
    proposal = clients.stacks.propose(before, _template(clients, wanted), context.tags)
    if proposal is None:
        return StageDiff(mode, ())
    clients.stacks.discard(proposal)
    return StageDiff(mode, proposal.changes)


def find_stage(clients: DeployClients, context: StageContext) -> Removal | None:
    """What `remove_stage` would do; None when there is no such stage.

    Raises:
        NameConflict, AwsError
    """
    before = clients.stacks.view(context.names.stack)
    if before.condition is Condition.ABSENT:
        return None
    _check_owner(before, context)
    kept = mode_of(before) == "production"
    return Removal(
        before, kept_table=context.names.table if kept else "", kept_bucket=context.bucket if kept else ""
    )


def remove_stage(
    clients: DeployClients, context: StageContext, removal: Removal, on_event: OnEvent, review: Review
) -> None:
    """Delete the stage that `find_stage` has found; in development with its records and documents.

    Of a production stage the stack stays with these, so that they have an owner, and the next deployment
    goes on with them.

    Raises:
        StackBusy, StackFailed, AwsError, and what `review` raises: as `deploy_stage`.
    """
    until_free(lambda: _remove(clients, context, removal, on_event, review))


def mode_of(stack: StackView) -> StageMode | None:
    """The mode that a stage is deployed in; None when it is not."""
    if stack.condition in UNMADE:
        return None
    return "production" if stack.tags.get(MODE_TAG) == "production" else "development"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A stage as it shall be: its template and the digest by which it is known to be so."""

    stage: StageResources
    body: str
    digest: str

    @classmethod
    def of(cls, context: StageContext, jobs: Mapping[str, JobSpec], source: StageSource) -> _Wanted:
        bucket = artifacts_bucket(context.account, context.region)
        stage = stage_resources(context, jobs, source.code_in(bucket))
        check_stage(stage)
        return cls(stage, *with_digest(stage_template(stage), context.tags))

    def is_deployed(self, before: StackView) -> bool:
        return before.condition is Condition.USABLE and before.outputs.get(DIGEST_OUTPUT) == self.digest


def _deploy(
    clients: DeployClients, wanted: _Wanted, source: StageSource, on_event: OnEvent, review: Review
) -> DeployedStage:
    """Once, from looking at the stack to its change; StackBusy when somebody else was faster."""
    context, stacks = wanted.stage.context, clients.stacks
    before = stacks.view(context.names.stack)
    _check_owner(before, context)
    before = make_ready(stacks, before, review, on_event)
    _check_mode(before, context, review)
    source.images.publish()
    if wanted.is_deployed(before):
        return _deployed(wanted.stage, is_changed=False)
    artifacts = Artifacts(clients, context)
    artifacts.ensure(on_event, review)
    artifacts.put_packages(source.packages)
    artifacts.put_bundles(source.bundles.values())
    # Records of a production stage outlive its stack, however that came to its end.
    adopts = context.mode == "production"
    proposal = stacks.propose(before, _template(clients, wanted), context.tags, adopts=adopts)
    if proposal is None:
        return _deployed(wanted.stage, is_changed=True)
    _execute(stacks, proposal, on_event, review)
    source.images.prune()
    if REPOSITORY_OUTPUT in before.outputs and not wanted.stage.repository:
        EcrRepository(clients.ecr, context).delete()
    return _deployed(wanted.stage, is_changed=True, changes=proposal.changes)


def _remove(
    clients: DeployClients, context: StageContext, removal: Removal, on_event: OnEvent, review: Review
) -> None:
    stacks = clients.stacks
    stack = followed(stacks, stacks.view(removal.stack.name), review, on_event)
    if removal.has_images:
        EcrRepository(clients.ecr, context).delete()
    # What is half made or half deleted can only be deleted; what is kept then stays without a stack.
    if removal.kept_bucket and stack.condition not in (*UNMADE, Condition.HALF_DELETED):
        stack = make_ready(stacks, stack, review, on_event)
        left = replace(context, mode="production")
        body, _ = with_digest(kept_template(context.names, run_table(left), stage_bucket(left)), {})
        stacks.apply(stack, Template(body=body), stack.tags, on_event)
        return
    if not removal.kept_bucket:
        _empty(clients.s3, context.bucket)
    stacks.delete(stack, on_event)


def _execute(stacks: Stacks, proposal: Proposal, on_event: OnEvent, review: Review) -> None:
    try:
        review.check_changes(proposal.changes)
    except BaseException:
        stacks.discard(proposal)
        raise
    stacks.execute(proposal, on_event)


def _check_mode(before: StackView, context: StageContext, review: Review) -> None:
    mode = mode_of(before)
    if mode is not None and mode != context.mode:
        review.check_mode(context, mode)


def _deployed(
    stage: StageResources, *, is_changed: bool, changes: tuple[ResourceChange, ...] = ()
) -> DeployedStage:
    names, account = stage.context.names, stage.context.account
    return DeployedStage(
        table=stage.table.name,
        bucket=stage.bucket.name,
        invokers={each.job: each.invoker.name for each in stage.jobs},
        job_roles={each.job: names.job_role_arn(account, each.job) for each in stage.jobs},
        is_changed=is_changed,
        changes=changes,
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


def _template(clients: DeployClients, wanted: _Wanted) -> Template:
    if len(wanted.body.encode()) <= TEMPLATE_BODY_BYTES:
        return Template(body=wanted.body)
    artifacts = Artifacts(clients, wanted.stage.context)
    return Template(url=artifacts.put_template(wanted.body, wanted.digest))


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
