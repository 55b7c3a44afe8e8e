"""Installs an app's packages inside an image of its jobs: some have no wheel, and have to be built.

The Linux uv of the image's architecture goes into the container, so that any image with a Python of the
wanted version will do. An image with compilers is preferred: Lambda's own has none. Used by deployments;
knows nothing of bundles.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import requests
import uv
from docker.api.client import APIClient
from docker.errors import APIError, ImageNotFound
from docker.types import Mount

from livejob.errors import DependenciesUnusable
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.image.resolve import AWS_REPOSITORY, BUILT_REPOSITORY
from livejob.project.dependencies import (
    INSTALL_TIMEOUT_S,
    TargetPython,
    WantedPackages,
    install_packages,
)

BUILD_REPOSITORY = "public.ecr.aws/sam/build-python{minor}"
"""AWS's images with compilers. Source: AWS SAM, "Image repositories"."""

LAST_LINES = 30
"""So much of what the installation said goes into the error."""

_UV_DIRECTORY = "/opt/uv"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PASSED_ON = re.compile(r"UV_.*|(?:https?|no|all)_proxy", re.IGNORECASE)
_NO_COMPILER = re.compile(
    r"command '?\S*(?:gcc|cc|clang|g\+\+|cargo|rustc)'? failed: No such file|can't find Rust"
)


class PackageBuild:
    """Installs packages in containers of one engine. Blocks, for minutes where much is compiled.

    environ: of this process; what tells uv where packages are found is passed on.
    cache:   directory for the uv of another platform; made when it is needed.
    say:     gets a line for the person.
    """

    def __init__(
        self,
        connection: DockerConnection,
        environ: Mapping[str, str],
        cache: Path,
        say: Callable[[str], object],
    ) -> None:
        self._connection = connection
        self._environ = environ
        self._cache = cache
        self._say = say

    def __call__(
        self, requirements: Path, wanted: WantedPackages, target: TargetPython, directory: Path
    ) -> None:
        """Install what `requirements` lists into `directory`; see `project.dependencies.Installer`.

        Raises:
            DependenciesUnusable: no such image is in the engine, or uv could not install them in it.
            EngineUnavailable: no engine answers.
        """
        image = self._connection.call(partial(_find_image, target))
        self._say(f"building packages of {wanted.file.name} in {image} (kept until the file changes) …")
        program = self._linux_uv(target)
        body = _container(requirements, wanted, directory, program, self._environ)
        code, said = self._connection.call(partial(_run, image, body))
        if code != 0:
            raise DependenciesUnusable(
                f"the packages of {wanted.file} could not be built in {image}:\n{said.strip()}",
                remedy=_remedy(said, image, target.minor),
            )

    def _linux_uv(self, target: TargetPython) -> Path:
        """A uv that runs in the image: this machine's own, or the one of the image's architecture."""
        if sys.platform == "linux" and target.platform.startswith(f"{platform.machine()}-"):
            return Path(uv.find_uv_bin())
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = self._cache / "uv.txt"
        text = f"uv=={metadata.version('uv')}\n"
        asked.write_text(text)
        return install_packages(self._cache, WantedPackages(asked, (text.encode(),)), target) / "bin" / "uv"


def build_packages(
    requirements: Path,
    wanted: WantedPackages,
    target: TargetPython,
    directory: Path,
    say: Callable[[str], object],
) -> None:
    """As `PackageBuild`, in the engine that this process's environment names."""
    connection = DockerConnection(find_endpoint(os.environ))
    try:
        # Beside the packages of every lock.
        build = PackageBuild(connection, os.environ, directory.parent.parent, say)
        build(requirements, wanted, target, directory)
    finally:
        connection.close()


def _find_image(target: TargetPython, client: APIClient) -> str:
    names = [
        BUILD_REPOSITORY.format(minor=target.minor),
        f"{AWS_REPOSITORY}:{target.minor}",
        f"{BUILT_REPOSITORY}:{target.minor}",
    ]
    architecture = _ARCHITECTURES[target.platform.partition("-")[0]]
    for name in names:
        try:
            found = client.inspect_image(name)
        except ImageNotFound:
            continue
        if found["Architecture"] == architecture:
            return name
    raise DependenciesUnusable(
        f"no image for {architecture} and Python {target.minor} is in the engine to build them in: "
        f"neither {' nor '.join(names)}",
        remedy=f"`docker pull --platform linux/{architecture} {names[0]}`, and deploy again.",
    )


def _container(
    requirements: Path, wanted: WantedPackages, directory: Path, program: Path, environ: Mapping[str, str]
) -> dict[str, Any]:
    """As `APIClient.create_container` takes it, without image and host. Paths are the same inside and out."""
    install = ["pip", "install", "--requirement", str(requirements), "--target", str(directory)]
    return {
        "entrypoint": [f"{_UV_DIRECTORY}/{program.name}"],
        "command": [*install, "--python", "python3", "--no-progress"],
        "working_dir": str(wanted.file.parent),
        "user": f"{os.getuid()}:{os.getgid()}" if sys.platform == "linux" else "",
        "environment": {
            **{name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)},
            "HOME": "/tmp",
            "UV_CACHE_DIR": "/tmp/uv-cache",
            "UV_LINK_MODE": "copy",
        },
        "mounts": [
            _seen(wanted.file.parent, str(wanted.file.parent), is_read_only=True),
            _seen(requirements.parent, str(requirements.parent), is_read_only=False),
            _seen(program.parent, _UV_DIRECTORY, is_read_only=True),
        ],
    }


def _seen(source: Path, target: str, *, is_read_only: bool) -> Mount:
    return Mount(target, str(source), type="bind", read_only=is_read_only)


def _run(image: str, body: Mapping[str, Any], client: APIClient) -> tuple[int, str]:
    """The exit code and the last lines of a container, which is gone afterwards."""
    mounts = body["mounts"]
    asked = {name: value for name, value in body.items() if name != "mounts"}
    # The machine's own network: an index may be on its loopback.
    host = client.create_host_config(
        network_mode="host", mounts=mounts, cap_drop=["ALL"], security_opt=["no-new-privileges"]
    )
    try:
        container = client.create_container(image, host_config=host, **asked)["Id"]
        try:
            client.start(container)
            code = client.wait(container, timeout=INSTALL_TIMEOUT_S)["StatusCode"]
            return int(code), client.logs(container, tail=LAST_LINES).decode(errors="replace")
        finally:
            client.remove_container(container, force=True, v=True)
    except APIError as error:
        raise DependenciesUnusable(
            f"the engine refused to build packages in {image}: {error.explanation or error}"
        ) from error
    except requests.ReadTimeout as error:
        raise DependenciesUnusable(
            f"building packages in {image} took longer than {INSTALL_TIMEOUT_S} s"
        ) from error


def _remedy(said: str, image: str, minor: str) -> str:
    build_image = BUILD_REPOSITORY.format(minor=minor)
    if _NO_COMPILER.search(said) and image != build_image:
        return f"{image} has no compiler: `docker pull {build_image}`, and deploy again."
    return "Take a version that has a wheel for Linux, or mend what uv says above."
