"""Which requests are the registry's."""

from __future__ import annotations

import pytest

from livejob.local_aws.plugs.registry.requests import Target, Verb, target_of

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v2/", Target(Verb.PING)),
        ("/v2", Target(Verb.PING)),
        ("/v2/_catalog", Target(Verb.CATALOG)),
        ("/v2/app/tags/list", Target(Verb.TAGS, "app")),
        ("/v2/team/app/blobs/uploads/", Target(Verb.UPLOADS, "team/app")),
        ("/v2/team/app/blobs/uploads/1-2", Target(Verb.UPLOAD, "team/app", "1-2")),
        (f"/v2/a/b/c/blobs/{DIGEST}", Target(Verb.BLOB, "a/b/c", DIGEST)),
        ("/v2/app/manifests/v1", Target(Verb.MANIFEST, "app", "v1")),
        ("/v2/app/manifests/manifests/v1", Target(Verb.MANIFEST, "app/manifests", "v1")),
    ],
)
def test_path_names_what_it_is_about(path: str, target: Target) -> None:
    """A repository's name may have slashes and the words of the API in it."""
    assert target == target_of(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2/apis/x/routes",
        "/v2/tags/arn:aws:apigateway:us-east-1::/apis/x",
        "/v2/email/identities",
        "/v2/email/templates/blobs/x",
        "/v2/app/blobs/a/b",
        "/bucket/v2/app/manifests/v1",
    ],
)
def test_paths_of_other_services_are_theirs(path: str) -> None:
    """API Gateway, SES and S3 share the beginning, or look alike."""
    assert target_of(path) is None
