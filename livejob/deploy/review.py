"""Who stands behind a deployment: is asked before something is lost, and told what is waited for. A port.

Implementations: `livejob.cli.review.ConsoleReview`, and `AgreeToAll` of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from livejob.deploy.changes import ResourceChange
from livejob.deploy.resources import StageContext, StageMode
from livejob.deploy.stack_view import StackView


class Repair(Enum):
    """What makes a stack usable again after a failure."""

    DELETE = "delete"  # what is left of it; it is made again afterwards
    ROLL_BACK = "roll back"  # to what it was before the change that failed


class Review(Protocol):
    """Whoever does not agree raises."""

    def check_mode(self, stage: StageContext, before: StageMode) -> None:
        """The stage is deployed in the other mode, `before`."""
        ...

    def check_changes(self, changes: Sequence[ResourceChange]) -> None:
        """These changes are about to be made; the ones that lose something come first."""
        ...

    def check_repair(self, stack: StackView, failure: str, repair: Repair) -> None:
        """An earlier operation on the stack failed, for the reason `failure`; it can be repaired so."""
        ...

    def tell_followed(self, stack: StackView) -> None:
        """Somebody else changes the stack, or a deployment that was interrupted: its steps are told from
        here on, and then this deployment goes on."""
        ...
