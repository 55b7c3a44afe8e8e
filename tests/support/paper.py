"""A printer of the command line whose lines a test reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from livejob.cli.session_output import Ready
from livejob.deploy.stack_events import ResourceEvent
from livejob.local_runner.events import Event


@dataclass
class Paper:
    """Remembers what it was told, in order."""

    events: list[Event] = field(default_factory=list)

    def prepare(self, ready: Ready) -> None:
        """Nothing to print."""

    def tell_deployment(self, event: ResourceEvent) -> None:
        """Nothing to print."""

    def report(self, event: Event) -> None:
        self.events.append(event)
