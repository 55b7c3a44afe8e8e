"""The life of one build: its phases in order, each with its work, in a thread of its own.

    QUEUED -> PROVISIONING -> DOWNLOAD_SOURCE -> the agent's phases -> UPLOAD_ARTIFACTS -> FINALIZING

A failure ends the build by CodeBuild's ways: from PROVISIONING straight to its completion, from later
phases through FINALIZING. Whatever happens, the container is gone before the build is complete.

Source: AWS CodeBuild, 'Build phase transitions'; records of real builds.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore

import requests
from botocore.loaders import Loader
from docker.api.client import APIClient
from docker.errors import DockerException

from livejob.clock import Clock
from livejob.local_aws.build_host.agent_phases import AgentPhases, say_phase_complete
from livejob.local_aws.build_host.aws import RoleAws, credential_variables
from livejob.local_aws.build_host.container import (
    LABEL_BUILD,
    LABEL_HOST,
    Container,
    ContainerSpec,
    create_container,
)
from livejob.local_aws.build_host.engine import connect, engine_errors
from livejob.local_aws.build_host.image import provide_image
from livejob.local_aws.build_host.interrupts import TICK_S, Interrupts
from livejob.local_aws.build_host.logs import BuildLog, NoLog, open_log
from livejob.local_aws.build_host.messages import BuildOrder, Fields
from livejob.local_aws.build_host.phases import (
    FAILED,
    FAULT,
    SUCCEEDED,
    TIMED_OUT,
    BuildInterrupted,
    PhaseFailed,
    Phases,
    Result,
)
from livejob.local_aws.build_host.preparation import Prepared, prepare

STOP_GRACE_S = 5.0
"""From SIGTERM to SIGKILL. What AWS grants is not documented."""


@dataclass(frozen=True, slots=True)
class HostParts:
    """What all builds of a host share.

    engine: DOCKER_HOST and its like.
    slots:  one for each build that may run at the same time.
    owner:  label of the host's containers.
    marker: file that is there while the host may have containers.
    """

    clock: Clock
    loader: Loader
    engine: Mapping[str, str]
    slots: Semaphore
    owner: str
    marker: Path
    stop_grace_s: float = STOP_GRACE_S


class Build:
    """One build; `run` passes through its life, `stop` and `abandon` may be called by other threads."""

    def __init__(self, order: BuildOrder, parts: HostParts, report: Callable[[Fields], None]) -> None:
        self._order = order
        self._parts = parts
        self._report = report
        self._phases = Phases(order.phases, parts.clock, report)
        self._interrupts = Interrupts(parts.clock)
        self._log: BuildLog = NoLog()
        self._client: APIClient | None = None
        self._container: Container | None = None
        self._agent: AgentPhases | None = None  # while the container runs
        self._grace_s = parts.stop_grace_s

    def stop(self) -> None:
        """End it early: SIGTERM, and SIGKILL after a while."""
        self._interrupts.stop()

    def abandon(self) -> None:
        """End it at once, without a last word: whom it would go to may be gone."""
        self._grace_s = 0.0
        self._log = NoLog()
        self._interrupts.stop()

    def run(self) -> None:
        """Pass through the build's life and report it. Does not raise."""
        self._interrupts.set_timeout(self._order.queued_timeout_s, TIMED_OUT)
        status = FAULT
        try:
            self._wait_for_slot()
            try:
                status = self._pass_through()
            finally:
                self._clean()
                self._parts.slots.release()
        except BuildInterrupted as interrupt:
            self._phases.leave(interrupt.result)
            status = interrupt.build_status
        except Exception as error:  # noqa: BLE001  (whatever it is, the build has to end)
            traceback.print_exc(file=sys.stderr)
            self._phases.leave(Result(FAULT, "INTERNAL_SERVICE_ERROR", f"{type(error).__name__}: {error}"))
        self._phases.complete(status)

    def _wait_for_slot(self) -> None:
        self._interrupts.check()
        while not self._parts.slots.acquire(timeout=TICK_S):
            self._interrupts.check()

    def _pass_through(self) -> str:
        self._interrupts.set_timeout(self._order.timeout_s, FAILED)
        self._phases.leave()
        self._phases.enter("PROVISIONING")
        try:
            aws, image = self._provision()
        except PhaseFailed as failure:
            self._phases.leave(failure.result)
            return FAILED
        self._phases.leave(_provisioned(self._order.image, image))
        try:
            is_success = self._execute(aws, image)
        except PhaseFailed as failure:
            say_phase_complete(self._log, self._phases.current, failure.result)
            self._phases.leave(failure.result)
            is_success = False
        self._phases.enter("FINALIZING")
        self._clean()
        self._phases.leave()
        return SUCCEEDED if is_success else FAILED

    def _provision(self) -> tuple[RoleAws, str]:
        order = self._order
        aws = RoleAws(order, self._parts.loader)
        if order.log_group is not None:
            self._log = open_log(aws.logs(), order.log_group, order.log_stream, self._parts.clock, order)
            self._report({"logs": _logs(order, order.log_group)})
        self._client = connect(self._parts.engine)
        with engine_errors(self._parts.engine):
            image = provide_image(self._client, order, aws, self._interrupts.check, self._log.say)
            self._parts.marker.touch()
            self._container = create_container(self._client, self._container_spec(image))
        return aws, image

    def _container_spec(self, image: str) -> ContainerSpec:
        order = self._order
        return ContainerSpec(
            image=image,
            memory_bytes=order.memory_bytes,
            environment={"AWS_ENDPOINT_URL": order.endpoint_url, **credential_variables(order)},
            labels={LABEL_BUILD: order.id, LABEL_HOST: self._parts.owner},
            name=f"codebuild-{order.uuid}",
        )

    def _execute(self, aws: RoleAws, image: str) -> bool:
        """DOWNLOAD_SOURCE to UPLOAD_ARTIFACTS. False when a command failed that takes the build with it."""
        assert self._container is not None
        self._phases.enter("DOWNLOAD_SOURCE")
        self._log.say("Phase is DOWNLOAD_SOURCE")
        prepared = prepare(self._order, image, aws, self._log)
        agent = AgentPhases(self._container, prepared.program, prepared.spec, self._log)
        self._start(self._container, prepared)
        self._agent = agent
        self._phases.leave()
        say_phase_complete(self._log, "DOWNLOAD_SOURCE", Result())
        try:
            agent.follow(self._phases, self._interrupts)
        except PhaseFailed:
            self._agent = None
            raise
        self._agent = None
        if not agent.is_success and self._container.was_out_of_memory():
            self._log.say(f"The container's {self._order.memory_bytes >> 20} MB of memory were used up.")
        if agent.has_passed_post_build:
            self._phases.enter("UPLOAD_ARTIFACTS")
            self._phases.leave()
        return agent.is_success

    def _start(self, container: Container, prepared: Prepared) -> None:
        self._interrupts.check()
        with prepared.tar as tar, engine_errors(self._parts.engine):
            container.upload(tar)
            container.start()

    def _clean(self) -> None:
        """End the container if it still runs, and remove it. Safe to call twice."""
        container, self._container = self._container, None
        if container is not None:
            try:
                if self._agent is not None and self._grace_s > 0 and container.terminate():
                    self._agent.write_rest(self._grace_s)
                container.end_now()
            except (DockerException, requests.RequestException) as error:
                sys.stderr.write(f"The container of {self._order.id} stays for a later sweep: {error}\n")
        self._log.flush(is_urgent=True)
        if self._client is not None:
            self._client.close()


def _provisioned(wanted: str, image: str) -> Result:
    """Also says when another image stands in for the one that was asked for."""
    return Result(message="" if image == wanted else f"{image} stands in for {wanted}")


def _logs(order: BuildOrder, group: str) -> Fields:
    """The record's `logs`, once the stream is there."""
    shown_group, shown_stream = (name.replace("/", "$252F") for name in (group, order.log_stream))
    return {
        "groupName": group,
        "streamName": order.log_stream,
        "deepLink": (
            f"https://console.aws.amazon.com/cloudwatch/home?region={order.region}"
            f"#logsV2:log-groups/log-group/{shown_group}/log-events/{shown_stream}"
        ),
        "cloudWatchLogsArn": (
            f"arn:aws:logs:{order.region}:{order.account}:log-group:{group}:log-stream:{order.log_stream}"
        ),
    }
