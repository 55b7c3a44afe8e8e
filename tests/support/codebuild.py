"""CodeBuild as a caller sees it: projects, builds and their logs, through boto3 alone."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.local_aws_fixtures import LocalAwsUnderTest

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import BuildTypeDef

WAIT_S = 60.0
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "codebuild.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def buildspec(*commands: str, **sections: object) -> str:
    """A buildspec with one build phase, or with the sections that are given."""
    phases = {"build": {"commands": list(commands)}} if commands else {}
    return json.dumps({"version": 0.2, "phases": phases, **sections})


def zip_of(files: Mapping[str, str], executable: Sequence[str] = ()) -> bytes:
    """A zip with those files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(info, text)
    return data.getvalue()


@dataclass(frozen=True, slots=True)
class ProjectUnderTest:
    """A project with a role of its own."""

    aws: LocalAwsUnderTest
    name: str
    role: str

    def start(self, **overrides: Any) -> str:
        """Start a build; its id."""
        return str(self.client().start_build(projectName=self.name, **overrides)["build"]["id"])

    def run(self, **overrides: Any) -> BuildTypeDef:
        """Start a build and wait for its end."""
        return self.wait_ended(self.start(**overrides))

    def build(self, build_id: str) -> BuildTypeDef:
        build: BuildTypeDef = self.client().batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def wait_ended(self, build_id: str) -> BuildTypeDef:
        return self.wait(build_id, lambda build: build["buildComplete"])

    def wait(self, build_id: str, is_so: Callable[[BuildTypeDef], bool]) -> BuildTypeDef:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            build = self.build(build_id)
            if is_so(build):
                return build
            time.sleep(0.01)
        raise TimeoutError(f"the build stays as it is: {build}")

    def wait_output(self, build_id: str, line: str) -> None:
        """Wait until the build's log has that line."""
        self.wait(build_id, lambda build: line in self.output(build))

    def output(self, build: BuildTypeDef) -> list[str]:
        """What the commands have written so far: the log without the build's own and without empty lines."""
        return [line for line in self.log(build) if line and not line.startswith("[Container] ")]

    def log(self, build: BuildTypeDef) -> list[str]:
        """The log's lines, without their ends."""
        group, stream = build["logs"].get("groupName"), build["logs"].get("streamName")
        if not group or not stream:
            return []
        client = self.aws.root.client("logs", endpoint_url=self.aws.endpoint_url)
        events = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        return [event["message"].removesuffix("\n") for event in events]

    def client(self) -> Any:
        return self.aws.root.client("codebuild", endpoint_url=self.aws.endpoint_url)


def create_role(aws: LocalAwsUnderTest, *statements: object, trust: Mapping[str, object] = TRUST) -> str:
    """A role with those permissions; its ARN."""
    iam = aws.root.client("iam", endpoint_url=aws.endpoint_url)
    name = f"build-{uuid.uuid4().hex[:12]}"
    created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="build", PolicyDocument=json.dumps(policy))
    return created["Role"]["Arn"]


def create_project(
    aws: LocalAwsUnderTest, image: str, spec: str, *statements: object, **fields: Any
) -> ProjectUnderTest:
    """A project without a source whose role may write logs and do what `statements` allow.

    fields: of CreateProject, in place of the usual ones.
    """
    role = fields.pop("serviceRole", None) or create_role(aws, LOGS, *statements)
    name = f"project-{uuid.uuid4().hex[:12]}"
    project = ProjectUnderTest(aws, name, role)
    environment = {
        "type": "LINUX_CONTAINER",
        "image": image,
        "computeType": "BUILD_GENERAL1_SMALL",
        **fields.pop("environment", {}),
    }
    request = {
        "source": {"type": "NO_SOURCE", "buildspec": spec},
        "artifacts": {"type": "NO_ARTIFACTS"},
        **fields,
    }
    project.client().create_project(name=name, environment=environment, serviceRole=role, **request)
    return project


def phase_of(build: BuildTypeDef, name: str) -> Mapping[str, Any]:
    """A phase of the build, {} when the build never came to it."""
    return next((phase for phase in build["phases"] if phase["phaseType"] == name), {})


def statuses(build: BuildTypeDef) -> dict[str, str]:
    """Phase -> its status, of the phases that have ended."""
    return {phase["phaseType"]: phase["phaseStatus"] for phase in build["phases"] if "phaseStatus" in phase}


def context_of(build: BuildTypeDef, name: str) -> tuple[str, str]:
    """Status code and message of a phase."""
    context = phase_of(build, name)["contexts"][0]
    return context["statusCode"], context["message"]
