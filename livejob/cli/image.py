"""`livejob image`: the image that workers run in, made here where no registry can be reached."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

import click

from livejob.cli.options import GlobalOptions, global_options
from livejob.errors import PythonMissing
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.image.build import BuiltImage, build_image
from livejob.local_runner.image.interpreter import HostPython, find_python, inspect_python, parse_minor

_MEGABYTE = 1000 * 1000


@click.group()
def command() -> None:
    """The image that workers run in."""


@command.command()
@click.option("--python", "version", metavar="3.x", help="Version; default: that of livejob's own Python.")
@click.option(
    "--from",
    "executable",
    metavar="PATH",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take this interpreter, instead of the first one found.",
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def build(_: GlobalOptions, version: str | None, executable: Path | None, is_json: bool) -> None:
    """Make livejob/python:3.x, an equivalent of public.ecr.aws/lambda/python:3.x, from this machine's
    Python. Nothing is downloaded, and nothing done when the image is there and its parts have not changed.
    """
    python = _chosen_python(version, executable)
    connection = DockerConnection(find_endpoint(os.environ))
    try:
        image = build_image(connection, python)
    finally:
        connection.close()
    if is_json:
        click.echo(json.dumps(asdict(image)))
    else:
        click.echo(_said(image), err=True)


def _chosen_python(version: str | None, executable: Path | None) -> HostPython:
    if executable is None:
        running = ".".join(platform.python_version_tuple()[:2])
        return find_python(parse_minor(version or running), os.environ)
    python = inspect_python(executable)
    if python is None or (version is not None and python.minor != parse_minor(version)):
        raise PythonMissing(f"{executable} is no CPython {version or ''}", minor=version or "3.x")
    parse_minor(python.minor)
    return python


def _said(image: BuiltImage) -> str:
    did = "built" if image.is_new else "is there already"
    size = f"{image.size_bytes / _MEGABYTE:.0f} MB"
    return f"{image.tag} {did}: Python {image.python_version}, boto3 {image.boto3_version}, {size}"
