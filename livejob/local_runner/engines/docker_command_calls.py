"""What commands ask of the engine's API beside what workers do, one function per step. They block.

Each takes the connected client last, as `DockerConnection.call` gives it; docker's errors end here.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from livejob.errors import ImageMissing, WorkerFailed
from livejob.local_runner.engines import docker_calls as calls
from livejob.local_runner.engines.commands import CommandSpec
from livejob.local_runner.engines.docker_container import command_body

# To all processes but the worker's own, the first of the table: no signal from inside reaches that one.
_TERMINATE = ["/bin/sh", "-c", "kill -TERM -1"]


def create_filled(spec: CommandSpec, client: APIClient) -> calls.Created:
    """Create the container and put the command's files into it."""
    try:
        answer = client.create_container_from_config(command_body(spec))
    except ImageNotFound as error:
        raise ImageMissing(f"the image {spec.image} is not in the engine") from error
    except APIError as error:
        raise WorkerFailed(f"the engine made no container: {error.explanation}") from error
    container_id: str = answer["Id"]
    try:
        client.put_archive(container_id, "/", _archive(spec.files))
    except APIError as error:
        calls.remove(container_id, client)
        raise WorkerFailed(f"the container took no files: {error.explanation}") from error
    return calls.Created(container_id, client.api_version)


def terminate(container_id: str, client: APIClient) -> None:
    """SIGTERM to every process in it. No error when it has ended (409) or is gone (404)."""
    try:
        command = client.exec_create(container_id, _TERMINATE, user="0:0")
        # Not waited for: the engine may lose sight of it when the container ends by it.
        client.exec_start(command["Id"], detach=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise WorkerFailed(f"the container cannot be told to end: {error.explanation}") from error


def look(container_id: str, client: APIClient) -> tuple[bool, calls.State | None]:
    """Whether it runs, and how it ended if it does not; None when the container is gone."""
    try:
        state = client.inspect_container(container_id)["State"]
    except NotFound:
        return False, None
    return state["Running"], calls.State(state["ExitCode"], state["OOMKilled"], state.get("Error", ""))


def discard_image(image: str, client: APIClient) -> None:
    """Remove an image, not its layers, which the next build may use. No error when it is used or gone."""
    try:
        client.remove_image(image, noprune=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise WorkerFailed(f"the image cannot be removed: {error.explanation}") from error


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Files, and the directories above them, as an archive to be unpacked at the root."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for directory in sorted({str(above) for path in files for above in PurePosixPath(path).parents[:-1]}):
            entry = tarfile.TarInfo(directory.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
