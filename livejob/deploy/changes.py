"""What a change set would do, resource by resource. Pure; made from CloudFormation's own description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What happens to one resource."""

    ADD = "add"
    ADOPT = "adopt"  # it is there already, kept from an earlier stack
    CHANGE = "change"
    REPLACE = "replace"
    MAY_REPLACE = "change or replace"  # known only once what it refers to has changed
    DELETE = "delete"
    LEAVE = "leave"  # it leaves the stack and stays in the account


DESTRUCTIVE = frozenset({Effect.REPLACE, Effect.DELETE})

_EFFECTS = {"Add": Effect.ADD, "Import": Effect.ADOPT, "Remove": Effect.DELETE}
_REPLACEMENTS = {"True": Effect.REPLACE, "Conditional": Effect.MAY_REPLACE}
_ORDER = (
    Effect.DELETE,
    Effect.REPLACE,
    Effect.MAY_REPLACE,
    Effect.LEAVE,
    Effect.CHANGE,
    Effect.ADOPT,
    Effect.ADD,
)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource's change. physical_id: "" for one that is not there yet; properties: what changes."""

    effect: Effect
    logical_id: str
    kind: str  # AWS::Lambda::Function
    physical_id: str
    properties: tuple[str, ...] = ()

    @property
    def is_destructive(self) -> bool:
        """What the resource holds is lost."""
        return self.effect in DESTRUCTIVE


def changes_of(described: Sequence[Mapping[str, Any]]) -> tuple[ResourceChange, ...]:
    """The `Changes` of DescribeChangeSet, the ones that lose something first."""
    changes = [_change(each["ResourceChange"]) for each in described if "ResourceChange" in each]
    return tuple(sorted(changes, key=lambda each: (_ORDER.index(each.effect), each.logical_id)))


def additions_of(template: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """What a template adds where nothing is yet, by name."""
    return tuple(
        ResourceChange(Effect.ADD, name, resource["Type"], "")
        for name, resource in sorted(template["Resources"].items())
    )


def _change(described: Mapping[str, Any]) -> ResourceChange:
    targets = (each.get("Target", {}) for each in described.get("Details", []))
    properties = {each.get("Name") or each.get("Attribute", "") for each in targets}
    return ResourceChange(
        effect=_effect(described),
        logical_id=described["LogicalResourceId"],
        kind=described["ResourceType"],
        physical_id=described.get("PhysicalResourceId", ""),
        properties=tuple(sorted(properties - {""})),
    )


def _effect(described: Mapping[str, Any]) -> Effect:
    action = described["Action"]
    if action == "Remove" and described.get("PolicyAction") == "Retain":
        return Effect.LEAVE
    if action == "Modify":
        return _REPLACEMENTS.get(described.get("Replacement", "False"), Effect.CHANGE)
    return _EFFECTS.get(action, Effect.MAY_REPLACE)  # Dynamic: not known beforehand
