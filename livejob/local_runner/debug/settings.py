"""What an IDE wants of every run: its breakpoints, its exception filters, the options of its attach request.

Kept from the root session, and given to each run at its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from livejob.local_runner.debug.dap import Message
from livejob.local_runner.debug.paths import LocalPaths, WorkerPaths

CONFIGURING = ("setBreakpoints", "setFunctionBreakpoints", "setExceptionBreakpoints")
"""Requests that say what all runs shall have."""

OWN_ARGUMENTS = ("connect", "host", "port", "listen", "processId", "subProcessId", "pathMappings", "restart")
"""Of the attach request, what is between the IDE and the daemon. Output reaches the IDE by the daemon."""

UNCAUGHT = "uncaught"

Key = tuple[str, str]


def key_of(command: str, arguments: Message) -> Key:
    """What a configuring request replaces: the breakpoints of one file, or all of a kind."""
    return command, str(arguments.get("source", {}).get("path", ""))


@dataclass(slots=True)
class ClientSettings:
    """attach:   arguments of the root's attach request.
    wanted:   the last configuring request of each key.
    aliases:  the IDE's other names for the source directory.
    """

    attach: Message = field(default_factory=dict)
    wanted: dict[Key, Message] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)

    def want(self, command: str, arguments: Message, local: LocalPaths) -> None:
        """Keep a configuring request."""
        key = key_of(command, arguments)
        alias = local.alias_of(key[1]) if key[1] else None
        if alias is not None:
            self.aliases[alias] = None
        self.wanted[key] = arguments

    def attach_arguments(self, local: LocalPaths, worker: WorkerPaths) -> Message:
        """Of the attach request to a run's debugger."""
        kept = {name: value for name, value in self.attach.items() if name not in OWN_ARGUMENTS}
        given: Any = self.attach.get("pathMappings")
        mappings = local.mappings(worker, self.aliases) + (given if isinstance(given, list) else [])
        options = [each for each in kept.get("debugOptions", ()) if each != "RedirectOutput"]
        return {**kept, "pathMappings": mappings, "debugOptions": options, "redirectOutput": False}

    def requests(self, is_uncaught_wanted: bool) -> Iterator[tuple[str, Message]]:
        """All that is to be set, as (command, arguments)."""
        for (command, _), arguments in self.wanted.items():
            yield command, with_uncaught(command, arguments, is_uncaught_wanted)
        if is_uncaught_wanted and ("setExceptionBreakpoints", "") not in self.wanted:
            yield "setExceptionBreakpoints", {"filters": [UNCAUGHT]}


def with_uncaught(command: str, arguments: Message, is_wanted: bool) -> Message:
    """A request with the filter for uncaught exceptions added, if it is one that has filters."""
    if not is_wanted or command != "setExceptionBreakpoints":
        return arguments
    return {**arguments, "filters": sorted({*arguments.get("filters", ()), UNCAUGHT})}
