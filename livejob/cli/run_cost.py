"""What a run costs: on CodeBuild, where it is billed by the minute, and live, where it costs nothing.

By list prices of us-east-1 and the job's present definition: a guide, not a bill. The free minutes of an
account are not counted in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from livejob.deploy.compute import Machine, machine_for
from livejob.project.specs import JobSpec
from livejob.runs.model import Run
from livejob.runs.phases import busy_s


@dataclass(frozen=True, slots=True)
class RunCost:
    """spent: US dollars, by the attempts that CodeBuild executed. elsewhere: what all of its attempts would
    cost there. None where the machine's price is not known.

    minutes: as CodeBuild bills `elsewhere`: each attempt's begun minutes.
    """

    spent: float | None
    elsewhere: float | None
    minutes: int
    machine: Machine | None


def cost_of(run: Run, spec: JobSpec, now_ms: int) -> RunCost:
    """The cost of a run so far."""
    machine = machine_for(spec.architecture, spec.memory_bytes)
    price = machine.price_minute if machine else None
    billed = [
        (each.backend == "codebuild", math.ceil(busy_s(each, now_ms) / 60) or 1) for each in run.attempts
    ]
    minutes = sum(count for _, count in billed)
    on_codebuild = sum(count for is_there, count in billed if is_there)
    return RunCost(
        spent=0.0 if not on_codebuild else None if price is None else on_codebuild * price,
        elsewhere=None if price is None else minutes * price,
        minutes=minutes,
        machine=machine,
    )


def cost_document(cost: RunCost | None) -> dict[str, object] | None:
    """As `--json` prints it; US dollars."""
    if cost is None:
        return None
    machine = cost.machine.name if cost.machine else None
    return {
        "spent_usd": cost.spent,
        "on_codebuild_usd": cost.elsewhere,
        "live_usd": 0.0,
        "minutes": cost.minutes,
        "machine": machine,
    }


def cost_text(cost: RunCost) -> str:
    """For a person: what it cost, and what it would cost the other way."""
    where = f"{cost.minutes} min of {cost.machine.name}" if cost.machine else f"{cost.minutes} min"
    if cost.spent == 0:
        return f"$0 live; on CodeBuild {_dollars(cost.elsewhere)} ({where})"
    return f"{_dollars(cost.spent)} on CodeBuild ({where}); live $0"


def _dollars(amount: float | None) -> str:
    return "a price that is not known" if amount is None else f"${amount:.4g}"
