"""CodeBuild's operations on builds. Each takes a request's fields and gives the answer's.

Keeps the records, decides who may start, and applies what the build host reports. Called by the emulator
in threads of their own, never on its event loop.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livejob.clock import Clock
from livejob.local_aws.build_host.messages import Fields, Report
from livejob.local_aws.plugs.codebuild.credentials import Credentials
from livejob.local_aws.plugs.codebuild.events import events_of_change
from livejob.local_aws.plugs.codebuild.idempotency import IdempotencyTokens
from livejob.local_aws.plugs.codebuild.limits import QUEUED_BUILDS
from livejob.local_aws.plugs.codebuild.ports import BuildHosts, Records, Scope, Surroundings
from livejob.local_aws.plugs.codebuild.record import build_order, faulted, id_of, new_record, uuid_of
from livejob.local_aws.plugs.codebuild.request import INVALID, Refused, Settings, settings_of

STOP_WAIT_S = 2.0
"""How long StopBuild waits for the build's end, to answer with its final state as AWS mostly does."""

LIMIT_EXCEEDED = "AccountLimitExceededException"
NOT_FOUND = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class _Running:
    """A build that has not ended. `build` is the record in the emulator's store itself."""

    build: Fields
    scope: Scope


class CodeBuildService:
    """The builds of an emulator."""

    def __init__(
        self,
        records: Records,
        surroundings: Surroundings,
        hosts: BuildHosts,
        credentials: Credentials,
        clock: Clock,
        endpoint_url: str,
    ) -> None:
        self._records = records
        self._surroundings = surroundings
        self._hosts = hosts
        self._credentials = credentials
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._tokens = IdempotencyTokens(clock)
        self._running: dict[str, _Running] = {}
        self._changed = threading.Condition()

    def start_build(self, call: Mapping[str, Any]) -> Fields:
        """StartBuild. Answers before the build has begun.

        Raises:
            Refused: as AWS would, or because the local AWS cannot do what is asked.
        """
        scope, name = self._records.scope(), str(call.get("projectName", ""))
        project = self._records.project(name)
        if project is None:
            raise Refused(NOT_FOUND, f"Project cannot be found: {scope.arn(f'project/{name}')}")
        settings = settings_of(project, call)
        self.check_role(settings.service_role, name)
        with self._changed:
            earlier = self._records.builds().get(self._tokens.earlier(call) or "")
            if earlier is not None:
                return {"build": copy.deepcopy(earlier)}
            self._check_limits(project, scope)
            build = self._add(project, settings, scope)
            self._tokens.remember(call, build["id"])
        self._surroundings.put_events(scope, list(events_of_change({}, build)))
        self._send(build, settings, scope)
        return {"build": build}

    def stop_build(self, call: Mapping[str, Any]) -> Fields:
        """StopBuild. Waits a moment for the end; a build that has ended is answered as it is.

        Raises:
            Refused: there is no such build.
        """
        build_id = id_of(str(call.get("id", "")))
        build = self._records.builds().get(build_id)
        if build is None:
            raise Refused(NOT_FOUND, f"Build {call.get('id')} does not exist")
        if self.is_running(build_id):
            self._hosts.stop_build(build_id)
        with self._changed:
            self._changed.wait_for(lambda: not self.is_running(build_id), STOP_WAIT_S)
            return {"build": copy.deepcopy(build)}

    def batch_get_builds(self, call: Mapping[str, Any]) -> Fields:
        """BatchGetBuilds, in the order of the request."""
        builds = self._records.builds()
        wanted = {given: builds.get(id_of(given)) for given in call.get("ids", [])}
        with self._changed:
            return {
                "builds": [copy.deepcopy(build) for build in wanted.values() if build is not None],
                "buildsNotFound": [given for given, build in wanted.items() if build is None],
            }

    def check_role(self, role_arn: str, project_name: str) -> None:
        """Raises Refused unless CodeBuild may assume the role."""
        scope = self._records.scope()
        if not self._surroundings.may_assume(scope, role_arn, scope.arn(f"project/{project_name}")):
            raise Refused(INVALID, f"CodeBuild is not authorized to perform: sts:AssumeRole on {role_arn}")

    def is_running(self, build_id: str) -> bool:
        return build_id in self._running

    def apply(self, report: Report) -> None:
        """Take what the build host reports into the record, and tell EventBridge."""
        running = self._running.get(report.build)
        if running is None:
            return
        with self._changed:
            before = dict(running.build)
            running.build.update(report.changes)
            after = copy.deepcopy(running.build)
            if after["buildComplete"]:
                del self._running[report.build]
                self._credentials.revoke(uuid_of(report.build))
                self._changed.notify_all()
        self._surroundings.put_events(running.scope, list(events_of_change(before, after)))

    def fail(self, build_ids: set[str]) -> None:
        """Their build host has died: those that have not ended end with FAULT."""
        for build_id in build_ids & self._running.keys():
            changes = faulted(self._running[build_id].build, self._clock.now_ms() / 1000)
            self.apply(Report(build_id, changes))

    def _check_limits(self, project: Mapping[str, Any], scope: Scope) -> None:
        if len(self._running) >= QUEUED_BUILDS:
            raise Refused(
                LIMIT_EXCEEDED, f"Cannot have more than {QUEUED_BUILDS} builds in queue for the account"
            )
        name, limit = project["name"], int(project.get("concurrentBuildLimit") or -1)
        active = [r for r in self._running.values() if (r.scope, r.build["projectName"]) == (scope, name)]
        if 0 < limit <= len(active):
            raise Refused(
                LIMIT_EXCEEDED, f"Cannot have more than {limit} active builds for the project {name}"
            )

    def _add(self, project: Mapping[str, Any], settings: Settings, scope: Scope) -> Fields:
        """Make the record and keep it; a copy, which stays as it is."""
        earlier = [b for b in self._records.builds().values() if b["projectName"] == project["name"]]
        initiator, now_s = self._records.initiator(), self._clock.now_ms() / 1000
        build = new_record(project, settings, scope, len(earlier) + 1, initiator, now_s)
        self._running[build["id"]] = _Running(build, scope)
        self._records.add_build(build)
        return copy.deepcopy(build)

    def _send(self, build: Fields, settings: Settings, scope: Scope) -> None:
        build_uuid = uuid_of(build["id"])
        role, session_name = settings.service_role, f"AWSCodeBuild-{build_uuid}"
        token = self._credentials.grant(
            build_uuid, lambda: self._surroundings.open_session(scope, role, session_name)
        )
        self._hosts.start_build(build_order(build, settings, scope, self._endpoint_url, token))
