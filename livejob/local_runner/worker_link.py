"""One worker as the daemon sees it: frames in, attempts out, credentials answered.

Speaks `livejob.wire.worker` over an engine's channel. Knows nothing of records, pools or timeouts;
the attempt's owner decides when to stop it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.errors import WorkerFailed
from livejob.local_runner.engines.port import Worker, WorkerExit
from livejob.local_runner.preloads import Preloads
from livejob.local_runner.sources.listing import NOTHING, Listing, changes_between
from livejob.local_runner.sources.messages import source_messages
from livejob.local_runner.waiting import wait_first
from livejob.wire.beside import (
    CredentialsGranted,
    GrantCredentials,
    OpenStream,
    RevokeCredentials,
    StreamBytes,
    StreamClosed,
    StreamOpened,
)
from livejob.wire.framing import FrameError, FrameReader
from livejob.wire.worker import (
    CheckImport,
    CredentialsReply,
    CredentialsWanted,
    DeadlineMoved,
    DebuggerBytes,
    Ended,
    Hello,
    ImportChecked,
    ModulesLearned,
    Notice,
    Output,
    Shutdown,
    SourcesLoaded,
    StartAttempt,
    Started,
    StopAttempt,
    WorkerMessage,
    decode,
    encode,
)

CredentialsDocument = Callable[[], Awaitable[str]]
"""Gives the JSON of the job role's current credentials; raises LivejobError with the reason."""

AttemptMessage = Started | Output | Notice | DebuggerBytes
StreamMessage = StreamOpened | StreamBytes | StreamClosed
AttemptSink = Callable[[AttemptMessage], None]


@dataclass(frozen=True, slots=True)
class WorkerService:
    """What a worker has of its daemon beside attempts.

    credentials: see CredentialsDocument.
    loaded:      hears of source files that the worker has loaded: see `SourcesLoaded`.
    preloads:    what it imports ahead.
    """

    credentials: CredentialsDocument
    loaded: Callable[[list[str]], None]
    preloads: Preloads


SHUTDOWN_S = 5.0
"""How long a supervisor may take to end by itself before it is killed."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker went away during the attempt."""

    exit: WorkerExit


class WorkerLink:
    """Owns one worker from launch to end. `run` is called for one attempt at a time."""

    def __init__(self, worker: Worker, service: WorkerService, dependencies: Path | None = None) -> None:
        """`dependencies`: directory of this machine that the worker was given; None without."""
        self.dependencies = dependencies
        self._worker = worker
        self._service = service
        self._sources: Listing | None = None
        self._giving = asyncio.Lock()
        self._preload_version = 0
        self._checks: deque[asyncio.Future[ImportChecked]] = deque()
        self.is_worn = False
        """It should have no further attempt after the present one."""
        self._sink: AttemptSink | None = None
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[Ended] | None = None
        self.on_stream: Callable[[StreamMessage], None] | None = None
        self._granted: asyncio.Future[CredentialsGranted] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read(), name=f"worker {worker.id}")

    @property
    def id(self) -> str:
        return self._worker.id

    @property
    def hello(self) -> Hello:
        """What the supervisor said of itself; after `wait_ready`."""
        return self._hello.result()

    @property
    def is_alive(self) -> bool:
        """True until the channel has ended."""
        return not self._reading.done()

    async def wait_ready(self, timeout_s: float) -> Hello:
        """Wait for the supervisor's Hello.

        Raises:
            WorkerFailed: it ended, or said nothing for `timeout_s`.
        """
        await wait_first(self._hello, self._reading, timeout_s=timeout_s)
        if self._hello.done():
            return self._hello.result()
        if self._reading.done():
            gone = await self._worker.wait_ended()
            reason = gone.detail.strip() or f"exit code {gone.exit_code}"
        else:
            reason = f"no word from it in {timeout_s:g} s"
            await self.kill()
        raise WorkerFailed(f"the worker {self.id} did not start: {reason}")

    async def check(self, handler: str, environment: Mapping[str, str]) -> ImportChecked | None:
        """Try the import of a handler, while there is no attempt; None when nothing was found out."""
        checked: asyncio.Future[ImportChecked] = asyncio.get_running_loop().create_future()
        self._checks.append(checked)
        try:
            await self._worker.send(encode(CheckImport(handler, dict(environment))))
            await wait_first(checked, self._reading)
        except WorkerFailed:
            return None
        return checked.result() if checked.done() and checked.result().is_whole else None

    async def give_sources(self, sources: Listing) -> None:
        """Have the attempts that start from here on see these sources. No error when the worker is gone."""
        async with self._giving:
            if sources is self._sources:
                return
            changes = changes_between(self._sources or NOTHING, sources)
            if self._sources is not None and changes.is_empty:
                self._sources = sources
                return
            try:
                for message in source_messages(changes):
                    await self._worker.send(encode(message))
            except WorkerFailed:
                # Whoever runs an attempt on it sees the same, and why.
                return
            self._sources = sources

    async def prepare(self, sources: Listing) -> None:
        """Have it ready for an attempt that may come. No error when the worker is gone."""
        await self.give_sources(sources)
        try:
            await self._give_preload()
        except WorkerFailed:
            return

    async def run(self, start: StartAttempt, sink: AttemptSink) -> Ended | WorkerLost:
        """Run one attempt; `sink` gets what happens meanwhile, in order."""
        self._sink = sink
        self._ended = asyncio.get_running_loop().create_future()
        try:
            await self._give_preload()
            await self._worker.send(encode(start))
            await wait_first(self._ended, self._reading)
        except WorkerFailed:
            # The channel broke under the message; the exit below says why.
            pass
        finally:
            ended, self._ended, self._sink = self._ended, None, None
        if ended.done():
            return ended.result()
        return WorkerLost(await self._worker.wait_ended())

    async def _give_preload(self) -> None:
        preloads = self._service.preloads
        preload, self._preload_version = preloads.news(self.id, self.hello, self._preload_version)
        if preload is not None:
            await self._worker.send(encode(preload))

    async def stop_attempt(self, stop: StopAttempt) -> None:
        """Ask the supervisor to end the attempt. No error when the worker is gone."""
        try:
            await self._worker.send(encode(stop))
        except WorkerFailed:
            # `run` sees the same end and returns WorkerLost.
            return

    async def tell_attempt(self, message: DebuggerBytes | DeadlineMoved) -> None:
        """Give bytes to the attempt's debugger, or tell its time. No error when the worker is gone."""
        try:
            await self._worker.send(encode(message))
        except WorkerFailed:
            return

    async def grant_credentials(self) -> CredentialsGranted:
        """Open the worker's credential endpoint for what runs beside it, until `revoke_credentials`.

        Raises:
            WorkerFailed: the worker is gone.
        """
        self._granted = asyncio.get_running_loop().create_future()
        await self._worker.send(encode(GrantCredentials()))
        await wait_first(self._granted, self._reading)
        if not self._granted.done():
            raise WorkerFailed(f"the worker {self.id} has ended")
        return self._granted.result()

    async def revoke_credentials(self) -> None:
        """Close the endpoint again. No error when the worker is gone."""
        try:
            await self._worker.send(encode(RevokeCredentials()))
        except WorkerFailed:
            return

    async def send_stream(self, message: OpenStream | StreamBytes | StreamClosed) -> None:
        """Of a stream to a port on the worker's loopback; what comes back goes to `on_stream`.

        No error when the worker is gone.
        """
        try:
            await self._worker.send(encode(message))
        except WorkerFailed:
            return

    async def wait_lost(self) -> WorkerLost:
        """Until the worker has ended without being asked."""
        await asyncio.wait([self._reading])
        return WorkerLost(await self._worker.wait_ended())

    async def close(self) -> WorkerExit:
        """End the worker: politely, then by force."""
        try:
            await self._worker.send(encode(Shutdown()))
            async with asyncio.timeout(SHUTDOWN_S):
                return await self._worker.wait_ended()
        except (WorkerFailed, TimeoutError):
            await self._worker.kill()
            return await self._worker.wait_ended()
        finally:
            await self._finish_tasks()

    async def kill(self) -> None:
        """End the worker at once."""
        await self._worker.kill()
        await self._worker.wait_ended()
        await self._finish_tasks()

    async def _finish_tasks(self) -> None:
        self._service.preloads.forget(self.id)
        for task in self._answers:
            task.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._answers, return_exceptions=True)

    async def _read(self) -> None:
        frames = FrameReader()
        while data := await self._worker.receive():
            try:
                for head, body in frames.feed(data):
                    self._take(decode(head, body))
            except FrameError:
                # Nothing after this can be trusted: to the owner the worker is lost.
                await self._worker.kill()
                return

    def _take(self, message: WorkerMessage) -> None:
        match message:
            case Started() | Output() | Notice() | DebuggerBytes():
                if self._sink is not None:
                    self._sink(message)
            case Ended():
                if self._ended is not None and not self._ended.done():
                    self._ended.set_result(message)
            case CredentialsWanted(request):
                task = asyncio.create_task(self._answer(request), name="credentials")
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)
            case CredentialsGranted():
                if self._granted is not None and not self._granted.done():
                    self._granted.set_result(message)
            case Hello():
                if not self._hello.done():
                    self._hello.set_result(message)
            case _:
                self._take_lesson(message)

    def _take_lesson(self, message: WorkerMessage) -> None:
        """What the worker says of itself and the source, not of an attempt."""
        match message:
            case ImportChecked():
                # In the order in which they were asked for, one answer for each.
                asked = self._checks.popleft() if self._checks else None
                if asked is not None and not asked.done():
                    asked.set_result(message)
            case ModulesLearned(is_spoilt=is_spoilt):
                self.is_worn = self.is_worn or is_spoilt
                self._service.preloads.learn(self.id, message)
            case StreamOpened() | StreamBytes() | StreamClosed():
                if self.on_stream is not None:
                    self.on_stream(message)
            case SourcesLoaded(paths):
                self._service.loaded(paths)
            case _:
                raise FrameError(f"the supervisor sent {type(message).__name__}")

    async def _answer(self, request: int) -> None:
        try:
            reply = CredentialsReply(request, document=await self._service.credentials())
        except Exception as error:  # noqa: BLE001 - whatever it is, the handler that asked must hear it
            reply = CredentialsReply(request, error=str(error) or type(error).__name__)
        try:
            await self._worker.send(encode(reply))
        except WorkerFailed:
            return
