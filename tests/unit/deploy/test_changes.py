"""What a change set would do, read from CloudFormation's description."""

from __future__ import annotations

from typing import Any

import pytest

from livejob.deploy.changes import Effect, ResourceChange, changes_of


def described(action: str, logical_id: str = "Table", **more: object) -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": "AWS::DynamoDB::Table"}
    return {"Type": "Resource", "ResourceChange": {**change, **more}}


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        (described("Add"), Effect.ADD),
        (described("Import"), Effect.ADOPT),
        (described("Remove"), Effect.DELETE),
        (described("Remove", PolicyAction="Delete"), Effect.DELETE),
        (described("Remove", PolicyAction="Retain"), Effect.LEAVE),
        (described("Modify"), Effect.CHANGE),
        (described("Modify", Replacement="False"), Effect.CHANGE),
        (described("Modify", Replacement="Conditional"), Effect.MAY_REPLACE),
        (described("Modify", Replacement="True"), Effect.REPLACE),
        (described("Dynamic"), Effect.MAY_REPLACE),
    ],
)
def test_effect_follows_from_action_and_policy(change: dict[str, Any], effect: Effect):
    """What is kept by policy is not called deleted; what is made anew is not called changed."""
    [found] = changes_of([change])

    assert effect == found.effect


def test_only_what_is_lost_is_destructive():
    """A person is asked about replaced and deleted resources alone."""
    destructive = {
        effect for effect in Effect if ResourceChange(effect, "Table", "AWS::X::Y", "").is_destructive
    }

    assert {Effect.REPLACE, Effect.DELETE} == destructive


def test_losses_come_first():
    """Whoever reads only the top of the list has seen what is lost; then by name."""
    changes = changes_of(
        [
            described("Add", "B"),
            described("Add", "A"),
            described("Modify", "C", Replacement="True"),
            described("Remove", "D"),
        ]
    )

    assert ["D", "C", "A", "B"] == [each.logical_id for each in changes]


def test_changed_properties_are_named_once():
    """Several reasons for one property are one property; an attribute without a name is named itself."""
    details = [
        {"Target": {"Attribute": "Properties", "Name": "Environment"}},
        {"Target": {"Attribute": "Properties", "Name": "Environment"}},
        {"Target": {"Attribute": "Tags"}},
    ]

    [change] = changes_of([described("Modify", Details=details, PhysicalResourceId="runs")])

    assert (
        ResourceChange(Effect.CHANGE, "Table", "AWS::DynamoDB::Table", "runs", ("Environment", "Tags"))
        == change
    )
