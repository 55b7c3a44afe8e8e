"""The policy of a developer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from livejob.deploy.developer_permissions import (
    POLICY_CHARS,
    deployer_policy,
    developer_policies,
    developer_policy,
)

UNSCOPED = {"ecr:GetAuthorizationToken", "iot:DescribeEndpoint"}
"""Actions for which IAM knows no resource."""


def statements() -> list[dict[str, Any]]:
    """Of all policies of somebody who develops and deploys."""
    policies: list[Any] = list(developer_policies("123456789012", "ap-southeast-1"))
    return [each for policy in policies for each in policy["Statement"]]


def test_no_action_is_a_pattern() -> None:
    """Every action is named."""
    actions = [action for each in statements() for action in each["Action"]]

    assert [] == [action for action in actions if "*" in action]


def test_every_resource_is_livejobs() -> None:
    """All resources are those whose names begin with livejob; what has no resource is known."""
    others = {
        action
        for each in statements()
        for resource in each["Resource"]
        for action in each["Action"]
        if "livejob" not in resource and "client/ses_" not in resource
    }

    assert UNSCOPED == others


def test_roles_are_assumed_only_of_jobs() -> None:
    """The developer becomes jobs, never invokers."""
    assumed = {resource for each in statements_with("sts:AssumeRole") for resource in each["Resource"]}

    assert {"arn:aws:iam::123456789012:role/livejob-*-job"} == assumed


def test_each_role_is_passed_to_its_service_alone() -> None:
    """Nobody but Lambda becomes an invoker or the reconciler, nobody but CodeBuild a job."""
    passed = {
        resource.rpartition("-")[2]: each["Condition"]["StringEquals"]["iam:PassedToService"]
        for each in statements_with("iam:PassRole")
        for resource in each["Resource"]
    }

    assert {
        "stub": "lambda.amazonaws.com",
        "invoker": "lambda.amazonaws.com",
        "reconciler": "lambda.amazonaws.com",
        "job": "codebuild.amazonaws.com",
    } == passed


def test_developers_alone_make_no_build() -> None:
    """Who only develops needs nothing of CodeBuild, and has nothing of it."""
    developer = json.dumps(developer_policy("123456789012", "ap-southeast-1"))

    assert "codebuild" not in developer


def test_resources_are_made_only_by_cloudformation() -> None:
    """Making and deleting resources is allowed to CloudFormation on the developer's behalf; the repository
    of images alone has to be there before a stack is."""
    making = ("Create", "Delete", "Put", "Update")
    direct = {
        action
        for each in statements()
        if "Condition" not in each
        for action in each["Action"]
        if action.split(":")[1].startswith(making)
    }

    assert {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "ecr:CreateRepository",
        "ecr:DeleteRepository",
        "ecr:PutImage",
        "s3:DeleteObject",
        "s3:PutObject",
    } == direct


@pytest.mark.parametrize("policy", [developer_policy, deployer_policy])
def test_policy_fits_into_a_managed_policy(policy: Callable[[str, str], object]) -> None:
    """IAM takes no larger one."""
    text = json.dumps(policy("123456789012", "ap-southeast-1"), separators=(",", ":"))

    assert len(text) <= POLICY_CHARS


def statements_with(action: str) -> list[dict[str, Any]]:
    return [each for each in statements() if action in each["Action"]]
