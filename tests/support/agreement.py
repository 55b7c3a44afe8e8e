"""Who is asked about a deployment, in tests: agrees to all, and remembers what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livejob.deploy.changes import ResourceChange
from livejob.deploy.resources import StageContext, StageMode


@dataclass(slots=True)
class AgreeToAll:
    """A `Review`. modes: those that the stage had when somebody was asked; changes: of each deployment."""

    modes: list[StageMode] = field(default_factory=list)
    changes: list[Sequence[ResourceChange]] = field(default_factory=list)

    def check_mode(self, stage: StageContext, before: StageMode) -> None:
        self.modes.append(before)

    def check_changes(self, changes: Sequence[ResourceChange]) -> None:
        self.changes.append(changes)
