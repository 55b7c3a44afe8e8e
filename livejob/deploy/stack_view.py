"""A stack as it stands, and what its status lets one do with it. Pure.

Source: CloudFormation, "View stack status" (stack status codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


class Condition(Enum):
    """What can be done with a stack."""

    ABSENT = "absent"
    EMPTY = "empty"  # a change set was made for it and never executed
    USABLE = "usable"
    NEVER_MADE = "never made"  # its creation failed and was rolled back: it holds nothing
    HALF_MADE = "half made"  # its creation failed, and so did taking it back
    HALF_CHANGED = "half changed"  # a change failed, and so did taking it back
    HALF_DELETED = "half deleted"  # its deletion failed
    BUSY = "busy"
    BROKEN = "broken"


_CONDITIONS = {
    "DELETE_COMPLETE": Condition.ABSENT,
    "REVIEW_IN_PROGRESS": Condition.EMPTY,
    "CREATE_COMPLETE": Condition.USABLE,
    "UPDATE_COMPLETE": Condition.USABLE,
    "UPDATE_ROLLBACK_COMPLETE": Condition.USABLE,
    "IMPORT_COMPLETE": Condition.USABLE,
    "IMPORT_ROLLBACK_COMPLETE": Condition.USABLE,
    "ROLLBACK_COMPLETE": Condition.NEVER_MADE,
    "CREATE_FAILED": Condition.HALF_MADE,
    "ROLLBACK_FAILED": Condition.HALF_MADE,
    "UPDATE_ROLLBACK_FAILED": Condition.HALF_CHANGED,
    "DELETE_FAILED": Condition.HALF_DELETED,
}

UNMADE = frozenset({Condition.ABSENT, Condition.EMPTY, Condition.NEVER_MADE, Condition.HALF_MADE})
"""There never was a whole one, or there is none any more."""


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack as it stands. `id` and `status` are "" when there is none."""

    name: str
    id: str = ""
    status: str = ""
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, described: StackTypeDef) -> StackView:
        """From CloudFormation's own description."""
        return cls(
            name=described["StackName"],
            id=described.get("StackId", ""),
            status=described["StackStatus"],
            reason=described.get("StackStatusReason", ""),
            outputs={each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
            tags={each["Key"]: each["Value"] for each in described.get("Tags", [])},
        )

    @property
    def condition(self) -> Condition:
        if not self.status:
            return Condition.ABSENT
        is_busy = self.status.endswith("_IN_PROGRESS")
        return _CONDITIONS.get(self.status, Condition.BUSY if is_busy else Condition.BROKEN)
