"""The stub as a Lambda function in the local AWS: its real zip, under a role made from its permissions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

import livejob
from livejob.aws import current_keys
from livejob.bridge.endpoint import find_iot_endpoint
from livejob.bridge.iot import IotTransport
from livejob.bridge.transport import Connected, Received
from livejob.deploy.code_zip import code_zip
from livejob.deploy.permissions import stub_statements
from livejob.runs.model import Session
from livejob.wire.messages import Message, Start
from livejob.wire.names import (
    ENV_APP,
    ENV_BUCKET,
    ENV_JOB,
    ENV_STAGE,
    ENV_TABLE,
    ENV_WHEN_DISCONNECTED,
)
from livejob.wire.states import Input
from tests.support.bridge_fixtures import Listener, listening
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.runs import a_change, a_session
from tests.support.stage_fixtures import StageUnderTest, make_stage

STUB = "livejob.stub_lambda.handler"
JOB = "Resize"

PLANTED_SECRET = "wJalrXUtnFEMI-planted-secret-EXAMPLEKEY"
"""In the function's environment, where its role's keys are too."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What Lambda answered: the document, and whether the function failed."""

    document: Any
    is_error: bool


@dataclass(frozen=True, slots=True)
class DeployedStub:
    """A job's invoker in a stage of its own."""

    stage: StageUnderTest
    function: str

    def invoke(self, event: object, session: boto3.Session | None = None) -> Invocation:
        """Invoke it through the Lambda API, as the developer unless told otherwise."""
        aws = self.stage.aws
        client = (session or aws.developer).client("lambda", endpoint_url=aws.endpoint_url)
        answer = client.invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        return Invocation(json.loads(answer["Payload"].read()), "FunctionError" in answer)

    def log(self) -> list[str]:
        """What the function has written so far."""
        aws = self.stage.aws
        logs = aws.root.client("logs", endpoint_url=aws.endpoint_url)
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.function}")["events"]
        return [event["message"] for event in events]

    def caller(self) -> boto3.Session:
        """Somebody who may invoke this function and nothing else."""
        aws = self.stage.aws
        arn = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{self.function}"
        statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}
        iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
        name = f"caller-of-{self.function}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="invoke", PolicyDocument=_policy([statement]))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=aws.region)


def deploy_stub(aws: LocalAwsUnderTest, when_disconnected: str) -> DeployedStub:
    """A new stage with the stub of one job."""
    stage = make_stage(aws)
    statements = stub_statements(stage.names, aws.account, aws.region)
    return deploy_invoker(stage, STUB, statements, {ENV_WHEN_DISCONNECTED: when_disconnected})


def deploy_invoker(
    stage: StageUnderTest, module: str, statements: list[dict[str, Any]], variables: dict[str, str]
) -> DeployedStub:
    """The invoker of one job: its real zip, and a role with those permissions alone."""
    aws, names = stage.aws, stage.names
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=names.stub_role, AssumeRolePolicyDocument=_policy([trust]))["Role"]
    iam.put_role_policy(RoleName=names.stub_role, PolicyName="stub", PolicyDocument=_policy(statements))
    package = code_zip(module, Path(livejob.__file__).parent.parent)
    environment = {
        **variables,
        ENV_APP: names.app,
        ENV_STAGE: names.stage,
        ENV_JOB: JOB,
        ENV_TABLE: names.table,
        ENV_BUCKET: stage.bucket,
        "PLANTED": PLANTED_SECRET,
    }
    aws.root.client("lambda", endpoint_url=aws.endpoint_url).create_function(
        FunctionName=names.invoker(JOB),
        Runtime="python3.12",
        Handler=f"{module}.handler",
        Role=role["Arn"],
        Code={"ZipFile": package.data},
        Timeout=15,
        MemorySize=256,
        Environment={"Variables": environment},
    )
    return DeployedStub(stage, names.invoker(JOB))


@asynccontextmanager
async def attached_daemon(stub: DeployedStub) -> AsyncIterator[list[Message]]:
    """A session on the real bridge that claims whatever it is rung for; gives what it heard."""
    stage = stub.stage
    aws = stage.aws
    session = a_session(lease_until_ms=2**42)
    iot = aws.developer.client("iot", endpoint_url=aws.endpoint_url)
    transport = IotTransport(
        find_iot_endpoint(iot, aws.endpoint_url),
        lambda: current_keys(aws.developer),
        stage.names.session_topic(session.id),
        session.id,
    )
    heard: list[Message] = []
    async with listening(transport) as listener:
        await listener.hear(Connected)
        stage.open_sessions().attach(session)
        listening_on = asyncio.create_task(_claim_all(listener, stage, session, heard))
        try:
            yield heard
        finally:
            listening_on.cancel()
            await asyncio.gather(listening_on, return_exceptions=True)
            stage.open_sessions().detach(session.id)


async def _claim_all(
    listener: Listener, stage: StageUnderTest, session: Session, heard: list[Message]
) -> None:
    runs = stage.open_runs()
    while True:
        message = (await listener.hear(Received)).message
        heard.append(message)
        if isinstance(message, Start):
            claim = a_change(Input.CLAIM, owner=session.id)
            await asyncio.to_thread(runs.apply, message.run_id, claim)


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def queueing_stub(local_aws: LocalAwsUnderTest) -> DeployedStub:
    """The invoker of a job whose runs wait when nobody is attached."""
    return deploy_stub(local_aws, "queue")


@pytest.fixture(scope="module")
def failing_stub(local_aws: LocalAwsUnderTest) -> DeployedStub:
    """The invoker of a job whose runs fail when nobody is attached."""
    return deploy_stub(local_aws, "fail")
