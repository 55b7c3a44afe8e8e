"""A build executed in the test's own process, where the clock can be stepped; no AWS is needed for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from docker.api.client import APIClient
from docker.errors import NotFound

from livejob.clock import SteppedClock
from livejob.local_aws.build_host.build import Build, HostParts
from livejob.local_aws.build_host.container import LABEL_BUILD
from livejob.local_aws.build_host.messages import BuildOrder, Fields
from livejob.local_aws.build_host.orphans import this_host
from tests.support.engine_fixtures import DockerUnderTest

WAIT_S = 30.0


def a_build_order(image: str = "some/image:1", **fields: Any) -> BuildOrder:
    """An order for a build without source, logs and variables."""
    usual = {
        "id": "project:00000000-0000-4000-8000-000000000001",
        "arn": "arn:aws:codebuild:us-east-1:123456789012:build/project:00000000-0000-4000-8000-000000000001",
        "number": 1,
        "region": "us-east-1",
        "account": "123456789012",
        "initiator": "somebody",
        "phases": (
            {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": 1.0, "endTime": 1.0},
            {"phaseType": "QUEUED", "startTime": 1.0},
        ),
        "image": image,
        "memory_bytes": 1024**3,
        "source_type": "NO_SOURCE",
        "source_location": "",
        "source_version": "",
        "buildspec": None,
        "variables": (),
        "timeout_s": 3600.0,
        "queued_timeout_s": 3600.0,
        "log_group": None,
        "log_stream": "stream",
        "role_arn": "arn:aws:iam::123456789012:role/build",
        "encryption_key": "",
        "endpoint_url": "http://127.0.0.1:1",
        "credentials_url": "http://127.0.0.1:1/credentials",
        "credentials_token": "token",
    }
    return BuildOrder(**{**usual, **fields})


class BuildUnderTest:
    """A build that runs in a thread, and what it has reported."""

    def __init__(
        self, docker: DockerUnderTest, scratch: Path, order: BuildOrder, slots_count: int = 1
    ) -> None:
        self.clock = SteppedClock()
        self.order = order
        self.record: Fields = {}
        parts = HostParts(
            clock=self.clock,
            loader=Loader(),
            engine={"DOCKER_HOST": docker.endpoint.url},
            slots=threading.Semaphore(slots_count),
            owner=this_host(),
            marker=scratch / "builds",
            stop_grace_s=0.5,
        )
        self._client = APIClient(base_url=docker.endpoint.url)
        self._build = Build(order, parts, self.record.update)
        self._thread = threading.Thread(target=self._build.run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._build.stop()

    def wait_ended(self) -> Fields:
        """The record at the build's end."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.record

    def wait_file(self, path: str) -> None:
        """Wait until a command has made that file in the container."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            for container in self.containers():
                try:
                    self._client.get_archive(container, path)
                except NotFound:
                    break
                return
            time.sleep(0.02)
        raise TimeoutError(path)

    def kill_container(self) -> None:
        """End the container as the kernel's out-of-memory killer would."""
        for container in self.containers():
            self._client.kill(container)

    def containers(self) -> list[str]:
        """Ids of the build's containers in the engine, running or not."""
        return containers_of(self._client, self.order.id)

    def close(self) -> None:
        self._build.abandon()
        if self._thread.ident is not None:
            self.wait_ended()
        self._client.close()


def containers_of(client: APIClient, build_id: str) -> list[str]:
    """Ids of a build's containers in the engine, running or not."""
    found = client.containers(all=True, filters={"label": f"{LABEL_BUILD}={build_id}"})
    return [each["Id"] for each in found]
