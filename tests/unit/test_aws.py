"""What boto3 raises, as errors that a person can act on."""

from __future__ import annotations

import boto3
import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from livejob.aws import Keys, current_keys, error_code, translated
from livejob.errors import (
    AccessRefused,
    AwsError,
    AwsUnreachable,
    CredentialsExpired,
    CredentialsMissing,
    NotDeployed,
    RunNotFound,
)

SECRET = "wJalrXUtnFEMI-planted-secret-EXAMPLEKEY"


def answer(code: str, message: str = "AWS says no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetItem")


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (answer("AccessDeniedException"), AccessRefused),
        (answer("AccessDenied"), AccessRefused),
        (answer("ForbiddenException"), AccessRefused),
        (answer("ExpiredTokenException"), CredentialsExpired),
        (answer("ExpiredToken"), CredentialsExpired),
        (answer("UnrecognizedClientException"), CredentialsMissing),
        (answer("InvalidSignatureException"), CredentialsMissing),
        (answer("ResourceNotFoundException"), NotDeployed),
        (answer("NoSuchBucket"), NotDeployed),
        (answer("ProvisionedThroughputExceededException"), AwsError),
        (sdk.NoCredentialsError(), CredentialsMissing),
        (sdk.ProfileNotFound(profile="mia"), CredentialsMissing),
        (sdk.SSOTokenLoadError(profile_name="mia", error_msg="expired"), CredentialsMissing),
        (sdk.TokenRetrievalError(provider="sso", error_msg="expired"), CredentialsExpired),
        (sdk.EndpointConnectionError(endpoint_url="http://nowhere"), AwsUnreachable),
        (sdk.ReadTimeoutError(endpoint_url="http://nowhere"), AwsUnreachable),
        (sdk.ConnectionClosedError(endpoint_url="http://nowhere"), AwsUnreachable),
        (sdk.NoRegionError(), AwsError),
        (sdk.DataNotFoundError(data_path="x"), AwsError),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_each_error_says_what_was_tried(raised: Exception, error: type):
    """Each error of the SDK becomes one class of ours, which names action and resource."""
    with pytest.raises(AwsError) as caught, translated("dynamodb:GetItem", "table/runs"):
        raise raised

    assert error is type(caught.value)
    assert "dynamodb:GetItem on table/runs" in caught.value.message
    assert raised is caught.value.__cause__
    assert "" != caught.value.remedy


def test_the_reason_of_aws_is_kept():
    """What AWS said is in the message."""
    with pytest.raises(AccessRefused, match="no policy allows it"), translated("iot:Publish", "topic/x"):
        raise answer("AccessDenied", "no policy allows it")


@pytest.mark.parametrize("raised", [RunNotFound("no run"), ValueError("no number")])
def test_other_errors_pass(raised: Exception):
    """What is not the SDK's is left alone."""
    with pytest.raises(type(raised)) as caught, translated("dynamodb:GetItem", "table/runs"):
        raise raised

    assert raised is caught.value


def test_code_of_an_answer():
    """The code can be asked for by who knows more about it."""
    assert "ConditionalCheckFailedException" == error_code(answer("ConditionalCheckFailedException"))


def test_keys_hide_their_secrets():
    """The repr of keys shows whose they are, and no secret."""
    shown = repr(Keys("AKIAIOSFODNN7EXAMPLE", SECRET, SECRET))

    assert "AKIAIOSFODNN7EXAMPLE" in shown
    assert SECRET not in shown


def test_keys_of_a_session():
    """The current keys are the session's, with its token."""
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", SECRET, "token")

    assert Keys("AKIAIOSFODNN7EXAMPLE", SECRET, "token") == current_keys(session)


def test_a_session_without_keys(monkeypatch: pytest.MonkeyPatch):
    """A session without credentials is an error that says how to get some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(CredentialsMissing, match="no AWS credentials") as caught:
        current_keys(boto3.Session())

    assert "aws sso login" in caught.value.remedy
