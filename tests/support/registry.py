"""A registry as its users see it: repositories by boto3, its API by plain HTTP, images by `docker`."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tests.support.engine_fixtures import DockerUnderTest
from tests.support.local_aws_fixtures import LocalAwsUnderTest

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
TOKEN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}


def allowed(repository: RepositoryUnderTest, actions: tuple[str, ...]) -> dict[str, object]:
    """A statement that allows the actions on one repository."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": repository.arn}


@dataclass(frozen=True, slots=True)
class RepositoryUnderTest:
    """A repository of its own for a test."""

    aws: LocalAwsUnderTest
    name: str
    uri: str
    arn: str

    def ecr(self, session: boto3.Session | None = None) -> ECRClient:
        """ECR as root, or as whom the session is of."""
        return (session or self.aws.root).client("ecr", endpoint_url=self.aws.endpoint_url)

    def password(self, session: boto3.Session | None = None) -> str:
        """What `docker login` is given."""
        data = self.ecr(session).get_authorization_token()["authorizationData"][0]
        return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    def caller(self, session: boto3.Session | None = None) -> RegistryCaller:
        """Speaks to the registry with a token of its own."""
        return RegistryCaller(self.aws.port, self.name, self.password(session))


def create_repository(aws: LocalAwsUnderTest, **fields: Any) -> RepositoryUnderTest:
    """A new repository; `fields` are of CreateRepository."""
    name = f"team/app-{uuid.uuid4().hex[:12]}"
    ecr = aws.root.client("ecr", endpoint_url=aws.endpoint_url)
    made = ecr.create_repository(repositoryName=name, **fields)["repository"]
    return RepositoryUnderTest(aws, name, made["repositoryUri"], made["repositoryArn"])


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the registry."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code."""
        return str(json.loads(self.body)["errors"][0]["code"])

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["errors"][0]["message"])


@dataclass(frozen=True, slots=True)
class RegistryCaller:
    """Makes requests for one repository, with a password of ECR's or with none."""

    port: int
    repository: str
    password: str | None

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """`path` is below the repository unless it begins with a slash."""
        sent = dict(headers or {})
        if self.password is not None:
            credentials = base64.b64encode(f"AWS:{self.password}".encode()).decode()
            sent["Authorization"] = f"Basic {credentials}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            url = path if path.startswith("/") else f"/v2/{self.repository}/{path}"
            connection.request(method, url, body, sent)
            answer = connection.getresponse()
            said = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, said, answer.read())
        finally:
            connection.close()

    def begin(self) -> str:
        """Begin an upload; where it goes on."""
        return self.ask("POST", "blobs/uploads/").headers["location"]

    def push_blob(self, data: bytes) -> str:
        """Upload a blob; its digest."""
        digest = digest_of(data)
        answer = self.ask("PUT", f"{self.begin()}?digest={digest}", data)
        assert answer.status == 201, answer
        return digest

    def push_image(self, tag: str, layer: bytes = b"layer") -> str:
        """Push an image of one layer; its digest."""
        config, data = b"{}", layer
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"size": len(config), "digest": self.push_blob(config)},
                "layers": [{"size": len(data), "digest": self.push_blob(data)}],
            }
        ).encode()
        answer = self.put_manifest(tag, manifest)
        assert answer.status == 201, answer
        return answer.headers["docker-content-digest"]

    def put_manifest(self, reference: str, manifest: bytes) -> Answered:
        return self.ask("PUT", f"manifests/{reference}", manifest, {"Content-Type": MANIFEST_TYPE})


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class DockerUser:
    """The docker command with a configuration of its own, as a person has it."""

    def __init__(self, docker: DockerUnderTest, home: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DOCKER_CONFIG": str(home / "docker"),
            "DOCKER_HOST": docker.endpoint.url,
        }

    def run(self, *words: str, given: str = "") -> str:
        """What the command says; fails the test when it fails."""
        done = self.attempt(*words, given=given)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def attempt(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """How the command ends, with all that it says on stdout."""
        return subprocess.run(
            ["docker", *words],
            env=self._environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def log_in(self, repository: RepositoryUnderTest, session: boto3.Session | None = None) -> None:
        """As people do it: `aws ecr get-login-password | docker login --password-stdin`."""
        host = repository.uri.partition("/")[0]
        self.run("login", "--username", "AWS", "--password-stdin", host, given=repository.password(session))
