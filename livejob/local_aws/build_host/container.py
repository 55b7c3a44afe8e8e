"""One build's container, from its creation to its removal.

As in CodeBuild: root, a writable file system, the memory of the compute type, no swap. In the network of
this machine, because the emulator listens on its loopback alone. Labelled, so that one whose host died
can be told from one in use.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import requests
from docker.api.client import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.types import CancellableStream, LogConfig

from livejob.local_aws.build_host.agent import AGENT, TERMINATE

LABEL_BUILD = "dev.livejob.local-aws.build"
LABEL_HOST = "dev.livejob.local-aws.host"

END_TIMEOUT_S = 10
"""From the agent's last word to the container's end."""

UNREAD_PIECES = 256
"""How much output may wait to be read before the container's own writing is held up."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What the engine is asked for. `environment`: what holds before the build's own variables do."""

    image: str
    memory_bytes: int
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    name: str


class Container:
    """A container of a build. All calls block; none but `end_now` may be called twice."""

    def __init__(self, client: APIClient, container_id: str) -> None:
        self._client = client
        self._id = container_id
        self._output: queue.Queue[bytes | None] = queue.Queue(UNREAD_PIECES)

    def upload(self, tar: IO[bytes]) -> None:
        """Unpack an archive over the root of its file system."""
        self._client.put_archive(self._id, "/", tar)

    def start(self) -> None:
        """Run the agent. From here on `output` gives what it writes."""
        stream = self._client.attach(self._id, stdout=True, stderr=True, stream=True)
        threading.Thread(target=self._read, args=(stream,), name="container-output", daemon=True).start()
        self._client.start(self._id)

    def output(self, timeout_s: float) -> bytes | None:
        """The next piece of output; b"" when there is none in time, None when no more can come."""
        try:
            return self._output.get(timeout=timeout_s)
        except queue.Empty:
            return b""

    def terminate(self) -> bool:
        """SIGTERM to all that runs in it; False when it could not be sent."""
        try:
            command = self._client.exec_create(self._id, ["/bin/sh", "-c", TERMINATE], user="0:0")
            self._client.exec_start(command["Id"])
        except (DockerException, requests.RequestException):
            return False
        return True

    def was_out_of_memory(self) -> bool:
        """True when the kernel ended a process of it for lack of memory. Waits for its end."""
        self._client.wait(self._id, timeout=END_TIMEOUT_S)
        return bool(self._client.inspect_container(self._id)["State"]["OOMKilled"])

    def end_now(self) -> None:
        """SIGKILL if it still runs, and remove it. What is not there any more needs no removal."""
        try:
            self._client.remove_container(self._id, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # its removal is under way already
                raise

    def _read(self, stream: CancellableStream[bytes]) -> None:
        """In a thread of its own, because the engine's stream cannot be read with a time limit."""
        # A lost connection is the end of the output; that the agent said nothing of an end tells the rest.
        with suppress(DockerException, requests.RequestException, OSError, ValueError):
            for piece in stream:
                self._output.put(piece)
        self._output.put(None)
        # The stream's own close leaves the connection to the garbage collector.
        stream._response.close()  # type: ignore[attr-defined]


def create_container(client: APIClient, spec: ContainerSpec) -> Container:
    """Create, without starting, the container of a build."""
    created = client.create_container(
        spec.image,
        entrypoint=["/bin/sh"],
        command=[AGENT],
        user="0:0",
        working_dir="/",
        environment=dict(spec.environment),
        labels=dict(spec.labels),
        name=spec.name,
        host_config=client.create_host_config(
            network_mode="host",
            mem_limit=spec.memory_bytes,
            memswap_limit=spec.memory_bytes,
            # Its output goes to CloudWatch Logs; the engine must not keep a copy.
            log_config=LogConfig(type="none"),
        ),
    )
    return Container(client, created["Id"])
