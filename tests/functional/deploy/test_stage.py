"""Deploying a development stage into the local AWS, with the developer's permissions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from livejob.deploy.artifacts import DeployClients
from livejob.deploy.code_zip import code_zip
from livejob.deploy.packages import Package, stub_package
from livejob.deploy.resources import StageContext
from livejob.deploy.stack import Template
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage import (
    DeployedStage,
    StageSource,
    deploy_stage,
    find_stage,
    remove_stage,
)
from livejob.errors import AccessRefused, NameConflict, StackBusy, StackFailed
from livejob.project.specs import JobSpec, Statement
from livejob.runs.dynamodb import DynamoRunStore
from livejob.runs.schema import TABLE_SCHEMA
from livejob.wire.names import StageNames
from livejob.wire.states import State
from tests.support.agreement import AgreeToAll
from tests.support.job_specs import a_job, jobs_of
from tests.support.local_aws_fixtures import LocalAwsUnderTest

NEVER_READY = {
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
        },
    }
}
"""A template whose stack stays in progress."""

_numbers = itertools.count()


@dataclass(slots=True)
class StageInAws:
    """One stage of one app in the local AWS, deployed as the developer, looked at as root."""

    aws: LocalAwsUnderTest
    context: StageContext
    stub: Package
    clients: DeployClients
    events: list[ResourceEvent] = field(default_factory=list)
    review: AgreeToAll = field(default_factory=AgreeToAll)

    def deploy(self, *specs: JobSpec) -> DeployedStage:
        return deploy_stage(
            self.clients,
            self.context,
            jobs_of(*specs),
            StageSource(self.stub),
            self.events.append,
            self.review,
        )

    def remove(self) -> bool:
        removal = find_stage(self.clients, self.context)
        if removal is not None:
            remove_stage(self.clients, self.context, removal, self.events.append, self.review)
        return removal is not None

    def as_root(self, service: str) -> Any:
        return self.aws.root.client(service, endpoint_url=self.aws.endpoint_url)  # type: ignore[call-overload]

    def as_developer(self, service: str) -> Any:
        return self.aws.developer.client(service, endpoint_url=self.aws.endpoint_url)  # type: ignore[call-overload]

    def as_role(self, role_arn: str) -> boto3.Session:
        """What the daemon does for a job: the developer becomes its role."""
        answer = self.as_developer("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
        keys = answer["Credentials"]
        return boto3.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=self.aws.region
        )

    def invoke(self, job: str) -> dict[str, Any]:
        name = self.context.names.invoker(job)
        answer = self.as_developer("lambda").invoke(FunctionName=name, Payload=b"{}")
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        return result

    def status(self) -> str:
        [stack] = self.as_root("cloudformation").describe_stacks(StackName=self.context.names.stack)["Stacks"]
        return str(stack["StackStatus"])

    @contextmanager
    def occupied(self, job: str) -> Iterator[None]:
        """Meanwhile somebody else has the job's parameter, so that CloudFormation cannot make it."""
        parameter = self.context.names.invoker_parameter(job)
        self.as_root("ssm").put_parameter(Name=parameter, Value="x", Type="String")
        yield
        self.as_root("ssm").delete_parameter(Name=parameter)


def code_of(directory: Path, source: str) -> Package:
    """A stub whose module has that source."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "stub.py").write_text(source)
    return Package("stub.handle", code_zip("stub", directory))


@pytest.fixture
def stage(local_aws: LocalAwsUnderTest, tmp_path: Path) -> Iterator[StageInAws]:
    """A stage that no other test uses and that is not deployed yet; removed at the end."""
    names = StageNames(f"depot{next(_numbers)}", "dev")
    context = StageContext(names, local_aws.account, local_aws.region, "0.1.0")
    source = "import os\ndef handle(event, context):\n    return dict(os.environ)\n"
    stub = code_of(tmp_path / "first", source)
    in_aws = StageInAws(local_aws, context, stub, DeployClients(local_aws.developer, local_aws.endpoint_url))
    yield in_aws
    in_aws.remove()


def test_deployed_stage_answers_at_its_invokers(stage: StageInAws) -> None:
    """An invoker knows its app, stage, job, table, bucket and policy, and is found by its parameter."""
    deployed = stage.deploy(a_job("Resize", when_disconnected="fail"))

    environment = stage.invoke("Resize")

    names = stage.context.names
    parameter = stage.as_developer("ssm").get_parameter(Name=names.invoker_parameter("Resize"))
    assert deployed == DeployedStage(
        table=names.table,
        bucket=stage.context.bucket,
        invokers={"Resize": names.invoker("Resize")},
        job_roles={"Resize": names.job_role_arn(stage.aws.account, "Resize")},
        is_changed=True,
    )
    assert {
        "LIVEJOB_APP": names.app,
        "LIVEJOB_STAGE": "dev",
        "LIVEJOB_JOB": "Resize",
        "LIVEJOB_TABLE": names.table,
        "LIVEJOB_BUCKET": stage.context.bucket,
        "LIVEJOB_WHEN_DISCONNECTED": "fail",
        "LIVEJOB_RETRIES": "0",
        "LIVEJOB_BACKOFF": "10",
        "LIVEJOB_QUEUE_TIMEOUT": "28800",
    } == {key: value for key, value in environment.items() if key.startswith("LIVEJOB_")}
    assert names.invoker("Resize") == parameter["Parameter"]["Value"]


def test_table_and_bucket_are_as_their_users_need_them(stage: StageInAws) -> None:
    """The table has the record's keys and indexes; the bucket is private and refuses what is not TLS."""
    deployed = stage.deploy(a_job())

    s3 = stage.as_root("s3")
    table = stage.as_root("dynamodb").describe_table(TableName=deployed.table)["Table"]
    access = s3.get_public_access_block(Bucket=deployed.bucket)["PublicAccessBlockConfiguration"]
    policy = json.loads(s3.get_bucket_policy(Bucket=deployed.bucket)["Policy"])

    assert TABLE_SCHEMA["KeySchema"] == table["KeySchema"]
    assert {each["IndexName"] for each in TABLE_SCHEMA["GlobalSecondaryIndexes"]} == {
        each["IndexName"] for each in table["GlobalSecondaryIndexes"]
    }
    assert [True] * 4 == list(access.values())
    assert {"Bool": {"aws:SecureTransport": "false"}} == policy["Statement"][0]["Condition"]


def test_resources_carry_the_stages_tags(stage: StageInAws) -> None:
    """Whoever finds a resource in the account sees which app and stage it belongs to."""
    deployed = stage.deploy(a_job())

    tags = stage.as_root("iam").list_role_tags(RoleName=stage.context.names.job_role("Resize"))["Tags"]
    function = stage.as_root("lambda").get_function(FunctionName=deployed.invokers["Resize"])

    expected = {
        "livejob:app": stage.context.names.app,
        "livejob:stage": "dev",
        "livejob:version": "0.1.0",
    }
    assert expected.items() <= {each["Key"]: each["Value"] for each in tags}.items()
    assert expected.items() <= function["Tags"].items()


def test_stub_works_with_what_its_stage_gives_it(stage: StageInAws) -> None:
    """livejob's own stub, deployed, records a run: its code is whole and its role suffices."""
    stage.stub = stub_package()
    deployed = stage.deploy(a_job("Resize", when_disconnected="queue"))
    payload = json.dumps({"action": "run", "payload": {"width": 300}}).encode()

    answer = stage.as_developer("lambda").invoke(FunctionName=deployed.invokers["Resize"], Payload=payload)

    reply = json.loads(answer["Payload"].read())
    runs = DynamoRunStore(stage.as_developer("dynamodb"), deployed.table)
    assert State.QUEUED == runs.get(reply["runId"]).state


def test_developer_becomes_a_job_with_its_permissions_alone(stage: StageInAws) -> None:
    """The job's role may what the job says, and nothing else."""
    bucket = f"reports-{next(_numbers)}"
    stage.as_root("s3").create_bucket(Bucket=bucket)
    deployed = stage.deploy(a_job("Resize", Statement(("s3:PutObject",), (f"arn:aws:s3:::{bucket}/*",))))

    job = stage.as_role(deployed.job_roles["Resize"]).client("s3", endpoint_url=stage.aws.endpoint_url)

    job.put_object(Bucket=bucket, Key="a", Body=b"")
    assert "AccessDenied" == refusal(lambda: job.get_object(Bucket=bucket, Key="a"))
    assert "AccessDenied" == refusal(lambda: job.put_object(Bucket=deployed.bucket, Key="a", Body=b""))


def test_nobody_becomes_the_stub(stage: StageInAws) -> None:
    """The invokers' role is Lambda's alone."""
    stage.deploy(a_job())
    role = f"arn:aws:iam::{stage.aws.account}:role/{stage.context.names.stub_role}"

    assert "AccessDenied" == refusal(lambda: stage.as_role(role))


def test_unchanged_stage_costs_one_call(stage: StageInAws) -> None:
    """A second deployment of the same jobs asks once and changes nothing."""
    first = stage.deploy(a_job())
    calls = calls_of(stage)

    second = stage.deploy(a_job())

    assert replace(first, is_changed=False) == second
    assert ["DescribeStacks"] == calls


def test_job_that_is_added_is_deployed(stage: StageInAws) -> None:
    """The new job answers, and the old one as well."""
    stage.deploy(a_job("Resize"))

    stage.deploy(a_job("Resize"), a_job("Report"))

    assert ["Resize", "Report"] == [stage.invoke(job)["LIVEJOB_JOB"] for job in ("Resize", "Report")]


def test_job_that_is_removed_leaves_nothing(stage: StageInAws) -> None:
    """Its invoker, parameter and role are gone; the other job still answers."""
    stage.deploy(a_job("Resize"), a_job("Report"))

    stage.deploy(a_job("Report"))

    names = stage.context.names
    assert "Report" == stage.invoke("Report")["LIVEJOB_JOB"]
    assert "ResourceNotFoundException" == refusal(lambda: stage.invoke("Resize"))
    assert "NoSuchEntity" == refusal(lambda: stage.as_root("iam").get_role(RoleName=names.job_role("Resize")))
    assert "ParameterNotFound" == refusal(
        lambda: stage.as_root("ssm").get_parameter(Name=names.invoker_parameter("Resize"))
    )


def test_new_stub_code_replaces_the_old(stage: StageInAws, tmp_path: Path) -> None:
    """The next invocation after a deployment runs the new code."""
    stage.deploy(a_job())
    stage.invoke("Resize")
    stage.stub = code_of(tmp_path / "second", "def handle(event, context):\n    return {'is': 'new'}\n")

    stage.deploy(a_job())

    assert {"is": "new"} == stage.invoke("Resize")


def test_progress_is_told_for_each_resource(stage: StageInAws) -> None:
    """The callback hears of every resource, and at last of the stack."""
    stage.deploy(a_job())

    done = [each.logical_id for each in stage.events if each.status == "CREATE_COMPLETE"]

    assert {"RunTable", "StageBucket", "StubRole", "JobResizeRole", "JobResizeInvoker"} <= set(done)
    assert (stage.context.names.stack, True) == (done[-1], stage.events[-1].is_stack)


def test_failing_resource_is_named_and_the_next_deployment_begins_anew(stage: StageInAws) -> None:
    """A creation that is rolled back tells the resource and its reason, and is in nobody's way later."""
    with stage.occupied("Resize"), pytest.raises(StackFailed) as caught:
        stage.deploy(a_job())

    deployed = stage.deploy(a_job())

    assert caught.value.message.startswith("JobResizeParameter (AWS::SSM::Parameter) CREATE_FAILED: ")
    assert "already exists" in caught.value.message
    assert caught.value.message.endswith("The stack is ROLLBACK_COMPLETE.")
    assert deployed.is_changed
    assert "Resize" == stage.invoke("Resize")["LIVEJOB_JOB"]


def test_failed_change_leaves_the_stage_as_it_was(stage: StageInAws) -> None:
    """After a rolled back update the earlier jobs still answer, and a later deployment succeeds."""
    stage.deploy(a_job("Resize"))
    with stage.occupied("Report"):
        with pytest.raises(StackFailed) as caught:
            stage.deploy(a_job("Resize"), a_job("Report"))
        answer = stage.invoke("Resize")["LIVEJOB_JOB"]

    stage.deploy(a_job("Resize"), a_job("Report"))

    assert caught.value.message.startswith("JobReportParameter (AWS::SSM::Parameter) ")
    assert "already exists" in caught.value.message
    assert caught.value.message.endswith("The stack is UPDATE_ROLLBACK_COMPLETE.")
    assert ("Resize", "Report") == (answer, stage.invoke("Report")["LIVEJOB_JOB"])


def test_change_set_that_was_never_executed_is_in_nobodys_way(stage: StageInAws) -> None:
    """A deployment that was killed between its two steps leaves an empty stack; the next one fills it."""
    stage.as_root("cloudformation").create_change_set(
        StackName=stage.context.names.stack,
        ChangeSetName="left-behind",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(NEVER_READY),
    )
    before = stage.status()

    stage.deploy(a_job())

    assert ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE") == (before, stage.status())


def test_deployment_that_began_meanwhile_is_told(stage: StageInAws) -> None:
    """The other deployment may begin after the stack was looked at; it is the same error."""
    stacks, stack = stage.clients.stacks, stage.context.names.stack
    before = stacks.view(stack)
    cloudformation = stage.as_root("cloudformation")
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(NEVER_READY))

    with pytest.raises(StackBusy) as caught:
        stacks.apply(before, Template(body=json.dumps(NEVER_READY)), {}, stage.events.append)

    cloudformation.delete_stack(StackName=stack)
    assert caught.value.message.startswith(f"Another deployment of the stack {stack} has begun: ")


def test_stack_of_another_stage_is_not_touched(local_aws: LocalAwsUnderTest, stage: StageInAws) -> None:
    """App `a` in stage `b-c` has the same names as app `a-b` in stage `c`: the second one is refused."""
    app = stage.context.names.app
    stage.context = replace(stage.context, names=StageNames(app, "b-c"))
    stage.deploy(a_job())
    other = StageInAws(
        local_aws, replace(stage.context, names=StageNames(f"{app}-b", "c")), stage.stub, stage.clients
    )

    with pytest.raises(NameConflict) as deploying:
        other.deploy(a_job())
    with pytest.raises(NameConflict) as removing:
        other.remove()

    assert f"belongs to stage b-c of app {app}, not to stage c of app {app}-b." in deploying.value.message
    assert deploying.value.message == removing.value.message


def test_template_too_large_for_a_call_travels_through_the_bucket(stage: StageInAws) -> None:
    """Thirty jobs deploy like one."""
    deployed = stage.deploy(*(a_job(f"Job{number}") for number in range(30)))

    assert 30 == len(deployed.invokers)
    assert "Job29" == stage.invoke("Job29")["LIVEJOB_JOB"]


def test_removed_stage_leaves_nothing(stage: StageInAws) -> None:
    """Removing deletes documents and records with the rest; a second time there is nothing to do."""
    deployed = stage.deploy(a_job())
    stage.as_developer("s3").put_object(Bucket=deployed.bucket, Key="payloads/1.json", Body=b"{}")

    is_removed = [stage.remove(), stage.remove()]

    assert [True, False] == is_removed
    assert "NoSuchBucket" == refusal(lambda: stage.as_root("s3").list_objects_v2(Bucket=deployed.bucket))
    assert "ResourceNotFoundException" == refusal(
        lambda: stage.as_root("dynamodb").describe_table(TableName=deployed.table)
    )


def test_missing_permission_is_named(stage: StageInAws) -> None:
    """Somebody without the developer's policy reads which action on which stack was refused."""
    deployed = stage.deploy(a_job())
    job = stage.as_role(deployed.job_roles["Resize"])

    with pytest.raises(AccessRefused) as caught:
        deploy_stage(
            DeployClients(job, stage.aws.endpoint_url),
            stage.context,
            {},
            StageSource(stage.stub),
            stage.events.append,
            AgreeToAll(),
        )

    assert f"cloudformation:DescribeStacks on stack/{stage.context.names.stack}" in caught.value.message


def calls_of(stage: StageInAws) -> list[str]:
    """The operations that the stage's clients call from here on."""
    calls: list[str] = []
    session = boto3.Session(*keys_of(stage.aws.developer), region_name=stage.aws.region)
    session.events.register("before-call", lambda model, **_: calls.append(model.name))
    stage.clients = DeployClients(session, stage.aws.endpoint_url)
    return calls


def keys_of(session: boto3.Session) -> tuple[str, str]:
    keys = session.get_credentials()
    assert keys is not None and keys.access_key and keys.secret_key
    return keys.access_key, keys.secret_key


def refusal(call: Callable[[], object]) -> str:
    """The code of the error with which AWS answers the call."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])
