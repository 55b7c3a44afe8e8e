"""CodeBuild's operations on builds. Each takes a request's fields and gives the answer's.

Keeps the records, decides who may start, and applies what the build host reports. Called by the emulator
in threads of their own, never on its event loop; knows the emulator by the port `Emulator` alone.
"""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from livejob.clock import Clock
from livejob.local_aws.build_host.messages import BuildOrder, Fields, Report
from livejob.local_aws.plugs.codebuild.credentials import PATH, Credentials, Session
from livejob.local_aws.plugs.codebuild.events import Event, events_of_change
from livejob.local_aws.plugs.codebuild.limits import IDEMPOTENCY_S, QUEUED_BUILDS
from livejob.local_aws.plugs.codebuild.request import INVALID, Refused, Settings, settings_of

STOP_WAIT_S = 2.0
"""How long StopBuild waits for the build's end, to answer with its final state as AWS mostly does."""

LIMIT_EXCEEDED = "AccountLimitExceededException"
NOT_FOUND = "ResourceNotFoundException"

_NO_LOGS_YET = {
    "deepLink": "https://console.aws.amazon.com/cloudwatch/home?region={region}#logEvent:group=null;stream=null"
}


class Emulator(Protocol):
    """What the service needs of the emulator. Account and region are those of the current request."""

    account: str
    region: str

    def project(self, name: str) -> Fields | None: ...

    def project_arn(self, name: str) -> str: ...

    def builds(self) -> Mapping[str, Fields]:
        """The records of the account and region, by id."""
        ...

    def add_build(self, build: Fields) -> None: ...

    def initiator(self) -> str:
        """Who makes the current request: a user's name or `role/session`."""
        ...

    def may_assume(self, role_arn: str, project_arn: str) -> bool:
        """True when the role is there and trusts CodeBuild."""
        ...

    def open_session(self, role_arn: str, name: str) -> Session: ...

    def put_events(self, events: list[Event]) -> None: ...

    def scope(self, account: str, region: str) -> AbstractContextManager[None]:
        """Outside a request: account and region are these."""
        ...


class BuildHosts(Protocol):
    """Who executes builds."""

    def start_build(self, order: BuildOrder) -> None: ...

    def stop_build(self, build_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Token:
    call: Fields
    build_id: str
    used_s: float


@dataclass(frozen=True, slots=True)
class _Running:
    """A build that has not ended: its record, which is also in the emulator's store, and whose it is."""

    build: Fields
    account: str
    region: str


class CodeBuildService:
    """The builds of an emulator."""

    def __init__(
        self, emulator: Emulator, hosts: BuildHosts, credentials: Credentials, clock: Clock, endpoint_url: str
    ) -> None:
        self._emulator = emulator
        self._hosts = hosts
        self._credentials = credentials
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._changed = threading.Condition()
        self._running: dict[str, _Running] = {}
        self._tokens: dict[str, _Token] = {}

    def start_build(self, call: Mapping[str, Any]) -> Fields:
        """StartBuild. Answers before the build has begun.

        Raises:
            Refused: as AWS would, or because the local AWS cannot do what is asked.
        """
        name = str(call.get("projectName", ""))
        project = self._emulator.project(name)
        if project is None:
            raise Refused(NOT_FOUND, f"Project cannot be found: {self._emulator.project_arn(name)}")
        settings = settings_of(project, call)
        self.check_role(settings.service_role, name)
        with self._changed:
            earlier = self._earlier(call)
            if earlier is not None:
                return {"build": copy.deepcopy(earlier)}
            self._check_limits(project)
            build = self._record(project, settings)
            self._running[build["id"]] = _Running(build, self._emulator.account, self._emulator.region)
            self._emulator.add_build(build)
            self._remember(call, build["id"])
            answer = copy.deepcopy(build)
        self._emulator.put_events(list(events_of_change({}, answer)))
        self._hosts.start_build(self._order(answer, settings))
        return {"build": answer}

    def stop_build(self, call: Mapping[str, Any]) -> Fields:
        """StopBuild. Waits a moment for the end; a build that has ended is answered as it is.

        Raises:
            Refused: there is no such build.
        """
        build_id = _build_id(str(call.get("id", "")))
        build = self._emulator.builds().get(build_id)
        if build is None:
            raise Refused(NOT_FOUND, f"Build {call.get('id')} does not exist")
        if build_id in self._running:
            self._hosts.stop_build(build_id)
        with self._changed:
            self._changed.wait_for(lambda: build_id not in self._running, STOP_WAIT_S)
            return {"build": copy.deepcopy(build)}

    def batch_get_builds(self, call: Mapping[str, Any]) -> Fields:
        """BatchGetBuilds, in the order of the request."""
        builds = self._emulator.builds()
        wanted = {given: builds.get(_build_id(given)) for given in call.get("ids", [])}
        with self._changed:
            return {
                "builds": [copy.deepcopy(build) for build in wanted.values() if build is not None],
                "buildsNotFound": [given for given, build in wanted.items() if build is None],
            }

    def check_role(self, role_arn: str, project_name: str) -> None:
        """Raises Refused unless CodeBuild may assume the role."""
        if not self._emulator.may_assume(role_arn, self._emulator.project_arn(project_name)):
            raise Refused(INVALID, f"CodeBuild is not authorized to perform: sts:AssumeRole on {role_arn}")

    def is_running(self, build_id: str) -> bool:
        return build_id in self._running

    def apply(self, report: Report) -> None:
        """Take a report of the build host into the record, and tell EventBridge."""
        running = self._running.get(report.build)
        if running is None:
            return
        with self._changed:
            before = {**running.build}
            running.build.update(report.changes)
            after = copy.deepcopy(running.build)
        with self._emulator.scope(running.account, running.region):
            self._emulator.put_events(list(events_of_change(before, after)))
        if after["buildComplete"]:
            self._forget(report.build)

    def fail_all(self) -> None:
        """The build host has died, and with it every build that it had."""
        now_s = self._now_s()
        for running in list(self._running.values()):
            phases = [*running.build["phases"][:-1], _faulted(running.build["phases"][-1], now_s)]
            phases.append({"phaseType": "COMPLETED", "startTime": now_s})
            ended = {"buildStatus": "FAULT", "buildComplete": True, "endTime": now_s}
            changes = {"phases": phases, "currentPhase": "COMPLETED", **ended}
            self.apply(Report(running.build["id"], changes))

    def _forget(self, build_id: str) -> None:
        self._credentials.revoke(_uuid(build_id))
        with self._changed:
            self._running.pop(build_id, None)
            self._changed.notify_all()

    def _earlier(self, call: Mapping[str, Any]) -> Fields | None:
        """The build that an earlier call with the same idempotency token has started."""
        token = self._tokens.get(str(call.get("idempotencyToken") or ""))
        if token is None or self._clock.monotonic_s() - token.used_s > IDEMPOTENCY_S:
            return None
        if token.call != dict(call):
            raise Refused(
                INVALID, f"Request parameter mismatch for idempotency token {call['idempotencyToken']}"
            )
        return self._emulator.builds().get(token.build_id)

    def _remember(self, call: Mapping[str, Any], build_id: str) -> None:
        if call.get("idempotencyToken"):
            used = _Token(dict(call), build_id, self._clock.monotonic_s())
            self._tokens[str(call["idempotencyToken"])] = used

    def _check_limits(self, project: Mapping[str, Any]) -> None:
        if len(self._running) >= QUEUED_BUILDS:
            raise Refused(
                LIMIT_EXCEEDED, f"Cannot have more than {QUEUED_BUILDS} builds in queue for the account"
            )
        limit = int(project.get("concurrentBuildLimit") or -1)
        active_count = sum(1 for each in self._running.values() if _is_of(each, project["arn"]))
        if 0 < limit <= active_count:
            raise Refused(
                LIMIT_EXCEEDED, f"Cannot have more than {limit} active builds for the project {project['name']}"
            )

    def _record(self, project: Mapping[str, Any], settings: Settings) -> Fields:
        account, region = self._emulator.account, self._emulator.region
        build_id = f"{project['name']}:{uuid.uuid4()}"
        now_s = self._now_s()
        earlier_count = sum(1 for b in self._emulator.builds().values() if b["projectName"] == project["name"])
        source_version = {"sourceVersion": settings.source_version} if settings.source_version else {}
        return {
            "id": build_id,
            "arn": f"arn:aws:codebuild:{region}:{account}:build/{build_id}",
            "buildNumber": earlier_count + 1,
            "startTime": now_s,
            "currentPhase": "QUEUED",
            "buildStatus": "IN_PROGRESS",
            "buildComplete": False,
            "projectName": project["name"],
            "phases": [
                {
                    "phaseType": "SUBMITTED",
                    "phaseStatus": "SUCCEEDED",
                    "startTime": now_s,
                    "endTime": now_s,
                    "durationInSeconds": 0,
                },
                {"phaseType": "QUEUED", "startTime": now_s},
            ],
            "source": settings.source,
            "secondarySources": [],
            "artifacts": {"location": ""},
            "cache": {"type": "NO_CACHE"},
            "environment": settings.environment,
            "serviceRole": settings.service_role,
            "logs": {name: text.format(region=region) for name, text in _NO_LOGS_YET.items()},
            "timeoutInMinutes": settings.timeout_minutes,
            "queuedTimeoutInMinutes": settings.queued_timeout_minutes,
            "initiator": self._emulator.initiator(),
            "encryptionKey": settings.encryption_key,
            **source_version,
        }

    def _order(self, build: Fields, settings: Settings) -> BuildOrder:
        account, region, build_uuid = self._emulator.account, self._emulator.region, _uuid(build["id"])
        role, session_name = settings.service_role, f"AWSCodeBuild-{build_uuid}"

        def open_session() -> Session:
            with self._emulator.scope(account, region):
                return self._emulator.open_session(role, session_name)

        logs = settings.logs_config.get("cloudWatchLogs", {})
        prefix = logs.get("streamName")
        return BuildOrder(
            id=build["id"],
            arn=build["arn"],
            number=build["buildNumber"],
            region=region,
            account=account,
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
            log_group=(
                None
                if logs.get("status") == "DISABLED"
                else logs.get("groupName") or f"/aws/codebuild/{build['projectName']}"
            ),
            log_stream=f"{prefix}/{build_uuid}" if prefix else build_uuid,
            role_arn=role,
            encryption_key=settings.encryption_key,
            endpoint_url=self._endpoint_url,
            credentials_url=f"{self._endpoint_url}{PATH}{build_uuid}",
            credentials_token=self._credentials.grant(build_uuid, open_session),
        )

    def _now_s(self) -> float:
        return self._clock.now_ms() / 1000


def _is_of(running: _Running, project_arn: str) -> bool:
    build = running.build
    return f"arn:aws:codebuild:{running.region}:{running.account}:project/{build['projectName']}" == project_arn


def _faulted(phase: Mapping[str, Any], now_s: float) -> Fields:
    message = "The build host ended unexpectedly; the emulator's log has more."
    return {
        **phase,
        "phaseStatus": "FAULT",
        "endTime": now_s,
        "durationInSeconds": int(now_s - phase["startTime"]),
        "contexts": [{"statusCode": "INTERNAL_SERVICE_ERROR", "message": message}],
    }


def _build_id(given: str) -> str:
    """A build's id, of its id or its ARN."""
    return given.rpartition(":build/")[2] if given.startswith("arn:") else given


def _uuid(build_id: str) -> str:
    return build_id.rpartition(":")[2]
