"""What CodeBuild tells EventBridge of a build. Pure.

Source: AWS CodeBuild, 'Build notifications input format reference'. The contexts of phases are lists in
the phases, and a list's text in `current-phase-context`, as the reference shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from livejob.local_aws.build_host.messages import Fields

SOURCE = "aws.codebuild"
STATE_CHANGE = "CodeBuild Build State Change"
PHASE_CHANGE = "CodeBuild Build Phase Change"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Event:
    """An event for the default bus."""

    detail_type: str
    resource: str
    detail: Fields


def events_of_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Event]:
    """The events between two states of one build's record; `before` is {} for a new build."""
    information = _information(after)
    for phase in after["phases"][_ended_count(before) : _ended_count(after)]:
        yield Event(PHASE_CHANGE, after["arn"], _phase_detail(after, phase, information))
    if before.get("buildStatus") != after["buildStatus"]:
        yield Event(STATE_CHANGE, after["arn"], _state_detail(after, information))


def _ended_count(build: Mapping[str, Any]) -> int:
    return sum(1 for phase in build.get("phases", []) if "endTime" in phase)


def _state_detail(build: Mapping[str, Any], information: Fields) -> Fields:
    return {
        "build-status": build["buildStatus"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": information,
        "current-phase": build["currentPhase"],
        "current-phase-context": _contexts_text(build["phases"][-1]),
        "version": "1",
    }


def _phase_detail(build: Mapping[str, Any], phase: Mapping[str, Any], information: Fields) -> Fields:
    return {
        "completed-phase": phase["phaseType"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "completed-phase-context": _contexts_text(phase),
        "additional-information": information,
        "completed-phase-status": phase["phaseStatus"],
        "completed-phase-duration-seconds": phase["durationInSeconds"],
        "version": "1",
        "completed-phase-start": _moment(phase["startTime"]),
        "completed-phase-end": _moment(phase["endTime"]),
    }


def _information(build: Mapping[str, Any]) -> Fields:
    environment, source, logs = build["environment"], build["source"], build["logs"]
    return {
        "artifact": {"location": ""},
        "cache": {"type": "NO_CACHE"},
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment["privilegedMode"],
            "image-pull-credentials-type": environment.get("imagePullCredentialsType", "CODEBUILD"),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": list(environment["environmentVariables"]),
        },
        "timeout-in-minutes": build["timeoutInMinutes"],
        "queued-timeout-in-minutes": build["queuedTimeoutInMinutes"],
        "build-complete": build["buildComplete"],
        "build-number": build["buildNumber"],
        "initiator": build["initiator"],
        "build-start-time": _moment(build["startTime"]),
        "source": _given({"location": source.get("location"), "type": source["type"]}),
        "logs": _given(
            {
                "group-name": logs.get("groupName"),
                "stream-name": logs.get("streamName"),
                "deep-link": logs.get("deepLink"),
            }
        ),
        "phases": [_phase(each) for each in build["phases"]],
    }


def _phase(phase: Mapping[str, Any]) -> Fields:
    if "endTime" not in phase:
        return {"start-time": _moment(phase["startTime"]), "phase-type": phase["phaseType"]}
    return {
        "phase-context": list(_contexts(phase)),
        "start-time": _moment(phase["startTime"]),
        "end-time": _moment(phase["endTime"]),
        "duration-in-seconds": phase["durationInSeconds"],
        "phase-type": phase["phaseType"],
        "phase-status": phase["phaseStatus"],
    }


def _contexts(phase: Mapping[str, Any]) -> Iterable[str]:
    return (f"{each['statusCode']}: {each['message']}" for each in phase.get("contexts", []))


def _contexts_text(phase: Mapping[str, Any]) -> str:
    return f"[{', '.join(_contexts(phase))}]"


def _moment(epoch_s: float) -> str:
    """`Sep 1, 2017 4:12:29 PM`, whatever the process's locale is."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    month = _MONTHS[moment.month - 1]
    return f"{month} {moment.day}, {moment.year} {hour}:{moment:%M:%S} {half}"


def _given(fields: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def detail_text(event: Event) -> str:
    """The detail as PutEvents takes it."""
    return json.dumps(event.detail)
