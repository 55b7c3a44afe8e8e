"""Stacks in the local AWS that stay in progress until a test lets them go on, or fail."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.local_aws_fixtures import LocalAwsUnderTest

WAIT_S = 30.0

Json = dict[str, Any]


def template_of(resources: Json, *, waits_after: str | None = None) -> str:
    """A template with those resources, and one that waits for a signal once `waits_after` is there."""
    waiting: Json = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
        },
    }
    if waits_after:
        waiting["Wait"]["DependsOn"] = [waits_after]
    return json.dumps({"Resources": {**resources, **waiting}})


@dataclass(frozen=True, slots=True)
class HeldStack:
    """One stack, changed by the account's root as if it was somebody's deployment."""

    aws: LocalAwsUnderTest
    name: str
    tags: Mapping[str, str]

    def create(self, template: str, **options: object) -> None:
        self._client().create_stack(**self._request(template), **options)

    def update(self, template: str, **options: object) -> None:
        self._client().update_stack(**self._request(template), **options)

    def signal(self, status: Literal["SUCCESS", "FAILURE"]) -> None:
        """Let the resource that waits be made, or fail, as soon as it waits."""
        self.wait_waiting()
        self._client().signal_resource(
            StackName=self.name, LogicalResourceId="Wait", UniqueId="1", Status=status
        )

    def delete(self) -> None:
        self._client().delete_stack(StackName=self.name)

    def status(self) -> str:
        """ "" when there is no such stack."""
        client = self._client()
        try:
            return str(client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except client.exceptions.ClientError:
            return ""

    def wait_waiting(self) -> None:
        """Wait until all is made that is made before the resource that waits."""
        client, until_s = self._client(), time.monotonic() + WAIT_S
        while True:
            events = client.describe_stack_events(StackName=self.name)["StackEvents"]
            statuses = [each["ResourceStatus"] for each in events if each["LogicalResourceId"] == "Wait"]
            if any(status.endswith("_IN_PROGRESS") for status in statuses):
                return
            assert time.monotonic() < until_s, self.status()
            time.sleep(0.005)

    def wait_status(self, status: str) -> None:
        until_s = time.monotonic() + WAIT_S
        while self.status() != status:
            assert time.monotonic() < until_s, self.status()
            time.sleep(0.005)

    def change_sets(self) -> list[str]:
        return [
            each["ChangeSetName"]
            for each in self._client().list_change_sets(StackName=self.name)["Summaries"]
            if each["ExecutionStatus"] == "AVAILABLE"
        ]

    def _request(self, template: str) -> Json:
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {
            "StackName": self.name,
            "TemplateBody": template,
            "Tags": tags,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }

    def _client(self) -> Any:
        return self.aws.root.client("cloudformation", endpoint_url=self.aws.endpoint_url)
