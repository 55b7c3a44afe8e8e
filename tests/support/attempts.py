"""Drives a worker of any engine through attempts, frame by frame, as the daemon would.

    async with open_worker(engine, worker_spec(HANDLERS)) as worker:
        attempt = await worker.run("hello.handler", {"name": "Mia"})
    assert {"greeting": "Hello, Mia"} == attempt.result

It deliberately speaks `livejob.wire.worker` by itself and shares nothing with the daemon's own code.
Every wait has a deadline: a worker that hangs fails the test that drives it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import livejob
from livejob.errors import WorkerFailed
from livejob.local_runner.engines.port import Engine, Worker, WorkerExit, WorkerSpec
from livejob.wire.framing import FrameReader
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import MIB
from livejob.wire.names import ENV_APP, ENV_STAGE
from livejob.wire.outcome import Failure
from livejob.wire.worker import (
    CredentialsReply,
    CredentialsWanted,
    Ended,
    Hello,
    Notice,
    Output,
    Shutdown,
    StartAttempt,
    Started,
    StopAttempt,
    WorkerMessage,
    decode,
    encode,
)

HANDLERS = Path(__file__).parents[1] / "apps" / "handlers"
"""An app of many small handlers, one file for each kind of trouble."""

STAGE = f"test-{os.getpid()}"
"""Of this test run alone: a sweep in one run must not end the workers of another."""

PACKAGE = Path(livejob.__file__).parents[1]
"""The directory that holds this checkout's livejob."""

DEADLINE_S = 60.0
"""No single wait in a test may take longer: then something hangs."""

Credentials = Callable[[CredentialsWanted], CredentialsReply]


def _no_credentials(wanted: CredentialsWanted) -> CredentialsReply:
    """What a worker hears whose test says nothing of credentials."""
    return CredentialsReply(wanted.request, error="this test gives none")


def worker_spec(
    app: Path,
    *,
    image: str = "",
    environment: dict[str, str] | None = None,
    owner: str = "ses_test",
    stage: str = STAGE,
    memory_bytes: int = 512 * MIB,
    tmp_bytes: int = 512 * MIB,
    dependencies: Path | None = None,
    package: Path = PACKAGE,
) -> WorkerSpec:
    """What a test's worker is made of: this checkout's livejob and the sources of `app`."""
    return WorkerSpec(
        owner=SessionId(owner),
        app="shop",
        stage=stage,
        job="Test",
        image=image,
        source=app,
        package=package,
        environment={ENV_APP: "shop", ENV_STAGE: stage, **(environment or {})},
        memory_bytes=memory_bytes,
        tmp_bytes=tmp_bytes,
        dependencies=dependencies,
    )


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt as its frames told it, in order; the last one is its Ended."""

    messages: tuple[WorkerMessage, ...]

    @property
    def ended(self) -> Ended:
        last = self.messages[-1]
        assert isinstance(last, Ended)
        return last

    @property
    def input(self) -> str:
        return self.ended.input

    @property
    def exit_code(self) -> int:
        return self.ended.exit_code

    @property
    def failure(self) -> Failure:
        """Why there is no result; empty on success."""
        return Failure.from_json(self.ended.failure)

    @property
    def result(self) -> Any:
        """What the handler returned, or an assertion that tells why there is nothing."""
        assert self.ended.input == "succeed", f"{self.ended}\n{self.stderr.decode(errors='replace')}"
        return json.loads(self.ended.body)

    @property
    def stdout(self) -> bytes:
        return self._output("stdout")

    @property
    def stderr(self) -> bytes:
        return self._output("stderr")

    @property
    def notices(self) -> list[Notice]:
        return [each for each in self.messages if isinstance(each, Notice)]

    def _output(self, stream: Literal["stdout", "stderr"]) -> bytes:
        return b"".join(e.body for e in self.messages if isinstance(e, Output) and e.stream == stream)


@dataclass(slots=True)
class WorkerDriver:
    """One worker under test. One attempt at a time: `run`, or `begin` ... `finish`."""

    worker: Worker
    credentials: Credentials = _no_credentials
    hello: Hello = field(init=False)
    _reader: FrameReader = field(default_factory=FrameReader)
    _arrived: deque[WorkerMessage] = field(default_factory=deque)
    _messages: list[WorkerMessage] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _current: StartAttempt | None = None

    async def run(self, handler: str, payload: object = None, **changes: Any) -> EndedAttempt:
        """Run one attempt from start to end."""
        await self.begin(handler, payload, **changes)
        return await self.finish()

    async def begin(self, handler: str, payload: object = None, **changes: Any) -> StartAttempt:
        """Start an attempt and return at once. `changes` replace fields of StartAttempt."""
        number = next(self._numbers)
        fields: dict[str, Any] = {
            "run_id": RunId(f"run_{number:032x}"),
            "attempt": 1,
            "job": "Test",
            "handler": handler,
            "deadline_ms": time.time_ns() // 1_000_000 + 60_000,
            "environment": {},
            "body": json.dumps(payload).encode(),
        }
        self._current = StartAttempt(**{**fields, **changes})
        self._messages = []
        await self.send(self._current)
        return self._current

    async def wait_started(self) -> Started:
        """Wait until the attempt's process exists."""
        while not isinstance(message := await self.next_message(), Started):
            pass
        return message

    async def wait_output(self, text: bytes) -> None:
        """Wait until the attempt has written `text` to stdout."""
        while text not in EndedAttempt(tuple(self._messages)).stdout:
            message = await self.next_message()
            assert not isinstance(message, Ended), f"ended without writing {text!r}: {message}"

    async def stop(
        self, reason: Literal["cancel", "timeout", "shutdown"] = "cancel", grace_s: float = 30.0
    ) -> None:
        """Ask for the end of the present attempt."""
        assert self._current is not None
        await self.send(StopAttempt(self._current.run_id, self._current.attempt, reason, grace_s))

    async def finish(self) -> EndedAttempt:
        """Take frames until the attempt has ended."""
        while not isinstance(await self.next_message(), Ended):
            pass
        return EndedAttempt(tuple(self._messages))

    async def send(self, message: WorkerMessage) -> None:
        """Send any message, also one that a daemon would not."""
        await self.worker.send(encode(message))

    async def next_message(self) -> WorkerMessage:
        """The next frame; credentials are answered on the way. Fails when the channel has ended."""
        while not self._arrived:
            async with asyncio.timeout(DEADLINE_S):
                data = await self.worker.receive()
            if not data:
                raise AssertionError(f"the worker has gone: {await self.wait_gone()}")
            self._arrived.extend(decode(head, body) for head, body in self._reader.feed(data))
        message = self._arrived.popleft()
        if isinstance(message, CredentialsWanted):
            await self.send(self.credentials(message))
        self._messages.append(message)
        return message

    async def wait_gone(self) -> WorkerExit:
        """Wait until the worker has ended, whatever it still says."""
        async with asyncio.timeout(DEADLINE_S):
            while await self.worker.receive():
                pass
            return await self.worker.wait_ended()

    async def close(self) -> WorkerExit:
        """End the worker as the daemon does: Shutdown, and no word about one that has gone already."""
        try:
            await self.send(Shutdown())
        except WorkerFailed:
            return await self.wait_gone()
        return await self.wait_gone()


@asynccontextmanager
async def open_worker(
    engine: Engine,
    spec: WorkerSpec,
    credentials: Credentials = _no_credentials,
) -> AsyncIterator[WorkerDriver]:
    """A worker that has said Hello; at the end of the block it is shut down, or killed if that fails."""
    driver = WorkerDriver(await engine.launch(spec), credentials)
    try:
        hello = await driver.next_message()
        assert isinstance(hello, Hello)
        driver.hello = hello
        yield driver
        await driver.close()
    finally:
        await driver.worker.kill()
        await driver.worker.wait_ended()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens outside of the channel."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)
