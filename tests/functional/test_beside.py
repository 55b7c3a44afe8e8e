"""A worker without attempts lends its network's credentials, and streams to ports on its loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from livejob.local_runner.containers.debugger import free_port
from livejob.wire.beside import (
    CredentialsGranted,
    GrantCredentials,
    OpenStream,
    RevokeCredentials,
    StreamBytes,
    StreamClosed,
    StreamOpened,
)
from livejob.wire.worker import CredentialsReply, CredentialsWanted
from tests.support.attempts import HANDLERS, WorkerDriver, open_worker, worker_spec
from tests.support.engine_fixtures import EngineUnderTest

BODY = '{"AccessKeyId": "role"}'


async def ask(granted: CredentialsGranted) -> bytes:
    """What the endpoint answers to who has the token."""
    host, _, path = granted.uri.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"GET /{path} HTTP/1.1\r\nAuthorization: {granted.token}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that gives back what it gets, and closes after a line's end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def granted_by(worker: WorkerDriver) -> CredentialsGranted:
    await worker.send(GrantCredentials())
    granted = await worker.next_message()
    assert isinstance(granted, CredentialsGranted)
    return granted


@pytest.fixture
async def lender(engine: EngineUnderTest) -> AsyncIterator[WorkerDriver]:
    """A worker of each engine, whose role has credentials."""

    def credentials(wanted: CredentialsWanted) -> CredentialsReply:
        return CredentialsReply(wanted.request, document=BODY)

    spec = worker_spec(HANDLERS, image=engine.image)
    async with open_worker(engine.engine, spec, credentials) as driver:
        yield driver


async def test_credentials_are_lent_and_taken_back(lender: WorkerDriver) -> None:
    """Who has the address gets the role's credentials, without an attempt, until it is revoked."""
    granted = await granted_by(lender)

    asking = asyncio.ensure_future(ask(granted))
    assert isinstance(await lender.next_message(), CredentialsWanted)
    answer = await asking
    await lender.send(RevokeCredentials())
    await granted_by(lender)  # in order: the revocation is done
    refused = await ask(granted)

    assert answer.endswith(BODY.encode())
    assert b" 404 " in refused.splitlines()[0]
    assert granted.token not in repr(granted)


async def test_stream_leads_to_a_port(lender: WorkerDriver) -> None:
    """Bytes go there and back; the end of the connection is told."""
    async with echo() as port:
        await lender.send(OpenStream(1, port))
        opened = await lender.next_message()
        await lender.send(StreamBytes(1, b"word\n"))
        word, closed = await lender.next_message(), await lender.next_message()

    assert (StreamOpened(1), StreamBytes(1, b"word\n"), StreamClosed(1)) == (opened, word, closed)


async def test_port_that_nobody_listens_on_is_told(lender: WorkerDriver) -> None:
    """The answer is that it is closed, and the worker goes on."""
    await lender.send(OpenStream(1, free_port()))
    closed = await lender.next_message()
    attempt = await lender.run("hello.handler", {"name": "Mia"})

    assert StreamClosed(1) == closed
    assert "succeed" == attempt.input
