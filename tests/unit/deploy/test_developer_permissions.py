"""The policy of a developer."""

from __future__ import annotations

import json
from typing import Any

from livejob.deploy.developer_permissions import POLICY_CHARS, developer_policy, developer_statements

UNSCOPED = {"iot:DescribeEndpoint"}
"""Actions for which IAM knows no resource."""


def statements() -> list[dict[str, Any]]:
    return [dict(each) for each in developer_statements("123456789012", "ap-southeast-1")]


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


def test_roles_are_assumed_only_of_jobs_and_passed_only_to_lambda() -> None:
    """The developer becomes jobs, never invokers; and makes nobody but Lambda become an invoker."""
    by_action = {action: each for each in statements() for action in each["Action"]}

    assert ["arn:aws:iam::123456789012:role/livejob-*-job"] == by_action["sts:AssumeRole"]["Resource"]
    assert ["arn:aws:iam::123456789012:role/livejob-*-stub"] == by_action["iam:PassRole"]["Resource"]
    assert {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}} == by_action["iam:PassRole"][
        "Condition"
    ]


def test_resources_are_made_only_by_cloudformation() -> None:
    """Making and deleting resources is allowed to CloudFormation on the developer's behalf."""
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
        "s3:DeleteObject",
        "s3:PutObject",
    } == direct


def test_policy_fits_into_a_managed_policy() -> None:
    """IAM takes no larger one."""
    policy = json.dumps(developer_policy("123456789012", "ap-southeast-1"), separators=(",", ":"))

    assert len(policy) <= POLICY_CHARS
