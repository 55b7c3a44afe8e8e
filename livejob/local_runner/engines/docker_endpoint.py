"""Where the container engine is: read from the environment and Docker's own configuration, as its CLI does.

Knows how Docker, Podman and Colima are usually reached; never connects. The composition root calls
`find_endpoint` once.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docker.context import ContextAPI
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from livejob.errors import EngineUnavailable

DEFAULT_SOCKET = "/var/run/docker.sock"

_HOW_TO_REACH = "Set DOCKER_HOST to unix:///path/to/docker.sock or tcp://host:port."


@dataclass(frozen=True, slots=True)
class DockerEndpoint:
    """An engine's address: `unix:///path` or `tcp://host:port`, and how to prove who is who over TCP."""

    url: str
    tls: TLSConfig | None = None

    @property
    def socket_path(self) -> str | None:
        """Path of the Unix socket; None for TCP."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    @property
    def tcp_address(self) -> tuple[str, int]:
        """Host and port; only for TCP."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 2375

    def tls_context(self) -> ssl.SSLContext | None:
        """What a connection of our own needs to be as safe as the SDK's; None without TLS."""
        if self.tls is None:
            return None
        context = ssl.create_default_context(cafile=self.tls.ca_cert)
        if not self.tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.tls.cert:
            context.load_cert_chain(*self.tls.cert)
        return context


def find_endpoint(environment: Mapping[str, str]) -> DockerEndpoint:
    """DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), else the current Docker context, else
    the first socket of `usual_sockets` that exists, else Docker's default socket.

    Raises:
        EngineUnavailable: what is configured cannot be used, with the reason.
    """
    try:
        if environment.get("DOCKER_HOST"):
            named = kwargs_from_env(dict(environment))
            return DockerEndpoint(_usable(named["base_url"]), named.get("tls"))
        context = ContextAPI.kwargs_from_context(environment=environment)
    except (DockerException, OSError, ValueError) as error:
        raise EngineUnavailable(f"Docker's configuration cannot be used: {error}") from error
    if "base_url" not in context:
        raise EngineUnavailable(
            f"the current Docker context {environment.get('DOCKER_CONTEXT', '')!r} does not exist",
            remedy="`docker context ls` lists them; choose one with `docker context use NAME`.",
        )
    url = context["base_url"].removeprefix("http+")
    if url == f"unix://{DEFAULT_SOCKET}":
        url = f"unix://{_first_existing(usual_sockets(environment))}"
    return DockerEndpoint(_usable(url), context.get("tls"))


def usual_sockets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where engines listen when nothing is configured: Docker, rootless Docker, rootless Podman."""
    runtime_dir = environment.get("XDG_RUNTIME_DIR")
    own = (f"{runtime_dir}/docker.sock", f"{runtime_dir}/podman/podman.sock") if runtime_dir else ()
    return (DEFAULT_SOCKET, *own)


def _first_existing(sockets: tuple[str, ...]) -> str:
    return next((path for path in sockets if Path(path).exists()), DEFAULT_SOCKET)


def _usable(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        return f"unix://{parts.netloc}{parts.path}"
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        return parts._replace(scheme="tcp").geturl()
    raise EngineUnavailable(
        f"the engine's address {url!r} cannot be used: a worker mounts this machine's directories, "
        "so the engine has to be on this machine",
        remedy=_HOW_TO_REACH,
    )
