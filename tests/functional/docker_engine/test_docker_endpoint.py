"""Where the engine is looked for, and what is said when it is not there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from pathlib import Path

import pytest

from livejob.errors import EngineUnavailable
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint, find_endpoint
from livejob.local_runner.threads import ThreadGateway


def write_context(directory: Path, host: str) -> None:
    """A Docker configuration whose current context is `host`."""
    # Docker names a context's directory by the hash of its name.
    meta = directory / "contexts/meta" / hashlib.sha256(b"colima").hexdigest()
    meta.mkdir(parents=True)
    document = {
        "Name": "colima",
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
    }
    (meta / "meta.json").write_text(json.dumps(document))
    (directory / "config.json").write_text('{"currentContext": "colima"}')


def test_docker_host_decides():
    """DOCKER_HOST is taken as it is."""
    assert "unix:///run/x/docker.sock" == find_endpoint({"DOCKER_HOST": "unix:///run/x/docker.sock"}).url


def test_tcp_address_has_a_host_and_a_port():
    """An address over TCP comes apart."""
    assert ("127.0.0.1", 2376) == find_endpoint({"DOCKER_HOST": "tcp://127.0.0.1:2376"}).tcp_address


@pytest.mark.parametrize(
    "host", ["ssh://mia@build-box", "npipe:////./pipe/docker_engine", "tcp://", "docker"]
)
def test_address_that_cannot_be_used_is_refused(host: str):
    """An engine on another machine cannot mount this one's directories; nonsense is no address."""
    with pytest.raises(EngineUnavailable, match="cannot be used") as caught:
        find_endpoint({"DOCKER_HOST": host})

    assert "DOCKER_HOST" in caught.value.remedy


def test_current_context_decides_without_docker_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As for Docker's own command: what `docker context use` chose (Colima, Docker Desktop)."""
    write_context(tmp_path, "unix:///home/mia/.colima/docker.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    assert "unix:///home/mia/.colima/docker.sock" == find_endpoint({}).url


def test_context_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """DOCKER_CONTEXT with a name that nobody made does not silently mean the default."""
    write_context(tmp_path, "unix:///home/mia/.colima/docker.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    with pytest.raises(EngineUnavailable, match="'limbo' does not exist"):
        find_endpoint({"DOCKER_CONTEXT": "limbo"})


def test_own_socket_is_found_without_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where Docker's usual socket is not there, the user's rootless Podman is found."""
    if Path("/var/run/docker.sock").exists():
        pytest.skip("the machine's own Docker comes first here")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    podman = tmp_path / "podman" / "podman.sock"
    podman.parent.mkdir()
    podman.touch()

    assert f"unix://{podman}" == find_endpoint({"XDG_RUNTIME_DIR": str(tmp_path)}).url


async def check(endpoint: DockerEndpoint) -> EngineUnavailable:
    """What `check` says of an engine that is not there."""
    engine = DockerEngine(DockerConnection(endpoint), ThreadGateway("docker"), "none")
    with pytest.raises(EngineUnavailable) as caught:
        await engine.check()
    await engine.close()
    return caught.value


async def test_missing_socket_is_named(tmp_path: Path):
    """Docker that is not installed or not started: the socket's path, and that it has to be started."""
    error = await check(DockerEndpoint(f"unix://{tmp_path}/docker.sock"))

    assert f"no container engine: there is no socket unix://{tmp_path}/docker.sock" == error.message
    assert "Start Docker" in error.remedy


async def test_socket_without_an_engine_behind_it_is_named(tmp_path: Path):
    """A socket that an engine left behind when it was killed."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))

    error = await check(DockerEndpoint(f"unix://{path}"))

    assert f"no container engine listens on unix://{path}" == error.message


async def test_server_that_is_no_engine_is_told():
    """Something else listens at the address and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        port = server.getsockname()[1]
        asking = asyncio.ensure_future(check(DockerEndpoint(f"tcp://127.0.0.1:{port}")))
        connection, _ = await asyncio.to_thread(server.accept)
        connection.close()
        error = await asking

    assert f"the engine at tcp://127.0.0.1:{port} does not answer" in error.message
