"""A local AWS for the tests of one run: own port, own state directory, nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest

from livejob.deploy.developer_permissions import developer_policies
from livejob.local_aws.launcher import ACCOUNT
from livejob.local_aws.process import Keys, engine_variables, start_process
from livejob.local_aws.users import create_user, open_iam

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class LocalAwsUnderTest:
    """An emulator with authorization on.

    developer: session of the IAM user that livejob itself uses, with exactly its permissions.
    root:      session of the account's root, to arrange what a test needs. Root may assume any role, so
               what is said about permissions must be said with `developer` or a role.

    Clients need the endpoint: `aws.developer.client("sts", endpoint_url=aws.endpoint_url)`.
    """

    endpoint_url: str
    port: int
    region: str
    account: str
    developer: boto3.Session
    root: boto3.Session


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsUnderTest]:
    """The emulator that all tests of this run share: name what you make in it uniquely."""
    process = start_process(
        tmp_path_factory.mktemp("local-aws"), 0, ACCOUNT, REGION, engine_variables(os.environ)
    )
    try:
        iam = open_iam(process.endpoint_url, REGION, process.root)
        process.wait_ready()
        developer = create_user(iam, "developer", developer_policies(ACCOUNT, REGION))
        yield LocalAwsUnderTest(
            endpoint_url=process.endpoint_url,
            port=process.port,
            region=REGION,
            account=ACCOUNT,
            developer=_session(developer),
            root=_session(process.root),
        )
    finally:
        process.stop()


def _session(keys: Keys) -> boto3.Session:
    return boto3.Session(keys.access_key_id, keys.secret_access_key, region_name=REGION)
