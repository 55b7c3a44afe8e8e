"""A run while a session holds it: a value that its execution, the dispatcher and the heartbeat share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from livejob.runs.model import Run

StopReason = Literal["cancel", "timeout", "shutdown"]


@dataclass(slots=True)
class ActiveRun:
    """A run that this session holds, and the wish to stop it.

    heard_s: when this session heard of it (monotonic).
    """

    run: Run
    heard_s: float
    reason: StopReason | None = None
    note: str | None = None  # what its record shall say while it is open; None: nothing was said yet
    has_worker: bool = False
    is_restarting: bool = False  # its source was saved, and its job wants to have what was saved
    pause_s: float | None = None  # its attempt failed, and the next one may begin so much later
    is_disowned: bool = False  # the record says that it is no longer ours: nothing more is written
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, reason: StopReason) -> None:
        """Ask for its end; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self.stop_asked.set()

    def restart(self) -> None:
        """Stop it, and let it be queued again, if it does not end by itself first."""
        if self.reason is None:
            self.is_restarting = True
            self.stop("shutdown")

    def disown(self) -> None:
        self.is_disowned = True
        self.stop("shutdown")
