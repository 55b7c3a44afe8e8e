"""Where a supervisor runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livejob.local_runner.supervisor.debugger import Debugger


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker is, from its start to its end.

    root:         absolute path of the app's source.
    environment:  the worker's own.
    memory_bytes: limit for each process of an attempt; None where a container limits the worker.
    debugger:     None in a worker that is started without.
    """

    root: str
    environment: Mapping[str, str]
    memory_bytes: int | None
    debugger: Debugger | None = None
