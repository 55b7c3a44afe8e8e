"""Installs packages inside the image that a job runs in: those that have no wheel are built there, against
the Python and the libraries that they will find.

uv is lent to the container where it can run there (Linux, the same architecture); else the image's own pip is
used. What a package's build does stays in the container, which sees the app's directory and nothing else of
this machine. Knows nothing of bundles; called by the command line, through the port of `deploy.dependencies`.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote

from docker.api.client import APIClient
from docker.errors import APIError

from livejob.errors import DependenciesUnusable
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.image.resolve import resolve_image

TIMEOUT_S = 1800
UV_IN_CONTAINER = "/opt/livejob-uv"

_DOCKERS_NAMES = {"x86_64": "amd64", "arm64": "arm64"}
_PREFIXES = ("UV_", "PIP_")
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"})
_NO_COMPILER = ("gcc", "cc: not found", "g++", "No such file or directory: 'cc'")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of this machine a build needs.

    environment: of this process; settings of uv, pip and proxies are handed on.
    user:        `uid:gid` to whom the installed files shall belong.
    uv:          the program, for this machine.
    """

    environment: Mapping[str, str]
    user: str
    uv: Path


class ImageInstaller:
    """Installs for one app.

    directory: of the app; everything that is read and written lies below it.
    named:     the image, if the settings name one.
    tell:      gets a line before a build begins.
    """

    def __init__(
        self,
        connection: DockerConnection,
        directory: Path,
        named: str | None,
        surroundings: Surroundings,
        tell: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._directory = directory
        self._named = named
        self._surroundings = surroundings
        self._tell = tell

    def install(self, requirements: Path, runtime: str, architecture: str, into: Path) -> None:
        """Install what the file asks for into a directory. Blocks, for minutes if much has to be compiled.

        runtime: `python3.12`; architecture: `x86_64` or `arm64`.

        Raises:
            EngineUnavailable, ImageMissing
            DependenciesUnusable: a package could not be built; its build's own words are in the message.
        """
        image = resolve_image(self._connection, runtime, self._named)
        self._check_architecture(image, architecture)
        self._tell(f"not every package has a wheel: building inside {image}")
        command = self._command(requirements, into, architecture)
        try:
            code, output = self._connection.call(partial(self._run, image, command, requirements.parent))
        except APIError as error:
            raise DependenciesUnusable(f"{image} could not be started: {error.explanation}") from error
        if code != 0:
            raise _failed(image, output)

    def _check_architecture(self, image: str, architecture: str) -> None:
        found = self._connection.call(lambda client: client.inspect_image(image))["Architecture"]
        wanted = _DOCKERS_NAMES[architecture]
        if found != wanted:
            raise DependenciesUnusable(
                f"the packages would have to be built on Linux {architecture}, and {image} in this engine is "
                f"for {found}",
                remedy=f"`docker pull --platform linux/{wanted} {image}` where the engine can run it; or "
                "deploy from such a machine, or choose another architecture= for the job.",
            )

    def _command(self, requirements: Path, into: Path, architecture: str) -> str:
        tool = "python3 -m pip install --disable-pip-version-check --no-cache-dir"
        if self._lends_uv(architecture):
            tool = f"{UV_IN_CONTAINER} pip install --python python3 --no-cache"
        return f"{tool} --quiet --requirement {quote(str(requirements))} --target {quote(str(into))}"

    def _lends_uv(self, architecture: str) -> bool:
        own = {"aarch64": "arm64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
        return sys.platform.startswith("linux") and own == architecture

    def _run(self, image: str, command: str, place: Path, client: APIClient) -> tuple[int, str]:
        """Exit code and output of a container that is gone afterwards."""
        uv = self._surroundings.uv
        config = client.create_host_config(
            binds=[f"{self._directory}:{self._directory}", f"{uv}:{UV_IN_CONTAINER}:ro"],
            network_mode="host" if sys.platform.startswith("linux") else "bridge",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )
        container = client.create_container(
            image,
            [command],
            entrypoint=["sh", "-c"],
            user=self._surroundings.user,
            environment={**self._handed_on(), "HOME": "/tmp", "UV_PYTHON_DOWNLOADS": "never"},
            working_dir=str(place),
            host_config=config,
        )
        try:
            client.start(container)
            code = client.wait(container, timeout=TIMEOUT_S)["StatusCode"]
            return code, client.logs(container).decode(errors="replace").strip()
        finally:
            client.remove_container(container, force=True)

    def _handed_on(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self._surroundings.environment.items()
            if name.startswith(_PREFIXES) or name.upper() in _PROXIES
        }


def _failed(image: str, output: str) -> DependenciesUnusable:
    message = f"the packages could not be built inside {image}:\n{output}"
    if any(sign in output for sign in _NO_COMPILER):
        return DependenciesUnusable(
            message,
            remedy="The image has no compiler. Take a version of the package that has a wheel, or name an "
            "image that has one (`image` in livejob.toml; AWS's with compilers are "
            "public.ecr.aws/sam/build-python3.x).",
        )
    return DependenciesUnusable(message)
