"""Each backend in turn, with what a contract test needs beside the port."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from livejob.deploy.permissions import invoker_statements, put_inputs
from livejob.errors import BuildNotStarted
from livejob.runs.model import Document
from livejob.stub_lambda.backend import Backend, BuildEnd, Order
from livejob.stub_lambda.backend_memory import MemoryBackend
from livejob.stub_lambda.codebuild import CodeBuildBackend
from livejob.stub_lambda.inputs import S3Inputs
from livejob.wire.ids import RANDOM_BYTES, new_run_id
from livejob.wire.names import PAYLOAD_FILE, input_key
from livejob.wire.outcome import Failure, FailureType
from tests.support.codebuild import LOGS, buildspec, create_role
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.roles import session_with
from tests.support.stage_fixtures import make_stage
from tests.support.stub_fixtures import JOB

WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class BackendUnderTest:
    """project: of the job `Resize`. refused_order: an order that the backend will not take.

    payload_of: what the execution of an order begins beside.
    """

    backend: Backend
    project: str
    refused_order: Callable[[], Order]
    payload_of: Callable[[Order], Document]

    def wait_end(self, execution_id: str) -> BuildEnd:
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            end = self.backend.end(execution_id)
            if end is not None:
                return end
            time.sleep(0.01)
        raise TimeoutError(f"{execution_id} does not end")


def an_order(job: str = JOB) -> Order:
    """The first attempt of a new run."""
    return Order(new_run_id(0, os.urandom(RANDOM_BYTES)), 1, job)


@pytest.fixture(params=["memory", "codebuild"])
def backend(request: pytest.FixtureRequest) -> BackendUnderTest:
    """Each backend in turn."""
    if request.param == "memory":
        return _memory()
    found: BackendUnderTest = request.getfixturevalue("codebuild_backend")
    return found


def _memory() -> BackendUnderTest:
    backend = MemoryBackend()

    def refused_order() -> Order:
        failure = Failure(FailureType.BUILD_NOT_STARTED, "it has no project", remedy="deploy again")
        backend.refusal = BuildNotStarted(failure.message, remedy=failure.remedy, failure=failure)
        return an_order()

    def payload_of(order: Order) -> Document:
        [payload] = [each.payload for each in backend.orders.values() if each.run_id == order.run_id]
        assert payload is not None
        return payload

    return BackendUnderTest(backend, "memory_Resize", refused_order, payload_of)


@pytest.fixture(scope="module")
def codebuild_backend(local_aws: LocalAwsUnderTest) -> BackendUnderTest:
    """CodeBuild with one project, as an invoker may use it."""
    stage = make_stage(local_aws)
    names = stage.names
    local_aws.root.client("codebuild", endpoint_url=local_aws.endpoint_url).create_project(
        name=names.project(JOB),
        source={"type": "NO_SOURCE", "buildspec": buildspec("sleep 60")},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "python:3",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=create_role(local_aws, LOGS),
    )
    place = (names, local_aws.account, local_aws.region)
    session = session_with(local_aws, [*invoker_statements(*place), put_inputs(*place)])
    client = session.client("codebuild", endpoint_url=local_aws.endpoint_url)
    inputs = S3Inputs(lambda: session.client("s3", endpoint_url=local_aws.endpoint_url), stage.bucket)
    backend = CodeBuildBackend(client, names, inputs)
    s3 = local_aws.root.client("s3", endpoint_url=local_aws.endpoint_url)

    def payload_of(order: Order) -> Document:
        packed = s3.get_object(Bucket=stage.bucket, Key=input_key(order.run_id))["Body"].read()
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            data = archive.read(PAYLOAD_FILE)
        return Document(len(data), inline=data)

    return BackendUnderTest(backend, names.project(JOB), lambda: an_order("Removed"), payload_of)
