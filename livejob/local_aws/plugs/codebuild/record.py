"""A new build: its record as the API shows it, and the order that the build host gets. Pure.

Source: records of real builds (times in seconds with their milliseconds; QUEUED from the first answer on;
no log stream before PROVISIONING).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from livejob.local_aws.build_host.messages import BuildOrder, Fields
from livejob.local_aws.plugs.codebuild.credentials import PATH
from livejob.local_aws.plugs.codebuild.ports import Scope
from livejob.local_aws.plugs.codebuild.request import Settings


def new_record(
    project: Mapping[str, Any], settings: Settings, scope: Scope, number: int, initiator: str, now_s: float
) -> Fields:
    """The record of a build that was just submitted."""
    build_id = f"{project['name']}:{uuid.uuid4()}"
    source_version = {"sourceVersion": settings.source_version} if settings.source_version else {}
    console = f"https://console.aws.amazon.com/cloudwatch/home?region={scope.region}"
    return {
        "id": build_id,
        "arn": scope.arn(f"build/{build_id}"),
        "buildNumber": number,
        "startTime": now_s,
        "currentPhase": "QUEUED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": project["name"],
        "phases": _first_phases(now_s),
        "source": settings.source,
        "secondarySources": [],
        "artifacts": {"location": ""},
        "cache": {"type": "NO_CACHE"},
        "environment": settings.environment,
        "serviceRole": settings.service_role,
        "logs": {"deepLink": f"{console}#logEvent:group=null;stream=null"},
        "timeoutInMinutes": settings.timeout_minutes,
        "queuedTimeoutInMinutes": settings.queued_timeout_minutes,
        "initiator": initiator,
        "encryptionKey": settings.encryption_key,
        **source_version,
    }


def build_order(
    build: Fields, settings: Settings, scope: Scope, endpoint_url: str, credentials_token: str
) -> BuildOrder:
    """The order to execute the build of that record."""
    build_uuid = uuid_of(build["id"])
    logs = settings.logs_config.get("cloudWatchLogs", {})
    prefix = logs.get("streamName")
    group = logs.get("groupName") or f"/aws/codebuild/{build['projectName']}"
    return BuildOrder(
        id=build["id"],
        arn=build["arn"],
        number=build["buildNumber"],
        region=scope.region,
        account=scope.account,
        initiator=build["initiator"],
        phases=tuple(build["phases"]),
        image=settings.environment["image"],
        memory_bytes=settings.memory_bytes,
        source_type=settings.source.get("type", "NO_SOURCE"),
        source_location=settings.source.get("location", ""),
        source_version=settings.source_version,
        buildspec=settings.source.get("buildspec"),
        variables=settings.variables,
        timeout_s=settings.timeout_minutes * 60.0,
        queued_timeout_s=settings.queued_timeout_minutes * 60.0,
        log_group=None if logs.get("status") == "DISABLED" else group,
        log_stream=f"{prefix}/{build_uuid}" if prefix else build_uuid,
        role_arn=settings.service_role,
        encryption_key=settings.encryption_key,
        endpoint_url=endpoint_url,
        credentials_url=f"{endpoint_url}{PATH}{build_uuid}",
        credentials_token=credentials_token,
        pulls_as_role=settings.environment.get("imagePullCredentialsType") == "SERVICE_ROLE",
    )


def faulted(build: Mapping[str, Any], now_s: float) -> Fields:
    """The changes of a record whose build was lost through no fault of its own."""
    *ended, current = build["phases"]
    message = "The build host ended unexpectedly; the emulator's log has more."
    fault = {
        **current,
        "phaseStatus": "FAULT",
        "endTime": now_s,
        "durationInSeconds": int(now_s - current["startTime"]),
        "contexts": [{"statusCode": "INTERNAL_SERVICE_ERROR", "message": message}],
    }
    return {
        "phases": [*ended, fault, {"phaseType": "COMPLETED", "startTime": now_s}],
        "currentPhase": "COMPLETED",
        "buildStatus": "FAULT",
        "buildComplete": True,
        "endTime": now_s,
    }


def uuid_of(build_id: str) -> str:
    return build_id.rpartition(":")[2]


def id_of(given: str) -> str:
    """A build's id, of its id or its ARN."""
    return given.rpartition(":build/")[2] if given.startswith("arn:") else given


def _first_phases(now_s: float) -> list[Fields]:
    submitted = {
        "phaseType": "SUBMITTED",
        "phaseStatus": "SUCCEEDED",
        "startTime": now_s,
        "endTime": now_s,
        "durationInSeconds": 0,
    }
    return [submitted, {"phaseType": "QUEUED", "startTime": now_s}]
