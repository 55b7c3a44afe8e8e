"""Images go into the local AWS and come out of it by the docker command and boto3 alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from livejob.images.docker_command import DockerCommand
from livejob.images.port import RegistryLogin
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.image_fixtures import a_tag, an_image_order, write_files
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.registry import (
    PULL,
    PUSH,
    TOKEN,
    DockerUser,
    RepositoryUnderTest,
    allowed,
    create_repository,
)
from tests.support.roles import session_with


@pytest.fixture
def repository(local_aws: LocalAwsUnderTest) -> RepositoryUnderTest:
    return create_repository(local_aws)


@pytest.fixture
def user(docker: DockerUnderTest, tmp_path: Path) -> DockerUser:
    return DockerUser(docker, tmp_path)


@pytest.fixture
def image(docker_command: DockerCommand, busybox_image: str, tmp_path: Path) -> str:
    """An image that no other test has, of several layers."""
    tag = a_tag()
    files = {"Dockerfile": f"FROM {busybox_image}\nCOPY said.txt /\nRUN cat /said.txt > /again.txt\n"}
    write_files(tmp_path / "context", files | {"said.txt": f"{tag}\n"})
    docker_command.build(an_image_order(tmp_path / "context"), tag, lambda line: None)
    return tag


def test_image_goes_in_and_comes_out(user: DockerUser, repository: RepositoryUnderTest, image: str) -> None:
    """What was pushed is, after it is gone from the engine, pulled with the same content."""
    reference = f"{repository.uri}:v1"
    user.log_in(repository)
    user.run("tag", image, reference)
    before = user.run("image", "inspect", "--format", "{{.Id}}", image)

    pushed = user.run("push", reference)
    user.run("image", "rm", reference, image)
    pulled = user.run("pull", reference)

    [detail] = repository.ecr().describe_images(repositoryName=repository.name)["imageDetails"]
    assert ["v1"] == detail["imageTags"]
    assert detail["imageDigest"] in pushed and detail["imageDigest"] in pulled
    assert before == user.run("image", "inspect", "--format", "{{.Id}}", reference)
    said = user.run("run", "--rm", "--network", "none", reference, "cat", "/again.txt")
    assert f"{image}\n" == said


def test_second_push_sends_nothing(user: DockerUser, repository: RepositoryUnderTest, image: str) -> None:
    """Layers that the repository has are not sent again."""
    user.log_in(repository)
    for tag in ("v1", "v2"):
        user.run("tag", image, f"{repository.uri}:{tag}")
    user.run("push", f"{repository.uri}:v1")

    said = user.run("push", f"{repository.uri}:v2")

    assert (3, 0) == (said.count("Layer already exists"), said.count("Pushed"))


def test_engine_without_a_token_is_kept_out(
    user: DockerUser, repository: RepositoryUnderTest, image: str
) -> None:
    """Neither a push nor a pull goes without `docker login`."""
    reference = f"{repository.uri}:v1"
    user.run("tag", image, reference)

    said = [user.attempt("push", reference), user.attempt("pull", reference)]

    assert [True, True] == [
        each.returncode != 0 and "no basic auth credentials" in each.stdout for each in said
    ]


def test_login_to_the_tokens_endpoint_is_one_to_the_repository(
    user: DockerUser, repository: RepositoryUnderTest, image: str
) -> None:
    """Deployment tools log in to the `proxyEndpoint` of the token and push to the repository's URI."""
    reference, data = (
        f"{repository.uri}:v1",
        repository.ecr().get_authorization_token()["authorizationData"][0],
    )
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    user.run("login", "--username", "AWS", "--password-stdin", data["proxyEndpoint"], given=password)
    user.run("tag", image, reference)
    said = user.run("push", reference)

    assert "v1: digest: sha256:" in said


def test_wrong_token_does_not_log_in(user: DockerUser, repository: RepositoryUnderTest) -> None:
    """`docker login` fails with a token that is not ECR's."""
    host = repository.uri.partition("/")[0]

    said = user.attempt("login", "--username", "AWS", "--password-stdin", host, given="guessed")

    assert said.returncode != 0 and "401 Unauthorized" in said.stdout


def test_permissions_hold_for_docker(
    local_aws: LocalAwsUnderTest, user: DockerUser, repository: RepositoryUnderTest, image: str
) -> None:
    """Who may pull but not push is told by docker which permission is missing, and may pull."""
    reference = f"{repository.uri}:v1"
    user.run("tag", image, reference)
    user.log_in(repository, session_with(local_aws, [TOKEN, allowed(repository, PUSH)]))
    user.run("push", reference)
    user.log_in(repository, session_with(local_aws, [TOKEN, allowed(repository, PULL)]))

    user.run("pull", reference)
    user.run("tag", image, f"{repository.uri}:v2")
    refused = user.attempt("push", f"{repository.uri}:v2")

    assert refused.returncode != 0
    assert "is not authorized to perform: ecr:PutImage" in refused.stdout


def test_push_leaves_the_users_configuration_alone(
    docker: DockerUnderTest, repository: RepositoryUnderTest, image: str, tmp_path: Path
) -> None:
    """livejob's push has its login for itself: the user's own file of Docker stays as it was."""
    configuration = tmp_path / "docker"
    own = json.dumps({"auths": {}, "psFormat": "table {{.ID}}"})
    write_files(configuration, {"config.json": own})
    command = DockerCommand(
        {
            "DOCKER_HOST": docker.endpoint.url,
            "DOCKER_CONFIG": str(configuration),
            "PATH": "/usr/bin:/usr/local/bin",
        }
    )
    reference = f"{repository.uri}:v1"
    lines: list[str] = []

    command.tag(image, reference)
    login = RegistryLogin(repository.uri.partition("/")[0], "AWS", repository.password())
    command.push(reference, login, lines.append)

    assert own == (configuration / "config.json").read_text()
    assert ["config.json"] == [each.name for each in configuration.iterdir()]
    assert lines[-1].startswith("v1: digest: sha256:")
    assert login.password not in repr(login)
