"""A build's phases as they pass, and how a build ends. Reports each change as fields of the record.

Source: AWS CodeBuild, 'Build phase transitions', and records of real builds: a phase that succeeded has
a context with two empty strings; COMPLETED has neither a status nor an end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livejob.clock import Clock
from livejob.local_aws.build_host.messages import Fields

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
STOPPED = "STOPPED"
TIMED_OUT = "TIMED_OUT"
FAULT = "FAULT"
CLIENT_ERROR = "CLIENT_ERROR"
"""Status of a phase, never of a build: what was asked for cannot be had (image, permission, source)."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a phase ended: its status, and why (both "" when all went well)."""

    status: str = SUCCEEDED
    code: str = ""
    message: str = ""

    @property
    def is_success(self) -> bool:
        return self.status == SUCCEEDED


PASSED = Result()


class PhaseFailed(Exception):
    """The phase in which this is raised has failed, and with it the build."""

    def __init__(self, code: str, message: str, status: str = FAILED) -> None:
        super().__init__(f"{code}: {message}")
        self.result = Result(status, code, message)


class BuildInterrupted(Exception):
    """The build was stopped or has run out of time; whatever it does must end."""

    def __init__(self, build_status: str, result: Result) -> None:
        super().__init__(result.status)
        self.build_status = build_status
        self.result = result


class Phases:
    """The ledger of one build. Used by the build's own thread alone."""

    def __init__(self, so_far: Sequence[Fields], clock: Clock, report: Callable[[Fields], None]) -> None:
        self._phases = [dict(phase) for phase in so_far]
        self._clock = clock
        self._report = report

    @property
    def current(self) -> str:
        return str(self._phases[-1]["phaseType"])

    def leave(self, result: Result = Result()) -> None:
        """End the current phase. `enter` or `complete` comes next and tells both."""
        phase = self._phases[-1]
        phase["phaseStatus"] = result.status
        phase["endTime"] = self._now()
        phase["durationInSeconds"] = int(phase["endTime"] - phase["startTime"])
        if phase["phaseType"] not in ("SUBMITTED", "QUEUED") or not result.is_success:
            phase["contexts"] = [{"statusCode": result.code, "message": result.message}]

    def enter(self, name: str) -> None:
        """Begin a phase."""
        self._phases.append({"phaseType": name, "startTime": self._now()})
        self._report({"currentPhase": name, "phases": list(self._phases)})

    def complete(self, build_status: str) -> None:
        """End the build: nothing follows."""
        now = self._now()
        self._phases.append({"phaseType": "COMPLETED", "startTime": now})
        self._report(
            {
                "currentPhase": "COMPLETED",
                "phases": list(self._phases),
                "buildStatus": build_status,
                "buildComplete": True,
                "endTime": now,
            }
        )

    def _now(self) -> float:
        return self._clock.now_ms() / 1000
