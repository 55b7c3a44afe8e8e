"""Keeps CDK resources as a template says, one for one. Knows nothing of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

Resource = dict[str, Any]
"""One entry of a template's Resources: Type, Properties, and attributes such as DependsOn."""


class StackResources:
    """The resources of a template in a construct, under the template's own logical ids: references in
    properties stay as they are written."""

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        self._made: dict[str, Resource] = {}

    def make(self, resources: Mapping[str, Resource]) -> None:
        """Make what is new, make anew what differs, take away what is no longer there."""
        for logical_id in dict.fromkeys([*self._made, *resources]):
            wanted = resources.get(logical_id)
            if self._made.get(logical_id) != wanted:
                self._scope.node.try_remove_child(logical_id)
                if wanted is not None:
                    self._new(logical_id, wanted)
        self._made = dict(resources)

    def _new(self, logical_id: str, resource: Resource) -> None:
        made = CfnResource(self._scope, logical_id, type=resource["Type"], properties=resource["Properties"])
        made.override_logical_id(logical_id)
        for name, value in resource.items():
            if name not in ("Type", "Properties"):
                made.add_override(name, value)
