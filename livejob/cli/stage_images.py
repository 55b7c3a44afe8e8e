"""The images of a stage's container jobs, from an app on this machine. Part of the composition root."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import click

from livejob.cli.style import human_seconds, printable
from livejob.clock import SystemClock
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.images import ImageWatcher, NoImages, RepositoryImages, StageImages
from livejob.deploy.repository import EcrRepository
from livejob.deploy.resources import StageContext
from livejob.deploy.stages import has_image
from livejob.images.docker_command import DockerCommand
from livejob.images.port import order_of
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec


def open_images(
    clients: DeployClients,
    context: StageContext,
    settings: Settings,
    jobs: Mapping[str, JobSpec],
    watcher: ImageWatcher,
) -> StageImages:
    """The images that builds of the stage need; without container jobs neither Docker nor ECR is asked."""
    source = settings.source_directory
    orders = {job: order_of(source, spec) for job, spec in jobs.items() if has_image(context, spec)}
    if not orders:
        return NoImages()
    repository = EcrRepository(clients.ecr, context)
    return RepositoryImages(orders, repository, DockerCommand(os.environ), watcher, SystemClock())


class ImageProgress:
    """Tells how images are made: to a person on stderr, or as JSON lines on stdout."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json

    def begin(self, job: str) -> None:
        self._tell({"event": "ImageBuilding", "job": job}, f"  building the image of {job} …")

    def see(self, line: str) -> None:
        text = click.style(f"    {printable(line)}", dim=True)
        self._tell({"event": "ImageOutput", "line": line}, text)

    def end(self, job: str, seconds: float) -> None:
        mark = click.style("+", fg="green")
        self._tell(
            {"event": "ImagePushed", "job": job, "seconds": round(seconds, 3)},
            f"  {mark} image of {job}  built and pushed  {human_seconds(seconds)}",
        )

    def _tell(self, document: Mapping[str, object], text: str) -> None:
        if self._is_json:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            click.echo(text, err=True)
