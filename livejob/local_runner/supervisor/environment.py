"""What an attempt finds in its environment: pure, names in and names out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from livejob.wire.names import ENV_ATTEMPT, ENV_CREDENTIALS_TOKEN, ENV_CREDENTIALS_URI, ENV_JOB, ENV_RUN_ID
from livejob.wire.worker import StartAttempt

OTHER_CREDENTIALS = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    }
)
"""Every SDK prefers these to the credential endpoint. A Lambda function cannot set the keys either.

Source: AWS SDKs and Tools reference, "Standardized credential providers"; Lambda, "Reserved environment
variables".
"""

NO_OTHER_CREDENTIALS = {
    # Unset, they mean ~/.aws of the user, whose keys come before the endpoint.
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    # Comes after the endpoint: an attempt that the endpoint refuses must not go on as the machine.
    "AWS_EC2_METADATA_DISABLED": "true",
}


DEFAULTS = {
    # A Python that the handler starts shall leave no .pyc among the user's sources: one that is edited
    # twice in a second would run the older code. (Attempts themselves use none there.)
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    """Where the attempt gets its credentials, and the token without which it gets none."""

    uri: str
    token: str = field(repr=False)


def environment_without_attempt(worker: Mapping[str, str], job: Mapping[str, str]) -> dict[str, str]:
    """What every attempt of a job finds, whichever it is; the job's own variables win over the worker's."""
    given = {**DEFAULTS, **worker, **job}
    return {
        **{name: value for name, value in given.items() if name not in OTHER_CREDENTIALS},
        **NO_OTHER_CREDENTIALS,
    }


def check_environment(
    worker: Mapping[str, str], job: Mapping[str, str], credentials: EndpointAddress
) -> dict[str, str]:
    """What an import on trial finds: an attempt's, without a run."""
    return {
        **environment_without_attempt(worker, job),
        ENV_CREDENTIALS_URI: credentials.uri,
        ENV_CREDENTIALS_TOKEN: credentials.token,
    }


def attempt_environment(
    worker: Mapping[str, str], start: StartAttempt, credentials: EndpointAddress
) -> dict[str, str]:
    """The whole environment of an attempt; the job's own variables win over the worker's."""
    return {
        **environment_without_attempt(worker, start.environment),
        ENV_JOB: start.job,
        ENV_RUN_ID: start.run_id,
        ENV_ATTEMPT: str(start.attempt),
        ENV_CREDENTIALS_URI: credentials.uri,
        ENV_CREDENTIALS_TOKEN: credentials.token,
    }
