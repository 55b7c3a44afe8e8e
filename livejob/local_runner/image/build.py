"""Builds the image of a recipe in the engine, unless it is there already.

One tar stream into the engine's import call: no registry, no Dockerfile, no base image. The recipe's
digest is kept as a label, so a second build of the same inputs ends after the comparison.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound

from livejob.errors import ImageBuildFailed
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.bytecode import compiled
from livejob.local_runner.image.interpreter import HostPython
from livejob.local_runner.image.recipe import ENVIRONMENT, Recipe, plan
from livejob.local_runner.image.resolve import BUILT_REPOSITORY
from livejob.local_runner.image.tree import Entry, tar_stream
from livejob.wire.names import TASK_ROOT

LABEL_INPUTS = "dev.livejob.inputs"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that is now in the engine. `is_new` is False when it was there already."""

    tag: str
    python_version: str
    boto3_version: str
    size_bytes: int
    is_new: bool


def build_image(
    connection: DockerConnection, python: HostPython, repository: str = BUILT_REPOSITORY
) -> BuiltImage:
    """Make `livejob/python:3.x` from `python`, a Python of this machine. Blocks.

    Raises:
        ImageBuildFailed: a part is missing or unreadable, or the engine refused the image.
        EngineUnavailable: the engine does not answer.
    """
    if sys.platform != "linux":
        raise ImageBuildFailed(
            "an image for Linux cannot be made from a Python of another system", minor=python.minor
        )
    try:
        recipe = plan(python)
    except OSError as error:
        raise _unreadable(error, python.minor) from error
    return connection.call(partial(_ensure, recipe, repository))


def _ensure(recipe: Recipe, repository: str, client: APIClient) -> BuiltImage:
    tag = f"{repository}:{recipe.python.minor}"
    before = _inspect(client, tag)
    if before is not None and before.digest == recipe.digest:
        return _built(recipe, tag, before, is_new=False)
    _import(client, recipe, repository)
    after = _inspect(client, tag)
    if after is None or after.digest != recipe.digest:
        raise ImageBuildFailed("the engine took the image and does not have it", minor=recipe.python.minor)
    _forget_older(client)
    return _built(recipe, tag, after, is_new=True)


@dataclass(frozen=True, slots=True)
class _Present:
    digest: str
    size_bytes: int


def _inspect(client: APIClient, tag: str) -> _Present | None:
    try:
        facts = client.inspect_image(tag)
    except ImageNotFound:
        return None
    labels = facts["Config"].get("Labels") or {}
    return _Present(labels.get(LABEL_INPUTS, ""), facts["Size"])


def _built(recipe: Recipe, tag: str, image: _Present, is_new: bool) -> BuiltImage:
    version = ".".join(map(str, recipe.python.version))
    return BuiltImage(tag, version, recipe.packages["boto3"], image.size_bytes, is_new)


def _import(client: APIClient, recipe: Recipe, repository: str) -> None:
    changes = [
        *(f'ENV {name}="{value}"' for name, value in ENVIRONMENT.items()),
        f"WORKDIR {TASK_ROOT}",
        'CMD ["python3"]',
        f'LABEL {LABEL_INPUTS}="{recipe.digest}"',
    ]
    with tempfile.TemporaryDirectory(prefix="livejob-image-") as stage:
        tree = {**recipe.tree, **compiled(recipe.python, recipe.tree, Path(stage))}
        try:
            client.import_image_from_stream(
                _readable(tree, recipe.python.minor),
                repository=repository,
                tag=recipe.python.minor,
                changes=changes,
            )
        except APIError as error:
            raise ImageBuildFailed(
                f"the engine refused the image: {error.explanation or error}", minor=recipe.python.minor
            ) from error


def _readable(tree: Mapping[str, Entry], minor: str) -> Iterator[bytes]:
    """The tar stream; a file that cannot be read is not mistaken for a lost connection."""
    try:
        yield from tar_stream(tree)
    except OSError as error:
        raise _unreadable(error, minor) from error


def _unreadable(error: OSError, minor: str) -> ImageBuildFailed:
    return ImageBuildFailed(f"a part of the image cannot be read: {error}", minor=minor)


def _forget_older(client: APIClient) -> None:
    """Remove the images of earlier builds that have lost their name to a newer one, unless a container
    uses them: then a later build removes them."""
    for image in client.images(filters={"dangling": True, "label": LABEL_INPUTS}):
        try:
            client.remove_image(image["Id"])
        except APIError as error:
            if error.status_code not in (404, 409):
                raise ImageBuildFailed(f"an older image stays: {error.explanation}", remedy="") from error
