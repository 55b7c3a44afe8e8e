"""Fetches a result that was too large for the run's record, by the link that the invoker gave.

The link is presigned, so the caller needs no permission of its own on the stage's bucket. urllib is loaded
at the first call: most callers never need it, and it takes longer to load than all of livejob.
"""

from __future__ import annotations

from livejob.errors import AwsError, AwsUnreachable

TIMEOUT_S = 60


def download(url: str) -> bytes:
    """The bytes behind `url` (http or https).

    Raises:
        AwsUnreachable: no answer.
        AwsError: refused, e.g. because the link has expired.
    """
    import urllib.request
    from urllib.error import HTTPError

    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            body: bytes = response.read()
    except HTTPError as error:
        # The URL itself is not shown: whoever has it may read the result.
        raise AwsError(f"the stage's bucket did not give the result: HTTP {error.code}") from error
    except OSError as error:
        raise AwsUnreachable(f"the stage's bucket did not answer: {error}") from error
    return body
