"""Makes the pieces of invoker and reconciler out of clients and a function's environment.

The composition root of this room: `handler`, `production` and `reconcile` call it while Lambda initializes
them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Protocol

import boto3
from botocore.config import Config

from livejob.clock import SystemClock
from livejob.runs.documents import S3Documents
from livejob.runs.dynamodb import DynamoRunStore
from livejob.stub_lambda.codebuild import CodeBuildBackend
from livejob.stub_lambda.inputs import S3Inputs
from livejob.stub_lambda.surroundings import Pace, Record
from livejob.wire.names import ENV_APP, ENV_BUCKET, ENV_STAGE, ENV_TABLE, StageNames

CLIENT_CONFIG = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}
)

# boto3's own choice for links is a signature that S3 no longer takes everywhere.
S3_CONFIG = CLIENT_CONFIG.merge(Config(signature_version="s3v4"))

# S3 answers a large upload when it has stored it.
UPLOAD_CONFIG = S3_CONFIG.merge(Config(read_timeout=15))

# StartBuild takes its time.
CODEBUILD_CONFIG = CLIENT_CONFIG.merge(Config(read_timeout=8))


class LambdaContext(Protocol):
    """What Lambda tells a function of its invocation."""

    aws_request_id: str


def open_record(session: boto3.Session, environment: Mapping[str, str]) -> Record:
    """The stage's runs and documents."""
    return Record(
        DynamoRunStore(session.client("dynamodb", config=CLIENT_CONFIG), environment[ENV_TABLE]),
        S3Documents(session.client("s3", config=S3_CONFIG), environment[ENV_BUCKET]),
    )


def open_backend(session: boto3.Session, environment: Mapping[str, str]) -> CodeBuildBackend:
    """The stage's projects."""
    names = StageNames(environment[ENV_APP], environment[ENV_STAGE])
    inputs = S3Inputs(lambda: session.client("s3", config=UPLOAD_CONFIG), environment[ENV_BUCKET])
    return CodeBuildBackend(session.client("codebuild", config=CODEBUILD_CONFIG), names, inputs)


def system_pace() -> Pace:
    return Pace(SystemClock(), time.sleep)


def log_line(line: str) -> None:
    """One line of the function's log."""
    sys.stdout.write(f"{line}\n")
