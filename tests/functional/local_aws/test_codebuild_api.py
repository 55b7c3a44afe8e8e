"""CodeBuild's API where no container is needed: what is refused, who may do what, what others are told."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from livejob.local_aws.launcher import ACCOUNT
from livejob.local_aws.process import start_process
from tests.support.codebuild import (
    LOGS,
    ProjectUnderTest,
    buildspec,
    context_of,
    create_project,
    create_role,
    statuses,
)
from tests.support.local_aws_fixtures import REGION, LocalAwsUnderTest

IMAGE = "some/image:1"
NO_ENGINE = "unix:///no/such/docker.sock"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsUnderTest]:
    """A local AWS on a machine without a container engine."""
    engine = {"DOCKER_HOST": NO_ENGINE}
    process = start_process(tmp_path_factory.mktemp("local-aws"), 0, ACCOUNT, REGION, engine)
    try:
        process.wait_ready()
        root = boto3.Session(process.root.access_key_id, process.root.secret_access_key, region_name=REGION)
        yield LocalAwsUnderTest(process.endpoint_url, process.port, REGION, ACCOUNT, root, root)
    finally:
        process.stop()


@pytest.fixture(scope="module")
def project(aws: LocalAwsUnderTest) -> ProjectUnderTest:
    return create_project(aws, IMAGE, buildspec("true"))


def test_missing_engine_is_told_by_the_phase(project: ProjectUnderTest) -> None:
    """Without an engine a build fails in PROVISIONING, and says where none answers and what to do."""
    build = project.run()

    code, message = context_of(build, "PROVISIONING")
    assert "FAILED" == build["buildStatus"]
    assert "BUILD_CONTAINER_ENGINE_UNAVAILABLE" == code
    assert NO_ENGINE in message and "Start Docker" in message
    assert ["PROVISIONING", "COMPLETED"] == [phase["phaseType"] for phase in build["phases"]][-2:]


def test_first_answer_is_of_a_build_in_progress(project: ProjectUnderTest) -> None:
    """StartBuild answers at once, with a build that is queued and has no log yet."""
    build = project.client().start_build(projectName=project.name)["build"]

    assert ("IN_PROGRESS", "QUEUED", False) == (
        build["buildStatus"],
        build["currentPhase"],
        build["buildComplete"],
    )
    assert {"SUBMITTED": "SUCCEEDED"} == statuses(build)
    assert build["logs"]["deepLink"].endswith("#logEvent:group=null;stream=null")
    assert f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{build['id']}" == build["arn"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"timeoutInMinutesOverride": 2161}, "'timeoutInMinutesOverride' failed to satisfy constraint"),
        ({"queuedTimeoutInMinutesOverride": 481}, "must have value less than or equal to 480"),
        (
            {"environmentVariablesOverride": [{"name": "A", "value": "x" * 4097}]},
            "EnvironmentVariable should be at most 4096 characters",
        ),
        (
            {"environmentVariablesOverride": [{"name": "CODEBUILD_A", "value": ""}]},
            "No user environment variables can start with CODEBUILD_",
        ),
        (
            {"environmentVariablesOverride": [{"name": "a-b", "value": ""}]},
            "Invalid environment variable name",
        ),
        ({"computeTypeOverride": "BUILD_GENERAL1_TINY"}, "'environment.computeType' failed to satisfy"),
        ({"environmentTypeOverride": "WINDOWS_CONTAINER"}, "'environment.type' failed to satisfy"),
        ({"sourceTypeOverride": "GITHUB"}, "Source type GITHUB is not supported by the local AWS"),
        ({"sourceTypeOverride": "S3", "sourceLocationOverride": "bucket"}, "Invalid S3 source location"),
        ({"buildspecOverride": "buildspec.yml"}, "a source of type NO_SOURCE needs an inline one"),
        ({"privilegedModeOverride": True}, "privilegedMode is not supported by the local AWS"),
        ({"artifactsOverride": {"type": "S3", "location": "b"}}, "artifacts is not supported"),
        (
            {"serviceRoleOverride": f"arn:aws:iam::{ACCOUNT}:role/no-such-role"},
            "CodeBuild is not authorized to perform: sts:AssumeRole on",
        ),
    ],
)
def test_what_is_not_allowed_is_refused(
    project: ProjectUnderTest, overrides: dict[str, Any], words: str
) -> None:
    """StartBuild refuses as AWS does, before anything runs."""
    before = project.client().list_builds_for_project(projectName=project.name)["ids"]

    with pytest.raises(project.client().exceptions.InvalidInputException) as caught:
        project.start(**overrides)

    assert words in caught.value.response["Error"]["Message"]
    assert before == project.client().list_builds_for_project(projectName=project.name)["ids"]


def test_value_at_the_limit_is_accepted(project: ProjectUnderTest) -> None:
    """4096 characters are not too many."""
    build_id = project.start(environmentVariablesOverride=[{"name": "A", "value": "ö" * 4096}])

    assert "ö" * 4096 == project.build(build_id)["environment"]["environmentVariables"][0]["value"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"timeoutInMinutes": 2161}, "'timeoutInMinutes' failed to satisfy constraint"),
        ({"queuedTimeoutInMinutes": 481}, "'queuedTimeoutInMinutes' failed to satisfy constraint"),
        ({"concurrentBuildLimit": 21}, "cannot exceed the account-level concurrent build limit of 20"),
        (
            {"environment": {"environmentVariables": [{"name": "CODEBUILD_X", "value": "1"}]}},
            "No user environment variables can start with CODEBUILD_",
        ),
        ({"serviceRole": f"arn:aws:iam::{ACCOUNT}:role/no-such-role"}, "sts:AssumeRole on"),
    ],
)
def test_project_that_is_not_allowed_is_refused(
    aws: LocalAwsUnderTest, fields: dict[str, Any], words: str
) -> None:
    """CreateProject checks the same limits."""
    with pytest.raises(ClientError) as caught:
        create_project(aws, IMAGE, buildspec("true"), **fields)

    assert "InvalidInputException" == caught.value.response["Error"]["Code"]
    assert words in caught.value.response["Error"]["Message"]


def test_role_that_trusts_another_service_is_refused(aws: LocalAwsUnderTest) -> None:
    """A role for Lambda is not one for CodeBuild."""
    principal = {"Service": "lambda.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    role = create_role(aws, LOGS, trust={"Version": "2012-10-17", "Statement": [statement]})

    with pytest.raises(ClientError) as caught:
        create_project(aws, IMAGE, buildspec("true"), serviceRole=role)

    assert f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}" in str(caught.value)


@pytest.mark.parametrize(("account", "is_accepted"), [(ACCOUNT, True), ("999999999999", False)])
def test_condition_on_the_source_account_is_kept(
    aws: LocalAwsUnderTest, account: str, is_accepted: bool
) -> None:
    """A trust policy may be limited to projects of an account, as AWS recommends."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    role = create_role(aws, LOGS, trust={"Version": "2012-10-17", "Statement": [statement]})

    try:
        create_project(aws, IMAGE, buildspec("true"), serviceRole=role)
    except ClientError:
        assert not is_accepted
    else:
        assert is_accepted


def test_unknown_names_are_told(project: ProjectUnderTest) -> None:
    """Unknown projects and builds are refused or listed as AWS does."""
    client = project.client()
    missing = client.exceptions.ResourceNotFoundException

    with pytest.raises(missing, match="Project cannot be found: arn:aws:codebuild"):
        client.start_build(projectName="no-such-project")
    with pytest.raises(missing):
        client.stop_build(id="no-such-project:1")
    assert ["no:1"] == client.batch_get_builds(ids=["no:1"])["buildsNotFound"]


def test_builds_are_found_by_id_and_arn_in_the_order_asked(project: ProjectUnderTest) -> None:
    """BatchGetBuilds takes both."""
    first, second = project.start(), project.start()
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{first}"

    found = project.client().batch_get_builds(ids=[second, arn])["builds"]

    assert [second, first] == [build["id"] for build in found]


def test_same_idempotency_token_gives_the_same_build(project: ProjectUnderTest) -> None:
    """A repeated call starts nothing; one that asks for something else with the token is refused."""
    token = uuid.uuid4().hex
    first = project.start(idempotencyToken=token)

    assert first == project.start(idempotencyToken=token)
    with pytest.raises(ClientError) as caught:
        project.start(idempotencyToken=token, timeoutInMinutesOverride=7)
    assert (
        f"Request parameter mismatch for idempotency token {token}"
        == caught.value.response["Error"]["Message"]
    )


def test_permissions_are_those_of_the_project(aws: LocalAwsUnderTest, project: ProjectUnderTest) -> None:
    """One who may use one project can stop and read its builds, and no others."""
    other = create_project(aws, IMAGE, buildspec("true"))
    allowed = {
        "Effect": "Allow",
        "Action": ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"],
        "Resource": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project.name}",
    }
    client = _user(aws, allowed).client("codebuild", endpoint_url=aws.endpoint_url)

    build = client.start_build(projectName=project.name)["build"]
    client.stop_build(id=build["id"])
    found = client.batch_get_builds(ids=[build["arn"]])["builds"]

    assert [build["id"]] == [each["id"] for each in found]
    with pytest.raises(ClientError, match="not authorized to perform: codebuild:StopBuild"):
        client.stop_build(id=other.start())


def test_initiator_is_who_made_the_call(aws: LocalAwsUnderTest, project: ProjectUnderTest) -> None:
    """A user is named by the name, a role by role and session."""
    start = {"Effect": "Allow", "Action": "codebuild:StartBuild", "Resource": "*"}
    user = _user(aws, start)
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    role = create_role(aws, start, trust={"Version": "2012-10-17", "Statement": [account]})
    sts = aws.root.client("sts", endpoint_url=aws.endpoint_url)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION
    )

    by_user, by_role = (
        each.client("codebuild", endpoint_url=aws.endpoint_url).start_build(projectName=project.name)
        for each in (user, session)
    )

    assert "caller" == by_user["build"]["initiator"].partition("-")[0]
    assert f"{role.rpartition('/')[2]}/me" == by_role["build"]["initiator"]


def test_eventbridge_hears_of_every_change(aws: LocalAwsUnderTest, project: ProjectUnderTest) -> None:
    """A rule on the default bus gets the state changes and the phases, in order and in AWS's shape."""
    queue_url = _queue_of_rule(aws, {"source": ["aws.codebuild"]})

    build = project.run()

    events = _received(aws, queue_url, build["arn"], last_status="FAILED")
    states = [e for e in events if e["detail-type"] == "CodeBuild Build State Change"]
    phases = [e for e in events if e["detail-type"] == "CodeBuild Build Phase Change"]
    assert ["IN_PROGRESS", "FAILED"] == [e["detail"]["build-status"] for e in states]
    assert ["SUBMITTED", "QUEUED", "PROVISIONING"] == [e["detail"]["completed-phase"] for e in phases]
    assert ["SUCCEEDED", "SUCCEEDED", "FAULT"] == [e["detail"]["completed-phase-status"] for e in phases]
    final = states[-1]
    assert ("aws.codebuild", ACCOUNT, REGION, [build["arn"]]) == (
        final["source"],
        final["account"],
        final["region"],
        final["resources"],
    )
    assert (project.name, build["arn"], "COMPLETED", True) == (
        final["detail"]["project-name"],
        final["detail"]["build-id"],
        final["detail"]["current-phase"],
        final["detail"]["additional-information"]["build-complete"],
    )


def test_cloudformation_keeps_all_that_the_project_says(aws: LocalAwsUnderTest) -> None:
    """A project of a stack has its limits, its timeouts and its log, and an update changes them."""
    name = f"stack-{uuid.uuid4().hex[:12]}"
    cloudformation = aws.root.client("cloudformation", endpoint_url=aws.endpoint_url)

    for limit in (1, 2):
        template = _template(name, create_role(aws, LOGS), limit)
        deploy = cloudformation.create_stack if limit == 1 else cloudformation.update_stack
        deploy(StackName=name, TemplateBody=template)
        waiter = "stack_create_complete" if limit == 1 else "stack_update_complete"
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 1})
        client = aws.root.client("codebuild", endpoint_url=aws.endpoint_url)
        [found] = client.batch_get_projects(names=[name])["projects"]

        assert (limit, 6, 7) == (
            found["concurrentBuildLimit"],
            found["timeoutInMinutes"],
            found["queuedTimeoutInMinutes"],
        )
        assert "builds" == found["logsConfig"]["cloudWatchLogs"]["groupName"]
        assert buildspec("true") == found["source"]["buildspec"]


def test_cloudformation_refuses_what_codebuild_refuses(aws: LocalAwsUnderTest) -> None:
    """A stack with a project over a limit fails with CodeBuild's reason."""
    name = f"stack-{uuid.uuid4().hex[:12]}"
    cloudformation = aws.root.client("cloudformation", endpoint_url=aws.endpoint_url)

    cloudformation.create_stack(
        StackName=name, TemplateBody=_template(name, create_role(aws, LOGS), limit=21), OnFailure="DO_NOTHING"
    )

    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("cannot exceed the account-level concurrent build limit" in reason for reason in reasons)


@pytest.mark.parametrize("token", [None, "guessed"])
def test_credentials_need_the_builds_own_token(project: ProjectUnderTest, token: str | None) -> None:
    """The address at which a container finds its role's credentials answers nobody else."""
    build_uuid = project.start().rpartition(":")[2]
    url = f"{project.aws.endpoint_url}/_codebuild/credentials/{build_uuid}"
    request = urllib.request.Request(url, headers={} if token is None else {"Authorization": token})

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)

    assert 403 == caught.value.code
    caught.value.close()


def _user(aws: LocalAwsUnderTest, *statements: object) -> boto3.Session:
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    name = f"caller-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)


def _queue_of_rule(aws: LocalAwsUnderTest, pattern: dict[str, Any]) -> str:
    """URL of a queue that gets what matches the pattern."""
    name = f"events-{uuid.uuid4().hex[:12]}"
    sqs = aws.root.client("sqs", endpoint_url=aws.endpoint_url)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events = aws.root.client("events", endpoint_url=aws.endpoint_url)
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _received(aws: LocalAwsUnderTest, url: str, build_arn: str, last_status: str) -> list[dict[str, Any]]:
    """The events of one build, up to that of its end."""
    sqs = aws.root.client("sqs", endpoint_url=aws.endpoint_url)
    received: list[dict[str, Any]] = []
    while not any(event["detail"].get("build-status") == last_status for event in received):
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        assert answer.get("Messages"), received
        events = [json.loads(message["Body"]) for message in answer["Messages"]]
        received += [event for event in events if event["resources"] == [build_arn]]
    return received


def _template(name: str, role: str, limit: int) -> str:
    properties = {
        "Name": name,
        "ServiceRole": role,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": buildspec("true")},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": IMAGE,
            "ComputeType": "BUILD_GENERAL1_SMALL",
        },
        "TimeoutInMinutes": 6,
        "QueuedTimeoutInMinutes": "7",
        "ConcurrentBuildLimit": limit,
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "builds"}},
    }
    return json.dumps(
        {"Resources": {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}}
    )
