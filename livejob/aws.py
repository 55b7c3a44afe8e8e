"""What AWS's SDK raises, made into errors that a person can act on. The one place that knows its codes.

Whoever calls AWS wraps the call: `with translated("dynamodb:GetItem", f"table/{name}"): ...`, and
catches before that what has a meaning of its own there (a failed condition, a missing key). botocore is
loaded at the first call, so importing this module costs nothing. Knows nothing of clients or regions.

Also `Keys`: credentials for what is not called through boto3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livejob.errors import (
    AccessRefused,
    AwsError,
    AwsUnreachable,
    CredentialsExpired,
    CredentialsMissing,
    NotDeployed,
)

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_REFUSED = frozenset(
    {"AccessDenied", "AccessDeniedException", "ForbiddenException", "UnauthorizedOperation", "403"}
)
_MISSING = frozenset({"ResourceNotFoundException", "NoSuchBucket"})

_NO_ANSWER = frozenset({"ConnectionError", "HTTPClientError"})
_EXPIRED_LOGINS = frozenset({"LoginRefreshTokenExpired", "TokenRetrievalError", "UnauthorizedSSOTokenError"})
_NO_CREDENTIALS = frozenset(
    {
        "CredentialRetrievalError",
        "LoginError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "SSOError",
    }
)


@contextmanager
def translated(action: str, resource: str) -> Iterator[None]:
    """Within it, an error of boto3 leaves as a LivejobError that names what was tried.

    action:   as IAM calls it, e.g. `dynamodb:GetItem`.
    resource: what it was tried on, e.g. `table/livejob-shop-dev-runs`.

    Raises:
        CredentialsExpired: there were credentials, and they or their login have expired.
        CredentialsMissing: no credentials, or they are wrong.
        AccessRefused: they do not allow the action on the resource.
        NotDeployed: the table, bucket or function does not exist.
        AwsUnreachable: no answer.
        AwsError: anything else.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _of_answer(error, action, resource) from error
    except BotoCoreError as error:
        raise _of_sdk(error, action, resource) from error


@dataclass(frozen=True, slots=True)
class Keys:
    """AWS credentials; its repr shows no secret. `session_token` is None for an IAM user's own keys."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def current_keys(session: Session) -> Keys:
    """The session's credentials as they are now, renewed if need be. Blocks.

    Raises:
        CredentialsMissing: there are none, or they could not be renewed.
    """
    from botocore.exceptions import BotoCoreError

    try:
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as error:
        raise CredentialsMissing(f"the AWS credentials cannot be had: {error}") from error
    if frozen is None or frozen.access_key is None or frozen.secret_key is None:
        raise CredentialsMissing("there are no AWS credentials in environment, profile or metadata")
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


def error_code(error: ClientError) -> str:
    """The code of AWS's answer, e.g. `ConditionalCheckFailedException`."""
    return _details(error).get("Code", "")


def _details(error: ClientError) -> Mapping[str, str]:
    return error.response.get("Error", {})  # type: ignore[return-value]


def _of_answer(error: ClientError, action: str, resource: str) -> AwsError:
    code = error_code(error)
    tried = f"{action} on {resource}"
    reason = _details(error).get("Message") or code
    if code in _EXPIRED:
        return CredentialsExpired(f"the AWS credentials have expired: {tried}: {reason}")
    if code in _CREDENTIALS:
        return CredentialsMissing(f"AWS did not accept the credentials for {tried}: {reason}")
    if code in _REFUSED:
        return AccessRefused(f"these credentials may not {tried}: {reason}")
    if code in _MISSING:
        return NotDeployed(f"{tried} failed, it does not exist: {reason}")
    return AwsError(f"{tried} failed with {code}: {reason}")


def _of_sdk(error: BotoCoreError, action: str, resource: str) -> AwsError:
    # By name: the SDK in a Lambda runtime is older than the one here and lacks some of the classes.
    kinds = {cls.__name__ for cls in type(error).__mro__}
    tried = f"{action} on {resource}"
    if "NoRegionError" in kinds:
        return AwsError(f"{tried} failed: no region is set", remedy="Set AWS_REGION.")
    if kinds & _NO_ANSWER:
        return AwsUnreachable(f"{tried} got no answer: {error}")
    if kinds & _EXPIRED_LOGINS:
        return CredentialsExpired(f"the AWS login has expired, at {tried}: {error}")
    if kinds & _NO_CREDENTIALS:
        return CredentialsMissing(f"no credentials for {tried}: {error}")
    return AwsError(f"{tried} failed: {error}")
