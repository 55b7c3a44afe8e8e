"""Deploying production stages into the local AWS, with the permissions of whoever develops and deploys."""

from __future__ import annotations

import itertools
import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from livejob.deploy.artifacts import DeployClients
from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundle
from livejob.deploy.changes import Effect, ResourceChange
from livejob.deploy.packages import invoker_package, reconciler_package, stub_package
from livejob.deploy.resources import StageContext, StageMode
from livejob.deploy.stage import (
    DeployedStage,
    Removal,
    StageDiff,
    StageSource,
    deploy_stage,
    diff_stage,
    find_stage,
    remove_stage,
)
from livejob.errors import NotConfirmed
from livejob.project.specs import JobSpec
from livejob.runs.dynamodb import DynamoRunStore
from livejob.wire.names import StageNames
from livejob.wire.states import State
from tests.support.agreement import AgreeToAll
from tests.support.job_specs import a_job, jobs_of
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.runs import a_run

LINUX = Platform("python3.11", "x86_64")

_numbers = itertools.count()


class RefuseChanges(AgreeToAll):
    """A `Review` by somebody who does not want what would be made."""

    def check_changes(self, changes: Sequence[ResourceChange]) -> None:
        self.changes.append(changes)
        raise NotConfirmed("no")


class RefuseMode(AgreeToAll):
    """A `Review` by somebody who has mistaken the stage."""

    def check_mode(self, stage: StageContext, before: StageMode) -> None:
        raise NotConfirmed("no")


@dataclass(slots=True)
class StageInAws:
    """One stage in the local AWS; its bundle is any zip."""

    aws: LocalAwsUnderTest
    names: StageNames
    bundle: Path
    clients: DeployClients
    review: AgreeToAll = field(default_factory=AgreeToAll)

    def context(self, mode: StageMode = "production") -> StageContext:
        return StageContext(self.names, self.aws.account, self.aws.region, "0.1.0", mode)

    def source(self, code: str = "0" * 64) -> StageSource:
        return StageSource(invoker_package(), reconciler_package(), {LINUX: Bundle(code, self.bundle)})

    def deploy(
        self, *specs: JobSpec, code: str = "0" * 64, review: AgreeToAll | None = None
    ) -> DeployedStage:
        jobs = jobs_of(*specs)
        return deploy_stage(
            self.clients, self.context(), jobs, self.source(code), lambda event: None, review or self.review
        )

    def develop(self, *specs: JobSpec, review: AgreeToAll | None = None) -> DeployedStage:
        source, jobs = StageSource(stub_package()), jobs_of(*specs)
        context = self.context("development")
        return deploy_stage(self.clients, context, jobs, source, lambda event: None, review or self.review)

    def diff(self, *specs: JobSpec, code: str = "0" * 64) -> StageDiff:
        return diff_stage(self.clients, self.context(), jobs_of(*specs), self.source(code))

    def remove(self) -> Removal | None:
        removal = find_stage(self.clients, self.context())
        if removal is not None:
            remove_stage(self.clients, self.context(), removal, lambda event: None, self.review)
        return removal

    def as_root(self, service: str) -> Any:
        return self.aws.root.client(service, endpoint_url=self.aws.endpoint_url)  # type: ignore[call-overload]

    def project(self, job: str) -> dict[str, Any]:
        [project] = self.as_root("codebuild").batch_get_projects(names=[self.names.project(job)])["projects"]
        return dict(project)

    def runs(self) -> DynamoRunStore:
        client = self.aws.developer.client("dynamodb", endpoint_url=self.aws.endpoint_url)
        return DynamoRunStore(client, self.names.table)


@pytest.fixture
def stage(local_aws: LocalAwsUnderTest, tmp_path: Path) -> Iterator[StageInAws]:
    """A stage that no other test has; nothing of it is left."""
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("task/jobs.py", "")
    names = StageNames(f"works{next(_numbers)}", "prod")
    clients = DeployClients(local_aws.developer, local_aws.endpoint_url)
    in_aws = StageInAws(local_aws, names, bundle, clients)
    yield in_aws
    removal = in_aws.remove()
    if removal is not None and removal.kept_table:
        in_aws.as_root("cloudformation").delete_stack(StackName=names.stack)
        in_aws.as_root("dynamodb").delete_table(TableName=removal.kept_table)
        in_aws.as_root("s3").delete_bucket(Bucket=removal.kept_bucket)


def test_project_runs_the_bundle_on_the_jobs_machine(stage: StageInAws):
    """Source, image, machine, limits and variables of the project are what the job says."""
    stage.deploy(a_job("Resize", memory_bytes=7 << 30, timeout_s=600, queue_timeout_s=600))

    project = stage.project("Resize")

    bucket = f"livejob-artifacts-{stage.aws.account}-{stage.aws.region}"
    variables = {each["name"]: each["value"] for each in project["environment"]["environmentVariables"]}
    assert f"{bucket}/bundles/{'0' * 64}.zip" == project["source"]["location"]
    assert ("BUILD_GENERAL1_MEDIUM", "LINUX_CONTAINER", "public.ecr.aws/lambda/python:3.11") == (
        project["environment"]["computeType"],
        project["environment"]["type"],
        project["environment"]["image"],
    )
    assert (15, 10) == (project["timeoutInMinutes"], project["queuedTimeoutInMinutes"])
    assert ("jobs.resize", "0" * 64) == (variables["LIVEJOB_HANDLER"], variables["LIVEJOB_BUNDLE"])


def test_bundle_is_uploaded_under_its_digest(stage: StageInAws):
    """What the project points at is there."""
    stage.deploy(a_job(), code="5" * 64)

    bucket, _, key = stage.project("Resize")["source"]["location"].partition("/")
    found = stage.as_root("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert stage.bundle.read_bytes() == found


def test_nobody_takes_the_place_of_a_production_job(stage: StageInAws):
    """A developer, who becomes the jobs of development stages, does not become these."""
    deployed = stage.deploy(a_job())
    sts = stage.aws.developer.client("sts", endpoint_url=stage.aws.endpoint_url)

    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=deployed.job_roles["Resize"], RoleSessionName="mia")

    assert "AccessDenied" == caught.value.response["Error"]["Code"]


def test_ends_of_the_stages_builds_reach_the_reconciler(stage: StageInAws):
    """A rule hands them over; it and the schedule alone may call the function."""
    stage.deploy(a_job())

    events, functions = stage.as_root("events"), stage.as_root("lambda")
    rule = events.describe_rule(Name=stage.names.reconciler)
    [target] = events.list_targets_by_rule(Rule=stage.names.reconciler)["Targets"]
    statements = json.loads(functions.get_policy(FunctionName=stage.names.reconciler)["Policy"])["Statement"]
    assert target["Arn"].endswith(f":function:{stage.names.reconciler}")
    assert [{"prefix": f"{stage.names.prefix}_"}] == json.loads(rule["EventPattern"])["detail"][
        "project-name"
    ]
    assert [{"Service": "events.amazonaws.com"}] * 2 == [each["Principal"] for each in statements]


def test_reconciler_sweeps_by_the_clock(stage: StageInAws):
    """As the schedule calls it, with its own role: what has waited too long is ended, and that alone."""
    stage.deploy(a_job())
    now_ms = time.time_ns() // 1_000_000
    day_ms = 86_400_000
    late = stage.runs().create(a_run("Resize", created_ms=now_ms - 3 * day_ms, expires_ms=now_ms - day_ms))
    fresh = stage.runs().create(a_run("Resize", created_ms=now_ms, expires_ms=now_ms + day_ms))

    answer = stage.as_root("lambda").invoke(
        FunctionName=stage.names.reconciler,
        Payload=json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
    )

    assert "FunctionError" not in answer, answer["Payload"].read()
    assert State.EXPIRED == stage.runs().get(late.id).state
    assert fresh == stage.runs().get(fresh.id)


def test_diff_of_a_new_stage_adds_everything_and_leaves_no_stack(stage: StageInAws):
    """What would be made is told, and nothing is."""
    diff = stage.diff(a_job())

    assert diff.mode is None
    assert {Effect.ADD} == {each.effect for each in diff.changes}
    assert {"RunTable", "JobResizeProject", "Reconciler"} <= {each.logical_id for each in diff.changes}
    assert find_stage(stage.clients, stage.context()) is None


def test_diff_of_an_unchanged_stage_is_empty(stage: StageInAws):
    """Equal jobs and equal code are no change."""
    stage.deploy(a_job())

    assert StageDiff("production", ()) == stage.diff(a_job())


def test_new_code_touches_the_project_and_its_invoker_alone(stage: StageInAws):
    """That is what makes a change of code fast."""
    stage.deploy(a_job(), code="0" * 64)

    changed = {each.logical_id for each in stage.diff(a_job(), code="1" * 64).changes}

    assert {"JobResizeProject", "JobResizeInvoker"} == changed


def test_what_a_deployment_would_delete_comes_first(stage: StageInAws):
    """A job that is gone from the code is deleted with all that it has; whoever deploys is shown that."""
    stage.deploy(a_job("Resize"), a_job("Report"))

    stage.deploy(a_job("Report"))

    deleted = [each for each in stage.review.changes[-1] if each.is_destructive]
    assert "JobResizeProject" in {each.logical_id for each in deleted}
    assert deleted == list(stage.review.changes[-1][: len(deleted)])


def test_refused_change_is_not_made(stage: StageInAws):
    """After a no the stage is as it was, and no change set is left."""
    stage.deploy(a_job())

    with pytest.raises(NotConfirmed):
        stage.deploy(a_job(), code="1" * 64, review=RefuseChanges())

    change_sets = stage.as_root("cloudformation").list_change_sets(StackName=stage.names.stack)["Summaries"]
    assert stage.project("Resize")["source"]["location"].endswith(f"{'0' * 64}.zip")
    assert [] == [each for each in change_sets if each["ExecutionStatus"] == "AVAILABLE"]


def test_removed_stage_leaves_records_and_documents(stage: StageInAws):
    """What happened in production is not lost by a removal; everything else is gone."""
    stage.deploy(a_job())
    run = stage.runs().create(a_run("Resize"))

    removal = stage.remove()

    assert removal is not None
    assert (stage.names.table, stage.context().bucket) == (removal.kept_table, removal.kept_bucket)
    assert run == stage.runs().get(run.id)
    assert (
        [] == stage.as_root("codebuild").batch_get_projects(names=[stage.names.project("Resize")])["projects"]
    )


def test_next_deployment_goes_on_with_what_was_left(stage: StageInAws):
    """A stage that was removed and is deployed again has its records; removing it twice does no harm."""
    stage.deploy(a_job())
    run = stage.runs().create(a_run("Resize"))
    stage.remove()
    stage.remove()

    stage.deploy(a_job())

    added = {each.logical_id for each in stage.review.changes[-1] if each.effect is Effect.ADD}
    assert "JobResizeProject" in added
    assert not {"RunTable", "StageBucket"} & added
    assert run == stage.runs().get(run.id)


def test_change_of_mode_is_asked_in_both_directions(stage: StageInAws):
    """Once for each change, with the mode that the stage has."""
    stage.develop(a_job())
    stage.deploy(a_job())
    stage.deploy(a_job())
    stage.develop(a_job())

    assert ["development", "production"] == stage.review.modes


def test_refused_mode_leaves_the_stage_as_it_was(stage: StageInAws):
    """Nothing is uploaded or changed before the answer."""
    stage.deploy(a_job())

    with pytest.raises(NotConfirmed):
        stage.develop(a_job(), review=RefuseMode())

    assert StageDiff("production", ()) == stage.diff(a_job())


def test_production_stage_has_no_stub_and_no_topic(stage: StageInAws):
    """A stage that was a developer's has nothing left of it that could ring a session."""
    stage.develop(a_job())
    stage.deploy(a_job())

    functions, roles = stage.as_root("lambda"), stage.as_root("iam")
    configuration = functions.get_function_configuration(FunctionName=stage.names.invoker("Resize"))
    with pytest.raises(ClientError) as caught:
        roles.get_role(RoleName=stage.names.stub_role)
    policy = roles.get_role_policy(RoleName=stage.names.invoker_role, PolicyName="Invoker")["PolicyDocument"]
    assert "livejob.stub_lambda.production.handler" == configuration["Handler"]
    assert "NoSuchEntity" == caught.value.response["Error"]["Code"]
    assert "iot" not in json.dumps(policy)


def test_records_that_outlived_their_stack_are_taken_over(stage: StageInAws):
    """After a deletion by hand, the next deployment's change set adopts table and bucket as they are.

    Executing it is not tested here: this CloudFormation refuses a bucket that exists even then.
    """
    stage.deploy(a_job())
    stacks = stage.clients.stacks
    stacks.delete(stacks.view(stage.names.stack), lambda event: None)
    review = RefuseChanges()

    with pytest.raises(NotConfirmed):
        stage.deploy(a_job(), review=review)

    adopted = {each.logical_id for each in review.changes[-1] if each.effect is Effect.ADOPT}
    assert {"RunTable", "StageBucket"} == adopted
