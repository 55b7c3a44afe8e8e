"""What the emulator must be for the other tests to mean anything."""

from __future__ import annotations

import http.client
import io
import json
import os
import uuid
import zipfile
from collections.abc import Mapping
from types import MappingProxyType

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.local_aws_fixtures import LocalAwsUnderTest

ECHO_ENVIRONMENT = """
import os
def handler(event, context):
    return dict(os.environ)
"""
TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def test_developer_is_an_iam_user(local_aws: LocalAwsUnderTest) -> None:
    """livejob's own calls come from an IAM user, because root may do anything."""
    sts = local_aws.developer.client("sts", endpoint_url=local_aws.endpoint_url)

    identity = sts.get_caller_identity()

    assert f"arn:aws:iam::{local_aws.account}:user/developer" == identity["Arn"]


@pytest.mark.parametrize("action", ["iam", "table", "bucket"])
def test_developer_is_refused_what_is_not_livejobs(local_aws: LocalAwsUnderTest, action: str) -> None:
    """The developer may neither read users nor touch a table or a bucket that is not livejob's."""
    aws, url = local_aws.developer, local_aws.endpoint_url
    local_aws.root.client("s3", endpoint_url=url).create_bucket(Bucket="payroll")
    calls = {
        "iam": lambda: aws.client("iam", endpoint_url=url).list_users(),
        "table": lambda: aws.client("dynamodb", endpoint_url=url).get_item(
            TableName="payroll", Key={"pk": {"S": "1"}}
        ),
        "bucket": lambda: aws.client("s3", endpoint_url=url).put_object(Bucket="payroll", Key="k", Body=b""),
    }

    with pytest.raises(ClientError) as caught:
        calls[action]()

    assert caught.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


@pytest.mark.parametrize(
    ("key", "signature", "code"),
    [
        ("test", "v4", "UnrecognizedClientException"),
        ("123456789012", "v4", "UnrecognizedClientException"),
        ("anything", UNSIGNED, "MissingAuthenticationTokenException"),
    ],
)
def test_calls_without_a_key_of_the_account_are_refused(
    local_aws: LocalAwsUnderTest, key: str, signature: object, code: str
) -> None:
    """Neither the keys that emulators usually take for root's, nor no key at all, is let in."""
    session = boto3.Session(key, key, region_name=local_aws.region)
    config = Config(signature_version=signature)
    dynamodb = session.client("dynamodb", endpoint_url=local_aws.endpoint_url, config=config)

    with pytest.raises(ClientError) as caught:
        dynamodb.list_tables()

    assert code == caught.value.response["Error"]["Code"]


def test_presigned_url_with_a_usual_key_is_refused(local_aws: LocalAwsUnderTest) -> None:
    """The same holds for a key that comes in the query of a presigned URL."""
    config = Config(signature_version="s3v4")
    usual = boto3.Session("test", "test", region_name=local_aws.region)
    s3 = usual.client("s3", endpoint_url=local_aws.endpoint_url, config=config)
    url = s3.generate_presigned_url("list_buckets")

    status = _status("GET", url, local_aws.port)

    assert 403 == status


def test_unsigned_mqtt_connection_is_refused(local_aws: LocalAwsUnderTest) -> None:
    """A WebSocket to the broker needs a signature, as in AWS."""
    upgrade = {
        "Host": f"x-ats.iot.{local_aws.region}.localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "mqtt",
    }

    status = _status("GET", "/mqtt", local_aws.port, upgrade)

    assert 403 == status


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config"])
def test_nobody_can_empty_or_change_the_emulator(local_aws: LocalAwsUnderTest, path: str) -> None:
    """The emulator's own administration paths do not exist: any web page could post to them."""
    status = _status("POST", path, local_aws.port)

    assert 404 == status


def test_functions_see_their_roles_keys_and_nothing_of_their_starter(
    local_aws: LocalAwsUnderTest,
) -> None:
    """A function's environment holds its role's temporary keys, neither root's nor the developer's, and no
    variable of the process that started the emulator."""
    name = _create_function(local_aws, ECHO_ENVIRONMENT)
    functions = local_aws.root.client("lambda", endpoint_url=local_aws.endpoint_url)

    answer = functions.invoke(FunctionName=name)

    environment = json.loads(answer["Payload"].read())
    kept_away = [*_keys_of(local_aws.root), *_keys_of(local_aws.developer)]
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert local_aws.endpoint_url == environment["AWS_ENDPOINT_URL"]
    assert [] == [value for value in kept_away if value in json.dumps(environment)]
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in environment


def _status(method: str, url: str, port: int, headers: Mapping[str, str] = MappingProxyType({})) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, url, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def _keys_of(session: boto3.Session) -> list[str]:
    keys = session.get_credentials()
    assert keys is not None and keys.access_key and keys.secret_key
    return [keys.access_key, keys.secret_key]


def _create_function(aws: LocalAwsUnderTest, source: str) -> str:
    name = f"echo-{uuid.uuid4().hex[:8]}"
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", source)
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))["Role"]["Arn"]
    functions = aws.root.client("lambda", endpoint_url=aws.endpoint_url)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
    )
    return name
