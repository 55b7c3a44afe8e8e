"""Who is asked about a deployment, in tests: agrees to all, and remembers what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livejob.deploy.changes import ResourceChange
from livejob.deploy.resources import StageContext, StageMode
from livejob.deploy.review import Repair
from livejob.deploy.stack_view import StackView


@dataclass(slots=True)
class AgreeToAll:
    """A `Review`.

    modes:    those that the stage had when somebody was asked.
    changes:  of each deployment.
    repairs:  of stacks, with the reasons.
    followed: the statuses of stacks that somebody else was changing.
    """

    modes: list[StageMode] = field(default_factory=list)
    changes: list[Sequence[ResourceChange]] = field(default_factory=list)

    repairs: list[tuple[Repair, str]] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)

    def check_mode(self, stage: StageContext, before: StageMode) -> None:
        self.modes.append(before)

    def check_changes(self, changes: Sequence[ResourceChange]) -> None:
        self.changes.append(changes)

    def check_repair(self, stack: StackView, failure: str, repair: Repair) -> None:
        self.repairs.append((repair, failure))

    def tell_followed(self, stack: StackView) -> None:
        self.followed.append(stack.status)
