"""Gets the image of a build into the engine, or says which other one stands in for it.

An image of the account's own registry (ECR) is always pulled, as CodeBuild does, so that it is the one that
was pushed and the role needs its permissions. Where no other registry can be reached, an image that was
made on this machine takes the place of Lambda's Python images: same paths, same Python. The build's log
says so.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from botocore.exceptions import BotoCoreError, ClientError
from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound
from docker.utils import parse_repository_tag

from livejob.local_aws.build_host.aws import RoleAws
from livejob.local_aws.build_host.messages import BuildOrder
from livejob.local_aws.build_host.phases import CLIENT_ERROR, PhaseFailed

UNABLE_TO_PULL = "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"

LAMBDA_PYTHON = re.compile(
    r"(?:public\.ecr\.aws/lambda/python|(?:docker\.io/)?amazon/aws-lambda-python|.*/lambda/python)"
    r":(?P<minor>3\.\d+)(?:$|[.-])"
)
STAND_IN = "livejob/python:{minor}"
"""The image that `livejob image build` makes."""


def provide_image(
    client: APIClient,
    order: BuildOrder,
    aws: RoleAws,
    check: Callable[[], None],
    say: Callable[[str], None],
) -> str:
    """The name in the engine of the image that a build asks for. May pull, for minutes.

    check: is called between the steps of a pull and raises when the build has to end.
    say:   takes a line for the build's log.

    Raises:
        PhaseFailed: it is neither there nor to be had.
    """
    own = own_image(order)
    if own is not None:
        _pull_own(client, own, _login(order, aws), check)
        return own
    return _provide_foreign(client, order.image, check, say)


def own_image(order: BuildOrder) -> str | None:
    """Where an engine gets the image when it is in the account's registry, else None.

    ECR's own host name, by which the CDK names images, leads nowhere here: the registry is the emulator's.
    """
    host = urlsplit(order.endpoint_url).netloc
    first, _, rest = order.image.partition("/")
    ecr = f"{order.account}.dkr.ecr.{order.region}.amazonaws.com"
    return f"{host}/{rest}" if first in (host, ecr) else None


def _login(order: BuildOrder, aws: RoleAws) -> dict[str, str]:
    """The role's name and password at the registry.

    Raises:
        PhaseFailed: the role may not have one, or the project does not pull with its role.
    """
    if not order.pulls_as_role:
        raise _unable(
            f"pull access denied for {order.image}: with imagePullCredentialsType CODEBUILD it takes a "
            "policy of the repository, which the local AWS does not look at; use SERVICE_ROLE"
        )
    try:
        [data] = aws.ecr().get_authorization_token()["authorizationData"]
    except ClientError as error:
        raise _unable(str(error.response["Error"].get("Message"))) from error
    except BotoCoreError as error:
        raise _unable(str(error)) from error
    username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return {"username": username, "password": password}


def _pull_own(client: APIClient, image: str, login: dict[str, str], check: Callable[[], None]) -> None:
    try:
        _pull(client, image, check, login)
    except (APIError, requests.RequestException) as error:
        raise _unable(_reason(error)) from error


def _provide_foreign(
    client: APIClient, image: str, check: Callable[[], None], say: Callable[[str], None]
) -> str:
    if _is_present(client, image):
        return image
    try:
        _pull(client, image, check)
    except (APIError, requests.RequestException) as error:
        reason = _reason(error)
        stand_in = _stand_in(client, image)
        if stand_in is None:
            raise _unable(reason) from error
        say(f"Image {image} cannot be pulled ({reason}): running in {stand_in}, which is in the engine.")
        return stand_in
    return image


def _pull(
    client: APIClient, image: str, check: Callable[[], None], login: dict[str, str] | None = None
) -> None:
    """Pull it, with what the user's configuration of Docker has for its registry if `login` is None."""
    repository, tag = parse_repository_tag(image)
    for progress in client.pull(repository, tag or "latest", stream=True, decode=True, auth_config=login):
        check()
        if "error" in progress:
            raise _unable(progress["error"])


def _reason(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)


def _unable(reason: str) -> PhaseFailed:
    return PhaseFailed(
        UNABLE_TO_PULL,
        "Unable to pull customer's container image. "
        f"CannotPullContainerError: Error response from daemon: {reason}",
        CLIENT_ERROR,
    )


def _stand_in(client: APIClient, image: str) -> str | None:
    matched = LAMBDA_PYTHON.match(image)
    if matched is None:
        return None
    stand_in = STAND_IN.format(minor=matched["minor"])
    return stand_in if _is_present(client, stand_in) else None


def _is_present(client: APIClient, image: str) -> bool:
    try:
        client.inspect_image(image)
    except ImageNotFound:
        return False
    return True
