"""The Lambda function's entry: wires the stub once for each sandbox, while Lambda initializes it.

Imported by the Lambda runtime and by nothing else. The environment is the function's own, as deployed:
LIVEJOB_APP, LIVEJOB_STAGE, LIVEJOB_JOB, LIVEJOB_TABLE, LIVEJOB_BUCKET, LIVEJOB_WHEN_DISCONNECTED.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

import boto3
from botocore.config import Config

from livejob.bridge.doorbell import IotDoorbell
from livejob.clock import SystemClock
from livejob.runs.documents import S3Documents
from livejob.runs.dynamodb import DynamoRunStore
from livejob.runs.dynamodb_sessions import DynamoSessionStore
from livejob.stub_lambda.answers import Answer
from livejob.stub_lambda.starting import Starter
from livejob.stub_lambda.stub import Stub
from livejob.stub_lambda.surroundings import JobIdentity, Pace, Stores
from livejob.wire.names import (
    ENV_APP,
    ENV_BUCKET,
    ENV_JOB,
    ENV_STAGE,
    ENV_TABLE,
    ENV_WHEN_DISCONNECTED,
    StageNames,
)

if TYPE_CHECKING:
    from livejob.project.specs import WhenDisconnected

_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})

# boto3's own choice for links is a signature that S3 no longer takes everywhere.
_S3_CONFIG = _CONFIG.merge(Config(signature_version="s3v4"))


class LambdaContext(Protocol):
    """What Lambda tells a function of its invocation."""

    aws_request_id: str


def open_stub(environment: Mapping[str, str]) -> Stub:
    """The stub of the job that the environment names, with AWS's services behind it."""
    session = boto3.Session()
    dynamodb = session.client("dynamodb", config=_CONFIG)
    identity = JobIdentity(
        StageNames(environment[ENV_APP], environment[ENV_STAGE]),
        environment[ENV_JOB],
        cast("WhenDisconnected", environment[ENV_WHEN_DISCONNECTED]),
    )
    stores = Stores(
        DynamoRunStore(dynamodb, environment[ENV_TABLE]),
        DynamoSessionStore(dynamodb, environment[ENV_TABLE]),
        S3Documents(session.client("s3", config=_S3_CONFIG), environment[ENV_BUCKET]),
    )
    doorbell = IotDoorbell(session.client("iot-data", config=_CONFIG), identity.stage)
    pace = Pace(SystemClock(), time.sleep)
    starter = Starter(identity, stores, doorbell, pace)
    return Stub(identity, stores, doorbell, pace, starter, _log)


def _log(line: str) -> None:
    sys.stdout.write(f"{line}\n")


_STUB = open_stub(os.environ)


def handler(event: object, context: LambdaContext) -> Answer:
    """Answer one invocation: see `requests` for what may be asked, `answers` for what comes back."""
    return _STUB.handle(event, context.aws_request_id)
