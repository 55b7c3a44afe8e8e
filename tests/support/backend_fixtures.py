"""Each backend in turn, with what a contract test needs beside the port."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from livejob.deploy.permissions import invoker_statements
from livejob.errors import BuildNotStarted
from livejob.stub_lambda.backend import Backend, BuildEnd, Order
from livejob.stub_lambda.backend_memory import MemoryBackend
from livejob.stub_lambda.codebuild import CodeBuildBackend
from livejob.wire.ids import RANDOM_BYTES, new_run_id
from livejob.wire.outcome import Failure, FailureType
from tests.support.codebuild import LOGS, buildspec, create_role
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.roles import session_with
from tests.support.stage_fixtures import make_stage
from tests.support.stub_fixtures import JOB

WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class BackendUnderTest:
    """project: of the job `Resize`. refused_order: an order that the backend will not take."""

    backend: Backend
    project: str
    refused_order: Callable[[], Order]

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

    return BackendUnderTest(backend, "memory_Resize", refused_order)


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
    session = session_with(local_aws, invoker_statements(names, local_aws.account, local_aws.region))
    client = session.client("codebuild", endpoint_url=local_aws.endpoint_url)
    return BackendUnderTest(CodeBuildBackend(client, names), names.project(JOB), lambda: an_order("Removed"))
