"""Why an engine cannot be reached, told from what the libraries raise."""

from __future__ import annotations

import ssl

import pytest
import requests
from docker.errors import DockerException

from livejob.local_runner.engines.docker_connection import unavailable
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint

ENDPOINT = DockerEndpoint("unix:///var/run/docker.sock")


@pytest.mark.parametrize(
    ("cause", "message", "remedy"),
    [
        (PermissionError(13, "Permission denied"), "may not open", "usermod -aG docker"),
        (FileNotFoundError(2, "No such file"), "there is no socket", "Start Docker"),
        (ConnectionRefusedError(111, "Connection refused"), "listens on", "Start Docker"),
        (ssl.SSLError(1, "CERTIFICATE_VERIFY_FAILED"), "do not trust each other", "DOCKER_CERT_PATH"),
        (TimeoutError("timed out"), "no answer within", "Start Docker"),
        (ConnectionResetError(104, "Connection reset"), "does not answer", "Start Docker"),
    ],
)
def test_reason_is_found_under_the_libraries_layers(cause: OSError, message: str, remedy: str):
    """The OS's error decides what is said, however many exceptions are wrapped around it."""
    wrapped = requests.ConnectionError(("Connection aborted.", cause))
    wrapped.args = ("Connection aborted.", cause)
    error = DockerException("Error while fetching server API version")
    error.__cause__ = wrapped

    told = unavailable(ENDPOINT, error)

    assert message in told.message
    assert remedy in told.remedy
