"""How long each part of an attempt took. Pure.

    due ──queued──▶ machine ──provisioning──▶ claimed ──starting──▶ started ──run──▶ ended

When its machine began to be made, the backend may know. By the record alone it is when the backend was asked.
A run that a session takes is submitted to nobody: it is queued until it is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

from livejob.clock import EpochMs
from livejob.runs.model import Attempt, Run


@dataclass(frozen=True, slots=True)
class Phase:
    """name: queued, provisioning, starting or run. seconds: so far, for the one that goes on."""

    name: str
    seconds: float


def phases_of(run: Run, now_ms: int, machine_ms: int | None = None) -> tuple[Phase, ...]:
    """The phases of the run's present or last attempt; of one that waits, how long it has waited.

    machine_ms: when the attempt's machine began to be made, if the backend has said so.
    """
    if run.attempts and run.attempts[-1].ended_ms is None:
        return attempt_phases(run.attempts[-1], now_ms, machine_ms)
    if run.is_open:
        return _waiting(run, now_ms, machine_ms)
    return attempt_phases(run.attempts[-1], now_ms, machine_ms) if run.attempts else ()


def attempt_phases(attempt: Attempt, now_ms: int, machine_ms: int | None = None) -> tuple[Phase, ...]:
    """The phases of one attempt, those that were not come to left out."""
    end_ms = now_ms if attempt.ended_ms is None else attempt.ended_ms
    claimed_from_ms = attempt.due_ms
    phases = []
    if attempt.submitted_ms is not None:
        from_ms = attempt.submitted_ms if machine_ms is None else machine_ms
        phases.append(_phase("queued", attempt.due_ms, from_ms))
        claimed_from_ms = EpochMs(from_ms)
    name = "queued" if attempt.submitted_ms is None else "provisioning"
    phases.append(_phase(name, claimed_from_ms, attempt.claimed_ms))
    if attempt.started_ms is None:
        return (*phases, _phase("starting", attempt.claimed_ms, end_ms))
    return (
        *phases,
        _phase("starting", attempt.claimed_ms, attempt.started_ms),
        _phase("run", attempt.started_ms, end_ms),
    )


def busy_s(attempt: Attempt, now_ms: int) -> float:
    """Seconds for which the attempt had, or would have had, a machine of its own."""
    begin_ms = attempt.claimed_ms if attempt.submitted_ms is None else attempt.submitted_ms
    end_ms = now_ms if attempt.ended_ms is None else attempt.ended_ms
    return max(0, end_ms - begin_ms) / 1000


def _waiting(run: Run, now_ms: int, machine_ms: int | None) -> tuple[Phase, ...]:
    since_ms = run.waiting_since_ms
    if run.submitted_ms is None:
        return (_phase("queued", since_ms, now_ms),)
    from_ms = run.submitted_ms if machine_ms is None else machine_ms
    return (_phase("queued", since_ms, from_ms), _phase("provisioning", from_ms, now_ms))


def _phase(name: str, from_ms: int, to_ms: int) -> Phase:
    # The clocks of different machines differ by a little.
    return Phase(name, max(0, to_ms - from_ms) / 1000)
