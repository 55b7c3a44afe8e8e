"""One engine's API client: made when it is first needed, and anew after the engine was away.

The only place that turns the transport errors of the `docker` package into EngineUnavailable, each with
what a person has to do. What an engine answers (`docker.errors.APIError`) passes through: only the
caller knows what a 404 means. Everything here blocks; the engine calls it through its thread gateway.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

import requests
from docker.api.client import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException

from livejob.errors import EngineUnavailable
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint

T = TypeVar("T")

CALL_TIMEOUT_S = 60
"""Longest wait for one answer of the engine. A busy machine takes seconds to create a container."""

_JOIN_GROUP = (
    "Add yourself to the socket's group (`sudo usermod -aG docker $USER`) and log in again, "
    "or use rootless Docker."
)


class DockerConnection:
    """Calls the engine at one endpoint; safe to share between threads."""

    def __init__(self, endpoint: DockerEndpoint) -> None:
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._client: APIClient | None = None

    def call(self, function: Callable[[APIClient], T]) -> T:
        """`function(client)`, with a client that speaks a version the engine knows.

        Raises:
            EngineUnavailable: the engine does not answer; the next call connects anew.
            APIError: the engine answered and refused.
        """
        try:
            _knock(self.endpoint)
            return function(self._connected())
        except APIError:  # is both of the below
            raise
        except EngineUnavailable:
            self.close()
            raise
        except (requests.RequestException, DockerException) as error:
            self.close()
            raise unavailable(self.endpoint, error) from error

    def close(self) -> None:
        """Let go of the connections. A later call connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> APIClient:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> APIClient:
        probe = self._client_of(DEFAULT_DOCKER_API_VERSION)
        with closing(probe):
            version: str = probe.version(api_version=False)["ApiVersion"]
        return self._client_of(version)

    def _client_of(self, version: str) -> APIClient:
        """A client that has not connected yet."""
        client = APIClient(
            base_url=self.endpoint.url,
            version=version,
            tls=self.endpoint.tls or False,
            timeout=CALL_TIMEOUT_S,
        )
        # Else requests would let REQUESTS_CA_BUNDLE take the place of the engine's authority, and would
        # look for a proxy on the way to 127.0.0.1.
        client.trust_env = False
        return client


def _knock(endpoint: DockerEndpoint) -> None:
    """Open the Unix socket once before the `docker` package does, which leaks it when that fails."""
    if endpoint.socket_path is not None:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(CALL_TIMEOUT_S)
            try:
                knock.connect(endpoint.socket_path)
            except OSError as error:
                raise unavailable(endpoint, error) from error


def unavailable(endpoint: DockerEndpoint, error: BaseException) -> EngineUnavailable:
    """Why the engine at `endpoint` cannot be reached, in a person's words."""
    cause = _root_cause(error)
    where = endpoint.url
    if isinstance(cause, PermissionError):
        return EngineUnavailable(f"this user may not open the engine's socket {where}", remedy=_JOIN_GROUP)
    if isinstance(cause, FileNotFoundError):
        return EngineUnavailable(f"no container engine: there is no socket {where}")
    if isinstance(cause, ConnectionRefusedError):
        return EngineUnavailable(f"no container engine listens on {where}")
    if isinstance(cause, ssl.SSLError):
        return EngineUnavailable(
            f"the engine at {where} and this machine do not trust each other: {cause}",
            remedy="Check DOCKER_TLS_VERIFY and the certificates in DOCKER_CERT_PATH.",
        )
    if isinstance(cause, TimeoutError) or isinstance(error, requests.Timeout):
        return EngineUnavailable(f"the engine at {where} gave no answer within {CALL_TIMEOUT_S} s")
    return EngineUnavailable(f"the engine at {where} does not answer: {cause}")


def _root_cause(error: BaseException) -> BaseException:
    """The OS error under the layers of docker, requests and urllib3, or the innermost one there is.

    The layers pass what they caught on as an argument as often as a cause.
    """
    innermost = error
    for each in _layers(error, depth=8):
        innermost = each
        if isinstance(each, OSError) and (each.errno in errno.errorcode or isinstance(each, ssl.SSLError)):
            return each
    return innermost


def _layers(error: BaseException, depth: int) -> Iterator[BaseException]:
    yield error
    if depth == 0:
        return
    inner = (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args)
    for each in inner:
        if isinstance(each, BaseException):
            yield from _layers(each, depth - 1)
