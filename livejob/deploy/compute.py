"""The machines that CodeBuild has: which one a job gets, and what it costs. Pure.

Source: AWS CodeBuild, "Build environment compute modes and types"; prices of us-east-1, on demand, from
"AWS CodeBuild pricing". A price of None is one that no public list has confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livejob.project.specs import Architecture
from livejob.wire.limits import GIB


@dataclass(frozen=True, slots=True)
class Machine:
    """One size. price_minute: US dollars for each minute begun."""

    name: str
    vcpus: int
    memory_gib: int
    price_minute: float | None


MACHINES: Mapping[Architecture, tuple[Machine, ...]] = {
    "x86_64": (
        Machine("BUILD_GENERAL1_SMALL", 2, 3, 0.005),
        Machine("BUILD_GENERAL1_MEDIUM", 4, 7, 0.01),
        Machine("BUILD_GENERAL1_LARGE", 8, 15, 0.02),
        Machine("BUILD_GENERAL1_XLARGE", 36, 70, None),
        Machine("BUILD_GENERAL1_2XLARGE", 72, 145, 0.20),
    ),
    "arm64": (
        Machine("BUILD_GENERAL1_SMALL", 2, 4, 0.0034),
        Machine("BUILD_GENERAL1_MEDIUM", 4, 8, None),
        Machine("BUILD_GENERAL1_LARGE", 8, 16, 0.015),
        Machine("BUILD_GENERAL1_XLARGE", 32, 64, None),
        Machine("BUILD_GENERAL1_2XLARGE", 48, 96, None),
    ),
}
"""By architecture, the smallest first."""

ENVIRONMENT_TYPES: Mapping[Architecture, str] = {"x86_64": "LINUX_CONTAINER", "arm64": "ARM_CONTAINER"}


def machine_for(architecture: Architecture, memory_bytes: int) -> Machine | None:
    """The smallest machine with that much memory; None when there is none so large."""
    fitting = (each for each in MACHINES[architecture] if each.memory_gib * GIB >= memory_bytes)
    return next(fitting, None)
