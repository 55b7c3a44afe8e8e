"""Gets the image of a build into the engine, or says which other one stands in for it.

Where no registry can be reached, an image that was made on this machine takes the place of Lambda's
Python images: same paths, same Python. The build's log says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound
from docker.utils import parse_repository_tag

from livejob.local_aws.build_host.phases import CLIENT_ERROR, PhaseFailed

UNABLE_TO_PULL = "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"

LAMBDA_PYTHON = re.compile(
    r"(?:public\.ecr\.aws/lambda/python|(?:docker\.io/)?amazon/aws-lambda-python|.*/lambda/python)"
    r":(?P<minor>3\.\d+)(?:$|[.-])"
)
STAND_IN = "livejob/python:{minor}"
"""The image that `livejob image build` makes."""


def provide_image(
    client: APIClient, image: str, check: Callable[[], None], say: Callable[[str], None]
) -> str:
    """The name of an image in the engine for a build that asks for `image`. May pull, for minutes.

    check: is called between the steps of a pull and raises when the build has to end.
    say:   takes a line for the build's log.

    Raises:
        PhaseFailed: it is neither there nor to be had.
    """
    if _is_present(client, image):
        return image
    try:
        _pull(client, image, check)
    except (APIError, requests.RequestException) as error:
        reason = str(getattr(error, "explanation", None) or error)
        stand_in = _stand_in(client, image)
        if stand_in is None:
            raise _unable(reason) from error
        say(f"Image {image} cannot be pulled ({reason}): running in {stand_in}, which is in the engine.")
        return stand_in
    return image


def _pull(client: APIClient, image: str, check: Callable[[], None]) -> None:
    repository, tag = parse_repository_tag(image)
    for progress in client.pull(repository, tag or "latest", stream=True, decode=True):
        check()
        if "error" in progress:
            raise _unable(progress["error"])


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
