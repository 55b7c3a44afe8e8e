"""The repository of a stage's images, in the emulator's ECR."""

from __future__ import annotations

import uuid

import pytest

from livejob.clock import EpochMs, SystemClock
from livejob.deploy.repository import EcrRepository
from livejob.deploy.resources import StageContext
from livejob.errors import AccessRefused
from livejob.wire.names import StageNames
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.registry import RegistryCaller
from tests.support.roles import session_with


@pytest.fixture
def context(local_aws: LocalAwsUnderTest) -> StageContext:
    names = StageNames(f"Shop-{uuid.uuid4().hex[:8]}", "prod")
    return StageContext(names, local_aws.account, local_aws.region, "1.2.3", "production")


@pytest.fixture
def repository(local_aws: LocalAwsUnderTest, context: StageContext) -> EcrRepository:
    return EcrRepository(local_aws.root.client("ecr", endpoint_url=local_aws.endpoint_url), context)


def push(aws: LocalAwsUnderTest, repository: EcrRepository, tag: str) -> str:
    """Push an image with livejob's own login; its digest."""
    login = repository.login()
    assert (f"127.0.0.1:{aws.port}", "AWS") == (login.registry, login.username)
    caller = RegistryCaller(aws.port, repository.name, login.password)
    return caller.push_image(tag, layer=tag.encode())


def test_repository_is_made_once(local_aws: LocalAwsUnderTest, repository: EcrRepository) -> None:
    """The first deployment makes it, with the stage's tags, the later ones leave it as it is."""
    ecr = local_aws.root.client("ecr", endpoint_url=local_aws.endpoint_url)

    repository.ensure()
    push(local_aws, repository, "digest")
    repository.ensure()

    [made] = ecr.describe_repositories(repositoryNames=[repository.name])["repositories"]
    tags = ecr.list_tags_for_resource(resourceArn=repository.arn)["tags"]
    assert (repository.arn, "IMMUTABLE") == (made["repositoryArn"], made["imageTagMutability"])
    assert {"Key": "livejob:stage", "Value": "prod"} in tags
    assert repository.has("digest")


def test_image_is_known_by_its_tag(local_aws: LocalAwsUnderTest, repository: EcrRepository) -> None:
    """Without the repository, and without the image, there is none."""
    before = repository.has("a")
    repository.ensure()
    push(local_aws, repository, "a")

    assert (False, True, False) == (before, repository.has("a"), repository.has("b"))


def test_images_that_no_job_uses_are_removed(local_aws: LocalAwsUnderTest, repository: EcrRepository) -> None:
    """Old ones only: what was just pushed may be what a waiting run needs."""
    repository.ensure()
    for tag in ("used", "old", "older"):
        push(local_aws, repository, tag)
    now_ms = SystemClock().now_ms()

    too_early = repository.remove_unused(["used"], EpochMs(now_ms - 3_600_000))
    removed = repository.remove_unused(["used"], EpochMs(now_ms + 3_600_000))

    assert (0, 2) == (too_early, removed)
    assert [True, False, False] == [repository.has(tag) for tag in ("used", "old", "older")]


def test_repository_is_deleted_with_its_images(
    local_aws: LocalAwsUnderTest, repository: EcrRepository
) -> None:
    """Deleting what is not there is no error."""
    repository.ensure()
    push(local_aws, repository, "a")

    repository.delete()
    repository.delete()

    assert not repository.has("a")


def test_missing_permission_is_named(local_aws: LocalAwsUnderTest, context: StageContext) -> None:
    """Who may not push is told which permission is missing."""
    session = session_with(local_aws, [{"Effect": "Allow", "Action": "ecr:DescribeImages", "Resource": "*"}])
    repository = EcrRepository(session.client("ecr", endpoint_url=local_aws.endpoint_url), context)

    with pytest.raises(AccessRefused, match="ecr:GetAuthorizationToken"):
        repository.login()
    with pytest.raises(AccessRefused, match="ecr:CreateRepository"):
        repository.ensure()
