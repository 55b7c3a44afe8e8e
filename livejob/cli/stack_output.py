"""What a person sees of a deployment: what will change, what has changed, one line for each resource."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

import click

from livejob.cli.style import human_seconds
from livejob.deploy.changes import Effect, ResourceChange
from livejob.deploy.stack_events import ResourceEvent

_MARKS = {
    Effect.ADD: ("+", "green"),
    Effect.ADOPT: ("+", "green"),
    Effect.CHANGE: ("~", "yellow"),
    Effect.REPLACE: ("±", "red"),
    Effect.MAY_REPLACE: ("~", "yellow"),
    Effect.DELETE: ("-", "red"),
    Effect.LEAVE: ("-", "yellow"),
}
_WORDS = {
    Effect.ADD: "is added",
    Effect.ADOPT: "is taken over as it is",
    Effect.CHANGE: "is changed",
    Effect.REPLACE: "is REPLACED: deleted and made anew",
    Effect.MAY_REPLACE: "is changed, or replaced if what it refers to is",
    Effect.DELETE: "is DELETED",
    Effect.LEAVE: "leaves the stack and stays in the account",
}
_DONE_WORDS = {
    Effect.ADD: "added",
    Effect.ADOPT: "taken over",
    Effect.CHANGE: "changed",
    Effect.REPLACE: "replaced",
    Effect.MAY_REPLACE: "changed",
    Effect.DELETE: "deleted",
    Effect.LEAVE: "left in the account",
}
_DONE = {
    "CREATE": ("+", "green"),
    "IMPORT": ("+", "green"),
    "UPDATE": ("~", "yellow"),
    "DELETE": ("-", "red"),
}


def describe_changes(changes: Sequence[ResourceChange]) -> str:
    """Each change in a line, with its name and what of it changes; and how many there are of a kind."""
    return "\n".join([*change_lines(changes), "", count_changes(changes)])


def change_lines(changes: Sequence[ResourceChange]) -> list[str]:
    """Each change in a line, with its name and what of it changes."""
    width = max((len(each.logical_id) for each in changes), default=0)
    return [_line(each, width) for each in changes]


def count_changes(changes: Sequence[ResourceChange]) -> str:
    """Like `3 to add, 1 to change, 1 to delete`."""
    counts = Counter(each.effect for each in changes)
    return ", ".join(f"{counts[effect]} to {effect}" for effect in Effect if counts[effect])


def count_done(changes: Sequence[ResourceChange]) -> str:
    """Like `3 added, 1 deleted`; "" for none."""
    counts = Counter(_DONE_WORDS[each.effect] for each in changes)
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def change_document(change: ResourceChange) -> dict[str, object]:
    """The change as JSON has it."""
    return dataclasses.asdict(change)


class StackProgress:
    """Tells a stack's events as they come: to a person on stderr, or as JSON lines on stdout."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._begun_ms: dict[str, int] = {}

    def tell(self, event: ResourceEvent) -> None:
        """One step with one resource."""
        if self._is_json:
            click.echo(json.dumps({"event": "Resource", **dataclasses.asdict(event)}, ensure_ascii=False))
        action, _, state = event.status.partition("_")
        if event.is_stack or "ROLLBACK" in event.status:
            return
        if state == "IN_PROGRESS":
            self._begun_ms.setdefault(event.logical_id, event.at_ms)
            return
        if not self._is_json:
            click.echo(self._resource_line(event, action, state), err=True)

    def _resource_line(self, event: ResourceEvent, action: str, state: str) -> str:
        if state == "FAILED":
            return click.style(f"  ✗ {event.logical_id}  {event.kind}: {event.reason}", fg="red")
        mark, colour = _DONE.get(action, ("·", "bright_black"))
        took = ""
        begun_ms = self._begun_ms.pop(event.logical_id, None)
        if begun_ms is not None:
            took = f"  {human_seconds((event.at_ms - begun_ms) / 1000)}"
        kind = click.style(event.kind.removeprefix("AWS::"), dim=True)
        return f"  {click.style(mark, fg=colour)} {event.logical_id}  {kind}{took}"


def _line(change: ResourceChange, width: int) -> str:
    mark, colour = _MARKS[change.effect]
    name = f" {change.physical_id}" if change.physical_id else ""
    properties = f" ({', '.join(change.properties)})" if change.properties else ""
    kind = change.kind.removeprefix("AWS::")
    text = f"{change.logical_id:<{width}}  {kind}{name} {_WORDS[change.effect]}{properties}"
    return f"  {click.style(mark, fg=colour)} {text}"
