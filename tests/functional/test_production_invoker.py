"""The production invoker as it is deployed: its zip, executed by the emulator under its own role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livejob.deploy.permissions import invoker_statements
from livejob.errors import BuildNotStarted
from livejob.sdk import Client
from livejob.sdk.refusals import refusal_error
from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.outcome import FailureType
from livejob.wire.states import State
from tests.support.codebuild import LOGS, buildspec, create_role
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.stage_fixtures import make_stage
from tests.support.stub_fixtures import JOB, DeployedStub, deploy_invoker

PRODUCTION = "livejob.stub_lambda.production"
POLICY = {"LIVEJOB_RETRIES": "2", "LIVEJOB_BACKOFF": "5", "LIVEJOB_QUEUE_TIMEOUT": "600"}
SECRET = "4111-1111-1111-1111"


@pytest.fixture(scope="module")
def codebuild(local_aws: LocalAwsUnderTest) -> Any:
    return local_aws.root.client("codebuild", endpoint_url=local_aws.endpoint_url)


@pytest.fixture(scope="module")
def invoker(local_aws: LocalAwsUnderTest, codebuild: Any) -> DeployedStub:
    """The invoker of a job with a project."""
    stage = make_stage(local_aws)
    statements = invoker_statements(stage.names, local_aws.account, local_aws.region)
    codebuild.create_project(
        name=stage.names.project(JOB),
        source={"type": "NO_SOURCE", "buildspec": buildspec("true")},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "python:3",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=create_role(local_aws, LOGS),
    )
    return deploy_invoker(stage, PRODUCTION, statements, POLICY)


def test_a_run_becomes_a_build(invoker: DeployedStub, codebuild: Any):
    """The run is recorded with its policy, and CodeBuild is asked for a build that knows its id."""
    answer = invoker.invoke({"action": "run", "payload": {"card": SECRET}}).document

    run = invoker.stage.open_runs().get(RunId(answer["runId"]))
    [build] = codebuild.batch_get_builds(ids=[run.submitted_id])["builds"]
    assert {"jobId": run.id, "runId": run.id, "status": "QUEUED", "backend": "codebuild"} == answer
    assert (2, 5, 600) == (run.retries, run.backoff_s, run.queue_s)
    assert run.created_ms <= (run.submitted_ms or 0)
    assert invoker.stage.names.project(JOB) == build["projectName"]
    variables = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
    assert {"LIVEJOB_RUN_ID": run.id, "LIVEJOB_ATTEMPT": "1"} == variables


def test_nothing_of_a_payload_is_in_the_builds_parameters(invoker: DeployedStub, codebuild: Any):
    """Who may look at builds does not see what a run was given."""
    answer = invoker.invoke({"action": "run", "payload": {"card": SECRET}}).document

    run = invoker.stage.open_runs().get(RunId(answer["runId"]))
    assert SECRET in str(run.payload)
    assert SECRET not in str(codebuild.batch_get_builds(ids=[run.submitted_id]))
    assert SECRET not in str(invoker.log())


def test_a_large_payload_lies_in_the_bucket(invoker: DeployedStub):
    """The invoker may write what the build will read."""
    answer = invoker.invoke({"action": "run", "payload": "x" * INLINE_DOCUMENT_BYTES}).document

    run = invoker.stage.open_runs().get(RunId(answer["runId"]))
    assert f"payloads/{run.id}.json" == run.payload.key


def test_a_key_in_use_starts_no_second_build(invoker: DeployedStub, codebuild: Any):
    """Two calls with one key are one run and one build."""
    project = invoker.stage.names.project(JOB)
    first = invoker.invoke({"action": "run", "key": "order-7"}).document
    before = codebuild.list_builds_for_project(projectName=project)["ids"]
    second = invoker.invoke({"action": "run", "key": "order-7"}).document

    assert first["runId"] == second["runId"]
    assert before == codebuild.list_builds_for_project(projectName=project)["ids"]


def test_a_cancel_stops_the_build_that_waits(invoker: DeployedStub, codebuild: Any):
    """A run that its build has not taken yet is cancelled at once, and the build is told to stop."""
    answer = invoker.invoke({"action": "run"}).document
    run = invoker.stage.open_runs().get(RunId(answer["runId"]))

    cancelled = invoker.invoke({"action": "cancel", "runId": run.id})

    assert {"runId": run.id, "status": "CANCELLED"} == cancelled.document
    [build] = codebuild.batch_get_builds(ids=[run.submitted_id])["builds"]
    assert "IN_PROGRESS" != build["buildStatus"]


def test_a_run_that_cannot_become_a_build_fails_by_name(local_aws: LocalAwsUnderTest):
    """Without its project the call fails with what to do, and so does the record."""
    stage = make_stage(local_aws)
    statements = invoker_statements(stage.names, local_aws.account, local_aws.region)
    invoker = deploy_invoker(stage, PRODUCTION, statements, {})

    invocation = invoker.invoke({"action": "run"})

    [run] = stage.open_runs().recent_runs(JOB, 10)
    error = refusal_error(JOB, invocation.document)
    assert isinstance(error, BuildNotStarted)
    assert "deploy the stage again" in error.remedy
    assert (State.FAILED, FailureType.BUILD_NOT_STARTED) == (run.state, run.failure and run.failure.type)


def test_a_payload_of_any_size_by_one_permission(invoker: DeployedStub):
    """Who may invoke the function can hand over what fits into no invocation, byte for byte."""
    caller = invoker.caller()
    aws, names = invoker.stage.aws, invoker.stage.names
    client = Client(names.app, names.stage, session=caller, endpoint_url=aws.endpoint_url)
    payload = "größe 😀 " * 1_000_000

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"LIVEJOB_INVOKER_{JOB}", invoker.function)
        started = client.run(JOB, payload)

    run = invoker.stage.open_runs().get(started.id)
    data = invoker.stage.open_documents().load(run.payload)
    assert (f"payloads/{run.id}.json", len(data)) == (run.payload.key, run.payload.size_bytes)
    assert payload == json.loads(data)


def test_an_upload_takes_what_was_announced(invoker: DeployedStub):
    """A run of an upload that was never made is refused."""
    place = invoker.invoke({"action": "upload", "sizeBytes": 7_000_000}).document

    invocation = invoker.invoke({"action": "run", "uploadId": place["uploadId"]})

    assert invocation.is_error
    assert "LJ-201: nothing was uploaded" in invocation.document["errorMessage"]
