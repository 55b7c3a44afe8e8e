"""An engine that is reached over TCP with TLS on both sides, as `dockerd --tlsverify` is."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livejob.errors import EngineUnavailable
from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.threads import ThreadGateway
from tests.support.attempts import HANDLERS, open_worker, worker_spec
from tests.support.engine_fixtures import DockerUnderTest

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl to make certificates with"
)

READ_BYTES = 65536


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as DOCKER_CERT_PATH: one certificate for 127.0.0.1 that is its own authority."""
    directory = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=livejob-test", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    shutil.copy(directory / "cert.pem", directory / "ca.pem")
    return directory


@pytest.fixture
async def tls_port(docker: DockerUnderTest, certificates: Path) -> AsyncIterator[int]:
    """A port at which the engine speaks TLS and wants a certificate of its clients."""
    if docker.endpoint.socket_path is None:
        pytest.skip("the engine here has no Unix socket to put TLS in front of")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(docker.endpoint.socket_path)
        await asyncio.gather(pump(reader, engine_writer), pump(engine_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends, then end the other."""
    try:
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def engine_at(port: int, **variables: str) -> DockerEngine:
    endpoint = find_endpoint({"DOCKER_HOST": f"tcp://127.0.0.1:{port}", **variables})
    return DockerEngine(DockerConnection(endpoint), ThreadGateway("docker"), "host")


async def test_attempt_runs_over_tls(docker: DockerUnderTest, tls_port: int, certificates: Path):
    """With DOCKER_TLS_VERIFY and DOCKER_CERT_PATH calls and channel go over TLS, verified on both sides."""
    engine = engine_at(tls_port, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(certificates))

    async with open_worker(engine, worker_spec(HANDLERS, image=docker.image)) as worker:
        attempt = await worker.run("hello.handler", {"name": "Mia"})
    await engine.close()

    assert {"greeting": "Hello, Mia"} == attempt.result


async def test_certificate_of_nobody_we_know_is_refused(tls_port: int, certificates: Path, tmp_path: Path):
    """An engine whose certificate our authority has not signed is not spoken to; the variables are named."""
    stranger = shutil.copytree(certificates, tmp_path / "stranger")
    (stranger / "ca.pem").write_bytes(Path(ssl.get_default_verify_paths().openssl_cafile).read_bytes())
    engine = engine_at(tls_port, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(stranger))

    with pytest.raises(EngineUnavailable, match="do not trust each other") as caught:
        await engine.check()
    await engine.close()

    assert "DOCKER_CERT_PATH" in caught.value.remedy
