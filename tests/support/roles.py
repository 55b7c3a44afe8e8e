"""Sessions of roles that may do what a test says, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from tests.support.local_aws_fixtures import LocalAwsUnderTest


def session_with(
    aws: LocalAwsUnderTest, statements: Sequence[object], role: str | None = None
) -> boto3.Session:
    """A session of a new role with those permissions alone. role: its name; default: one of its own."""
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    name = role or f"role-{uuid.uuid4().hex[:12]}"
    principal = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_policy(statements))
    sts = aws.root.client("sts", endpoint_url=aws.endpoint_url)
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=aws.region
    )


def _policy(statements: Sequence[object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
