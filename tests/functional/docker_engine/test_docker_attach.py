"""The attach channel against engines that answer as engines do, and as they should not."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from livejob.errors import EngineUnavailable, WorkerFailed
from livejob.local_runner.engines.docker_attach import LAST_WORDS_BYTES, UNREAD_BYTES, open_channel
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint

SWITCH = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
DEADLINE_S = 30

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def out(payload: bytes) -> bytes:
    return struct.pack(">B3xI", 1, len(payload)) + payload


def err(payload: bytes) -> bytes:
    return struct.pack(">B3xI", 2, len(payload)) + payload


@asynccontextmanager
async def engine_that(script: Script, directory: Path) -> AsyncIterator[DockerEndpoint]:
    """An engine whose answer to the first request is `script`; then it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await script(reader, writer)
        writer.close()

    path = directory / "docker.sock"
    async with await asyncio.start_unix_server(serve, path):
        yield DockerEndpoint(f"unix://{path}")


def that_says(*pieces: bytes) -> Script:
    """Writes the pieces one by one, as a network may deliver them."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return script


async def everything(endpoint: DockerEndpoint) -> tuple[bytes, str]:
    """All of stdout, and the last words, of a container whose channel ends."""
    channel = await open_channel(endpoint, "1.41", "c0ffee")
    said = b""
    async with asyncio.timeout(DEADLINE_S):
        while data := await channel.receive():
            said += data
    channel.close()
    return said, channel.last_words


@pytest.mark.parametrize("head", [SWITCH, b"HTTP/1.1 200 OK\r\nContent-Type: raw\r\n\r\n"])
async def test_stream_begins_where_the_answer_ends(tmp_path: Path, head: bytes):
    """What follows the HTTP answer at once, in the same piece, is output already."""
    async with engine_that(that_says(head + out(b"hello") + err(b"oh\n")), tmp_path) as endpoint:
        assert (b"hello", "oh") == await everything(endpoint)


async def test_answer_may_come_in_pieces(tmp_path: Path):
    """Neither the answer's head nor a frame's head has to arrive whole."""
    data = SWITCH + out(b"hello")
    async with engine_that(that_says(*(data[i : i + 1] for i in range(len(data)))), tmp_path) as endpoint:
        assert (b"hello", "") == await everything(endpoint)


async def test_refusal_is_told_in_the_engine_s_words(tmp_path: Path):
    """An answer that is no switch of protocols is an error with its status and text."""
    answer = b'HTTP/1.1 409 Conflict\r\n\r\n{"message":"container is paused"}'
    async with engine_that(that_says(answer), tmp_path) as endpoint:
        with pytest.raises(WorkerFailed, match=r"\(409\).*container is paused"):
            await open_channel(endpoint, "1.41", "c0ffee")


async def test_engine_that_hangs_up_is_unavailable(tmp_path: Path):
    """A connection that ends before any answer means that the engine is gone."""
    async with engine_that(that_says(), tmp_path) as endpoint:
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await open_channel(endpoint, "1.41", "c0ffee")


async def test_stream_that_makes_no_sense_ends_the_channel(tmp_path: Path):
    """Nothing after a broken frame is taken for output; the last words say why the channel ended."""
    async with engine_that(that_says(SWITCH + out(b"good") + b"\x09" * 16), tmp_path) as endpoint:
        said, last_words = await everything(endpoint)

    assert b"good" == said
    assert "the engine's stream is broken: a frame of stream 9" in last_words


async def test_only_the_end_of_stderr_is_kept(tmp_path: Path):
    """A container that writes without end to stderr does not fill the daemon's memory."""
    pieces = [err(b"x" * 60_000)] * 20
    async with engine_that(that_says(SWITCH, *pieces, err(b"last")), tmp_path) as endpoint:
        _, last_words = await everything(endpoint)

    assert LAST_WORDS_BYTES == len(last_words)
    assert last_words.endswith("last")


async def test_output_that_nobody_takes_waits_in_the_engine(tmp_path: Path):
    """Beyond its limit the channel stops reading, goes on when somebody receives, and loses nothing."""
    sent = [out(bytes([number]) * 65_536) for number in range(64)]
    has_stalled = asyncio.Event()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH)
        for piece in sent:
            writer.write(piece)
            try:
                async with asyncio.timeout(0.2):
                    await writer.drain()
            except TimeoutError:
                has_stalled.set()
                await writer.drain()

    async with engine_that(script, tmp_path) as endpoint:
        channel = await open_channel(endpoint, "1.41", "c0ffee")
        async with asyncio.timeout(DEADLINE_S):
            await has_stalled.wait()
            first = await channel.receive()
            rest = b""
            while data := await channel.receive():
                rest += data
        channel.close()

    assert UNREAD_BYTES < len(first) < 2 * UNREAD_BYTES
    assert b"".join(piece[8:] for piece in sent) == first + rest


async def test_what_is_sent_arrives_as_stdin(tmp_path: Path):
    """The container's stdin is the plain bytes, however many."""
    payload = bytes(range(256)) * 8192
    arrived = asyncio.get_running_loop().create_future()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH)
        arrived.set_result(await reader.readexactly(len(payload)))

    async with engine_that(script, tmp_path) as endpoint:
        channel = await open_channel(endpoint, "1.41", "c0ffee")
        await channel.send(payload)
        async with asyncio.timeout(DEADLINE_S):
            assert payload == await arrived
            await channel.wait_closed()
            with pytest.raises(ConnectionError):
                await channel.send(b"more")
