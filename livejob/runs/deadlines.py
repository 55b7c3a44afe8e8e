"""Until when records are kept and runs may wait: one rule each, for every store.

Deletion times are epoch seconds, as DynamoDB's TTL wants them; all else is epoch milliseconds.
"""

from __future__ import annotations

from livejob.clock import EpochMs
from livejob.wire.limits import QUEUE_TTL_S, RUN_TTL_S


def queue_deadline_ms(due_ms: int, queue_s: int = QUEUE_TTL_S) -> EpochMs:
    """When a run that waits for an attempt from `due_ms` on expires."""
    return EpochMs(due_ms + queue_s * 1000)


def run_deletion_s(ended_ms: int) -> int:
    """When the record of a run that ended at `ended_ms` may be deleted."""
    return ended_ms // 1000 + RUN_TTL_S


def key_deletion_s(created_ms: int) -> int:
    """When an idempotency key used at `created_ms` is free again: before its run's record is deleted."""
    return created_ms // 1000 + RUN_TTL_S


def session_deletion_s(lease_until_ms: int) -> int:
    """When a session that never took its leave may be deleted."""
    return lease_until_ms // 1000 + RUN_TTL_S
