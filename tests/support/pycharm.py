"""PyCharm's "Python Debug Server" as a run sees it: listens, speaks first, sets breakpoints, lets it run.

    async with debug_server() as pycharm:
        pycharm.break_at(file, line)
        run = await pycharm.next_run()
        stopped = await run.wait_suspended()

Speaks pydevd's line protocol as PyCharm's own sources do, and shares nothing with the daemon's code. Takes
all connections at once, or one after the other. Every wait has a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

DEADLINE_S = 30.0

RUN, RESUME, STEP_INTO, SET_BREAK, EVALUATE, GET_FRAME = 101, 106, 107, 111, 113, 114
SUSPENDED, CONSOLE, VERSION = 105, 116, 501


@dataclass(frozen=True)
class Frame:
    id: str
    function: str
    path: str
    line: int

    @classmethod
    def parse(cls, xml: ElementTree.Element) -> Frame:
        path, line = unquote(xml.get("file", "")), int(xml.get("line", "0"))
        return cls(xml.get("id", ""), xml.get("name", ""), path, line)


@dataclass(frozen=True)
class Suspended:
    """A thread that stands still; frames from the innermost one on."""

    thread: str
    frames: list[Frame]


@dataclass
class RunInPycharm:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    version: str = ""
    console: str = ""
    _number: int = -1
    _came: list[tuple[int, int, str]] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def send(self, command: int, *payload: object) -> int:
        self._number += 2
        text = "\t".join(map(str, payload))
        self.writer.write(f"{command}\t{self._number}\t{text}\n".encode())
        return self._number

    async def take(self) -> None:
        """Read what the run's pydevd says, until it closes."""
        with suppress(ConnectionError):
            while line := await self.reader.readline():
                command, number, payload = line.decode().rstrip("\n").split("\t", 2)
                async with self._news:
                    self._came.append((int(command), int(number), unquote(payload)))
                    self._news.notify_all()
                if int(command) == CONSOLE:
                    io = ElementTree.fromstring(unquote(payload)).find("io")
                    assert io is not None
                    self.console += unquote(io.get("s", ""))

    async def wait_said(self, *commands: int, number: int | None = None) -> str:
        """The payload of the first such message that was not taken yet."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            while True:
                for each in self._came:
                    if each[0] in commands and number in (None, each[1]):
                        self._came.remove(each)
                        return each[2]
                await self._news.wait()

    async def wait_suspended(self) -> Suspended:
        thread = ElementTree.fromstring(await self.wait_said(SUSPENDED)).find("thread")
        assert thread is not None
        frames = [
            Frame(
                each.get("id", ""),
                each.get("name", ""),
                unquote(each.get("file", "")),
                int(each.get("line", "0")),
            )
            for each in thread.findall("frame")
        ]
        return Suspended(thread.get("id", ""), frames)

    async def evaluate(self, suspended: Suspended, expression: str) -> str:
        """The value, as pydevd shows it."""
        frame = suspended.frames[0]
        number = self.send(EVALUATE, suspended.thread, frame.id, "LOCAL", expression, 1)
        answer = ElementTree.fromstring(await self.wait_said(EVALUATE, number=number)).find("var")
        assert answer is not None
        return unquote(answer.get("value", ""))

    async def step_into(self, suspended: Suspended) -> Suspended:
        self.send(STEP_INTO, suspended.thread)
        return await self.wait_suspended()

    def resume(self, suspended: Suspended) -> None:
        self.send(RESUME, suspended.thread)


class Pycharm:
    """The listening IDE, with its breakpoints."""

    def __init__(self, is_parallel: bool) -> None:
        self.port = 0
        self._is_parallel = is_parallel
        self._breakpoints: list[tuple[Path, int]] = []
        self._runs: asyncio.Queue[RunInPycharm] = asyncio.Queue()
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def break_at(self, path: Path, line: int) -> None:
        """In runs to come."""
        self._breakpoints.append((path, line))

    async def next_run(self) -> RunInPycharm:
        async with asyncio.timeout(DEADLINE_S):
            return await self._runs.get()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._is_parallel:
                await self._serve(RunInPycharm(reader, writer))
            else:
                async with self._one:
                    await self._serve(RunInPycharm(reader, writer))
        finally:
            writer.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, run: RunInPycharm) -> None:
        taking = asyncio.create_task(run.take())
        try:
            number = run.send(VERSION, "0.1", "UNIX")
            said = asyncio.create_task(run.wait_said(VERSION, number=number))
            await asyncio.wait({said, taking}, return_when=asyncio.FIRST_COMPLETED)
            if not said.done():
                said.cancel()
                return
            run.version = said.result()
            for path, line in self._breakpoints:
                run.send(SET_BREAK, "python-line", path, line, "None", "NONE", "None", "None")
            run.send(RUN)
            self._runs.put_nowait(run)
            await taking
        finally:
            taking.cancel()


@asynccontextmanager
async def debug_server(*, is_parallel: bool = True) -> AsyncIterator[Pycharm]:
    """PyCharm, listening."""
    pycharm = Pycharm(is_parallel)
    server = await asyncio.start_server(pycharm.connected, "127.0.0.1", 0)
    pycharm.port = int(server.sockets[0].getsockname()[1])
    try:
        yield pycharm
    finally:
        server.close()
        await pycharm.close()
