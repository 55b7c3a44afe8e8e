"""What an invoker stands in: its job, the stage's stores, and how time passes. Plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livejob.clock import Clock
from livejob.runs.store import DocumentStore, RunStore, SessionStore
from livejob.wire.names import StageNames

if TYPE_CHECKING:
    from livejob.project.specs import WhenDisconnected


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """Whose runs an invoker starts, and what happens to them when nobody is attached."""

    stage: StageNames
    job: str
    when_disconnected: WhenDisconnected


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the stage keeps its record."""

    runs: RunStore
    sessions: SessionStore
    documents: DocumentStore


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes: `sleep` takes seconds."""

    clock: Clock
    sleep: Callable[[float], None]
