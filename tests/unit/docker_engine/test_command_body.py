"""What a command's container looks like."""

from __future__ import annotations

from livejob.local_runner.engines.commands import CommandSpec
from livejob.local_runner.engines.docker_container import command_body
from livejob.wire.ids import SessionId
from livejob.wire.limits import MIB
from livejob.wire.names import LABEL_APP, LABEL_JOB, LABEL_OWNER, LABEL_STAGE

SPEC = CommandSpec(
    owner=SessionId("ses_1"),
    app="shop",
    stage="dev",
    job="Resize",
    image="sha256:1",
    script="/run.sh",
    files={"/payload.json": b'"private"'},
    directory="/work",
    environment={"AWS_CONTAINER_AUTHORIZATION_TOKEN": "token"},
    memory_bytes=64 * MIB,
    beside="abc123",
)


def test_command_is_a_shells_as_root() -> None:
    """As in a build, whatever the image's own user, entry point and health check are."""
    body = command_body(SPEC)

    assert (["/bin/sh", "/run.sh"], [], "0:0") == (body["Entrypoint"], body["Cmd"], body["User"])
    assert ("/work", {"Test": ["NONE"]}) == (body["WorkingDir"], body["Healthcheck"])


def test_command_shares_its_workers_network_and_processes() -> None:
    """So that it has the worker's credentials, and its end. No port is published, nothing is mounted."""
    host = command_body(SPEC)["HostConfig"]

    assert ("container:abc123", "container:abc123") == (host["NetworkMode"], host["PidMode"])
    assert (64 * MIB, 64 * MIB) == (host["Memory"], host["MemorySwap"])
    assert {"NetworkMode", "PidMode", "Memory", "MemorySwap", "LogConfig"} == set(host)


def test_command_is_found_as_a_worker_is() -> None:
    """The sweep of a later session knows it by the same labels."""
    expected = {LABEL_OWNER: "ses_1", LABEL_APP: "shop", LABEL_STAGE: "dev", LABEL_JOB: "Resize"}

    assert expected == command_body(SPEC)["Labels"]


def test_secrets_show_nowhere() -> None:
    """The payload is nothing that the engine keeps; a printed spec shows neither it nor the token."""
    assert "private" not in str(command_body(SPEC))
    assert "private" not in repr(SPEC)
    assert "token" not in repr(SPEC)
