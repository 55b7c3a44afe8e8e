"""The container engine as builds need it: one client, and words for what goes wrong with it.

The engine's address comes in the host's environment, as Docker's own tools take it (DOCKER_HOST,
DOCKER_TLS_VERIFY, DOCKER_CERT_PATH).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from docker.api.client import APIClient
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from livejob.local_aws.build_host.phases import FAULT, PhaseFailed

CALL_TIMEOUT_S = 60
"""Longest wait for one answer of the engine, or for the next sign of life of a pull."""

DEFAULT_HOST = "unix:///var/run/docker.sock"
UNAVAILABLE = "BUILD_CONTAINER_ENGINE_UNAVAILABLE"


def connect(environment: Mapping[str, str]) -> APIClient:
    """A client of the engine that `environment` names.

    Raises:
        PhaseFailed: no engine answers there.
    """
    with engine_errors(environment):
        tls = kwargs_from_env(dict(environment)).get("tls", False)
        return APIClient(base_url=_host(environment), tls=tls, timeout=CALL_TIMEOUT_S)


@contextmanager
def engine_errors(environment: Mapping[str, str]) -> Iterator[None]:
    """The engine's refusals, and its silence, as the failure of the phase in which they happen."""
    try:
        yield
    except APIError as error:
        raise PhaseFailed("BUILD_CONTAINER_ENGINE_ERROR", str(error.explanation or error), FAULT) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise PhaseFailed(
            UNAVAILABLE,
            f"No container engine answers at {_host(environment)}: {error}. "
            "Start Docker, or set DOCKER_HOST and start the local AWS again.",
            FAULT,
        ) from error


def _host(environment: Mapping[str, str]) -> str:
    return environment.get("DOCKER_HOST", DEFAULT_HOST)
