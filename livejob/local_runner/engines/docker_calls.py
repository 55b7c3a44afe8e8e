"""What the docker engine asks of the API, one function per step. They block; docker's errors end here.

Each takes the connected client last, as `DockerConnection.call` gives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import requests
from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from livejob.errors import ImageMissing, WorkerFailed
from livejob.local_runner.engines.docker_container import container_body
from livejob.local_runner.engines.docker_user import User
from livejob.local_runner.engines.port import EngineInfo, WorkerSpec
from livejob.wire.ids import SessionId
from livejob.wire.names import LABEL_APP, LABEL_OWNER, LABEL_STAGE

STOP_WAIT_S = 10
"""How long a container may go on after its channel has ended, before it is killed."""

KILLED = 137
"""128 + SIGKILL, as the engine says it."""

_RETRY = "The next run tries again; the message above is the engine's own."


@dataclass(frozen=True, slots=True)
class Created:
    id: str
    api_version: str


@dataclass(frozen=True, slots=True)
class State:
    exit_code: int
    is_out_of_memory: bool
    error: str


def engine_info(network: str, client: APIClient) -> EngineInfo:
    version = client.version()
    components = {each.get("Name", "") for each in version.get("Components") or ()}
    name = "podman" if "Podman Engine" in components else "docker"
    notes = []
    if is_rootless(client):
        notes.append("the engine is rootless: workers run as uid 0, which is you")
    if network == "bridge" and not client.networks(names=["bridge"]):
        notes.append("the engine has no bridge: workers have no network but their own loopback")
    return EngineInfo(name, version["Version"], tuple(notes))


def is_rootless(client: APIClient) -> bool:
    return "name=rootless" in (client.info().get("SecurityOptions") or ())


def create(spec: WorkerSpec, user: User, network: str, client: APIClient) -> Created:
    try:
        answer = client.create_container_from_config(container_body(spec, user, network))
    except ImageNotFound as error:
        raise ImageMissing(f"the image {spec.image} is not in the engine") from error
    except APIError as error:
        raise WorkerFailed(f"the engine made no container: {error.explanation}", remedy=_RETRY) from error
    return Created(answer["Id"], client.api_version)


def start(container_id: str, client: APIClient) -> None:
    try:
        client.start(container_id)
    except APIError as error:
        raise WorkerFailed(f"the container did not start: {error.explanation}", remedy=_RETRY) from error


def kill(container_id: str, client: APIClient) -> None:
    """SIGKILL to everything in it. No error when it has ended (409) or is gone (404)."""
    try:
        client.kill(container_id)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise WorkerFailed(f"the container cannot be killed: {error.explanation}", remedy="") from error


def last_state(container_id: str, client: APIClient) -> State | None:
    """Wait for the container's end and say how it was; None when the container is gone."""
    try:
        try:
            client.wait(container_id, timeout=STOP_WAIT_S)
        except requests.Timeout:
            kill(container_id, client)
            client.wait(container_id)
        state = client.inspect_container(container_id)["State"]
    except NotFound:
        return None
    return State(state["ExitCode"], state["OOMKilled"], state.get("Error", ""))


def remove(container_id: str, client: APIClient) -> None:
    """With its anonymous volumes. No error when it is gone (404) or on its way out (409)."""
    try:
        client.remove_container(container_id, force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise WorkerFailed(f"the container cannot be removed: {error.explanation}", remedy="") from error


def sweep(app: str, stage: str, live: frozenset[SessionId], client: APIClient) -> int:
    ours = client.containers(all=True, filters={"label": [f"{LABEL_APP}={app}", f"{LABEL_STAGE}={stage}"]})
    orphans = [each["Id"] for each in ours if each["Labels"].get(LABEL_OWNER) not in live]
    for container_id in orphans:
        remove(container_id, client)
    return len(orphans)
