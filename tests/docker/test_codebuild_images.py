"""Builds run in images of the account's own registry: who may pull, and which image it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livejob.images.docker_command import DockerCommand
from tests.support.codebuild import ProjectUnderTest, buildspec, context_of, create_project
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.image_fixtures import a_tag, an_image_order, write_files
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.registry import (
    PULL,
    TOKEN,
    DockerUser,
    RepositoryUnderTest,
    allowed,
    create_repository,
)

AS_ROLE = {"imagePullCredentialsType": "SERVICE_ROLE"}


@pytest.fixture
def repository(local_aws: LocalAwsUnderTest) -> RepositoryUnderTest:
    return create_repository(local_aws)


@pytest.fixture
def image(
    docker: DockerUnderTest,
    docker_command: DockerCommand,
    busybox_image: str,
    repository: RepositoryUnderTest,
    tmp_path: Path,
) -> str:
    """An image without Python in the repository, and nowhere else; `cat /said.txt` tells its first name."""
    tag, reference, user = a_tag(), f"{repository.uri}:v1", DockerUser(docker, tmp_path)
    write_files(
        tmp_path / "context", {"Dockerfile": f"FROM {busybox_image}\nCOPY said.txt /\n", "said.txt": tag}
    )
    docker_command.build(an_image_order(tmp_path / "context"), tag, lambda line: None)
    user.log_in(repository)
    user.run("tag", tag, reference)
    user.run("push", reference)
    user.run("image", "rm", reference, tag)
    return reference


def a_project(
    repository: RepositoryUnderTest, image: str, *statements: object, **environment: Any
) -> ProjectUnderTest:
    spec = buildspec("cat /said.txt; echo", "exit 3")
    return create_project(repository.aws, image, spec, *statements, environment=AS_ROLE | environment)


def test_image_is_pulled_as_the_role(repository: RepositoryUnderTest, image: str) -> None:
    """With the permissions that AWS names, a build runs in the image; no Python is needed in it."""
    project = a_project(repository, image, TOKEN, allowed(repository, PULL))

    build = project.run()

    code, message = context_of(build, "BUILD")
    assert ("COMMAND_EXECUTION_ERROR", True) == (code, message.endswith("Reason: exit status 3"))
    assert project.output(build)[0].startswith("livejob-test/")


def test_ecrs_own_name_of_the_image_works_too(repository: RepositoryUnderTest, image: str) -> None:
    """Templates name images by ECR's host, as the CDK's do."""
    aws = repository.aws
    host = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com"
    project = a_project(repository, f"{host}/{repository.name}:v1", TOKEN, allowed(repository, PULL))

    build = project.run()

    assert project.output(build)[0].startswith("livejob-test/")


def test_image_that_was_pushed_anew_is_the_next_builds(
    docker: DockerUnderTest, repository: RepositoryUnderTest, image: str, busybox_image: str, tmp_path: Path
) -> None:
    """What an engine has of an earlier build does not count: each build pulls."""
    project = a_project(repository, image, TOKEN, allowed(repository, PULL))
    project.run()
    user, older = DockerUser(docker, tmp_path), a_tag()
    user.run("tag", image, older)
    user.run("tag", busybox_image, image)
    user.run("push", image)
    user.run("tag", older, image)

    build = project.run()

    assert ["cat: can't open '/said.txt': No such file or directory"] == project.output(build)[:1]


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ((), "ecr:GetAuthorizationToken"),
        (("ecr:GetAuthorizationToken",), "ecr:BatchGetImage"),
        (("ecr:GetAuthorizationToken", "ecr:BatchGetImage"), "ecr:GetDownloadUrlForLayer"),
    ],
)
def test_missing_permission_is_named(
    repository: RepositoryUnderTest, image: str, actions: tuple[str, ...], reason: str
) -> None:
    """A role that lacks one of them fails in PROVISIONING, as in AWS."""
    statement = {"Effect": "Allow", "Action": [*actions, "logs:PutLogEvents"], "Resource": "*"}
    project = a_project(repository, image, statement)

    build = project.run()

    code, message = context_of(build, "PROVISIONING")
    assert ("FAILED", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE") == (build["buildStatus"], code)
    assert "Unable to pull customer's container image" in message and reason in message


def test_image_that_is_not_there_is_told(repository: RepositoryUnderTest, image: str) -> None:
    """A tag without an image fails the build before anything runs."""
    project = a_project(repository, f"{repository.uri}:v2", TOKEN, allowed(repository, PULL))

    code, message = context_of(project.run(), "PROVISIONING")

    assert "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE" == code
    assert "not found" in message


def test_codebuilds_own_credentials_do_not_pull(repository: RepositoryUnderTest, image: str) -> None:
    """A project has to say that it pulls with its role, also when the engine's user is logged in."""
    project = a_project(
        repository, image, TOKEN, allowed(repository, PULL), imagePullCredentialsType="CODEBUILD"
    )

    code, message = context_of(project.run(), "PROVISIONING")

    assert "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE" == code
    assert "SERVICE_ROLE" in message
