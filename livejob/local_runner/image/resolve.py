"""Which image a worker of a runtime gets: the one that is named, AWS's own, or the one that livejob built.

Looks only into the engine; pulls nothing, so a run never waits for a download that nobody asked for.
"""

from __future__ import annotations

from functools import partial

from docker.api.client import APIClient
from docker.errors import ImageNotFound

from livejob.errors import ImageMissing
from livejob.local_runner.engines.docker_connection import DockerConnection

AWS_REPOSITORY = "public.ecr.aws/lambda/python"
BUILT_REPOSITORY = "livejob/python"


def resolve_image(connection: DockerConnection, runtime: str, named: str | None = None) -> str:
    """The name of an image that is in the engine, for `runtime` ("python3.11"). Blocks.

    named: from the settings; nothing else will do then.

    Raises:
        ImageMissing: none of them is there.
        EngineUnavailable: the engine does not answer.
    """
    minor = runtime.removeprefix("python")
    candidates = [named] if named else [f"{AWS_REPOSITORY}:{minor}", f"{BUILT_REPOSITORY}:{minor}"]
    for image in candidates:
        if connection.call(partial(_is_present, image)):
            return image
    if named:
        raise ImageMissing(f"the image {named} is not in the engine", remedy=f"`docker pull {named}`")
    raise ImageMissing(
        f"there is no image for {runtime}: neither {' nor '.join(candidates)}",
        remedy=(
            f"`livejob image build --python {minor}` makes one from this machine's Python, or "
            f"`docker pull {AWS_REPOSITORY}:{minor}`."
        ),
    )


def _is_present(image: str, client: APIClient) -> bool:
    try:
        client.inspect_image(image)
    except ImageNotFound:
        return False
    return True
