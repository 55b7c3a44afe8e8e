"""Requests of the registry's API: which path means what, and which permission it takes. Pure.

Source: OCI distribution specification, 'Endpoints'; Amazon ECR, 'Required IAM permissions for pushing an
image' and 'Pulling an image'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What is asked for, without the HTTP method."""

    PING = "ping"
    CATALOG = "catalog"
    TAGS = "tags"
    UPLOADS = "uploads"
    UPLOAD = "upload"
    BLOB = "blob"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. `reference`: a digest, a tag, or an upload's id."""

    verb: Verb
    repository: str = ""
    reference: str = ""


# Other services have paths below /v2/ too; none of them looks like one of these.
_PATHS = (
    (Verb.PING, re.compile(r"/v2/?")),
    (Verb.CATALOG, re.compile(r"/v2/_catalog")),
    (Verb.TAGS, re.compile(r"/v2/(?P<repository>.+)/tags/list")),
    (Verb.UPLOADS, re.compile(r"/v2/(?P<repository>.+)/blobs/uploads/?")),
    (Verb.UPLOAD, re.compile(r"/v2/(?P<repository>.+)/blobs/uploads/(?P<reference>[^/]+)")),
    (Verb.BLOB, re.compile(r"/v2/(?P<repository>.+)/blobs/(?P<reference>[^/]+)")),
    (Verb.MANIFEST, re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")),
)
_OF_SES = "/v2/email/"

_ACTIONS = {
    (Verb.CATALOG, "GET"): "ecr:DescribeRepositories",
    (Verb.TAGS, "GET"): "ecr:ListImages",
    (Verb.UPLOADS, "POST"): "ecr:InitiateLayerUpload",
    (Verb.UPLOAD, "GET"): "ecr:UploadLayerPart",
    (Verb.UPLOAD, "PATCH"): "ecr:UploadLayerPart",
    (Verb.UPLOAD, "DELETE"): "ecr:UploadLayerPart",
    (Verb.UPLOAD, "PUT"): "ecr:CompleteLayerUpload",
    (Verb.BLOB, "HEAD"): "ecr:BatchCheckLayerAvailability",
    (Verb.BLOB, "GET"): "ecr:GetDownloadUrlForLayer",
    (Verb.MANIFEST, "HEAD"): "ecr:BatchGetImage",
    (Verb.MANIFEST, "GET"): "ecr:BatchGetImage",
    (Verb.MANIFEST, "PUT"): "ecr:PutImage",
}


def target_of(path: str) -> Target | None:
    """What a request for `path` is about; None when it is not the registry's."""
    if path.startswith(_OF_SES):
        return None
    for verb, pattern in _PATHS:
        if matched := pattern.fullmatch(path):
            return Target(verb, **matched.groupdict())
    return None


def action_of(verb: Verb, method: str) -> str | None:
    """The IAM action that the request takes; None when ECR has no such request (it deletes nothing here)."""
    return _ACTIONS.get((verb, method))
