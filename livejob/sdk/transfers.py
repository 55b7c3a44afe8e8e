"""Moves what is too large for an invocation, by the link that the invoker gave: results and payloads.

The link is presigned, so the caller needs no permission of its own on the stage's bucket. urllib is loaded
at the first call: most callers never need it, and it takes longer to load than all of livejob.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livejob.errors import AwsError, AwsUnreachable

if TYPE_CHECKING:
    from urllib.request import Request

TIMEOUT_S = 60
"""How long nothing may move."""

UPLOAD_TRIES = 3


def download(url: str) -> bytes:
    """The bytes behind `url` (http or https).

    Raises:
        AwsUnreachable: no answer.
        AwsError: refused, e.g. because the link has expired.
    """
    import urllib.request

    return _answer_to(urllib.request.Request(url), "did not give the result")


def upload(url: str, document: bytes) -> None:
    """Put a JSON document where `url` (http or https) leads; what breaks off is tried again.

    Raises:
        AwsUnreachable: no answer.
        AwsError: refused, e.g. because the link has expired.
    """
    import urllib.request

    headers = {"Content-Type": "application/json"}
    for tries_left in reversed(range(UPLOAD_TRIES)):
        request = urllib.request.Request(url, document, headers, method="PUT")
        try:
            _answer_to(request, "did not take the payload")
        except AwsUnreachable:
            if not tries_left:
                raise
        else:
            return


def _answer_to(request: Request, refusal: str) -> bytes:
    import urllib.request
    from urllib.error import HTTPError

    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read()
    except HTTPError as error:
        # The URL itself is not shown: whoever has it may do what it is for.
        raise AwsError(f"the stage's bucket {refusal}: HTTP {error.code}") from error
    except OSError as error:
        raise AwsUnreachable(f"the stage's bucket did not answer: {error}") from error
    return body
