"""An editor as a debugger sees it: connects to the one port, follows the runs, opens a session for each.

    async with attached(session.debug.port) as editor:
        await editor.break_at(file, line)
        run = await editor.next_run()
        frame = await run.wait_stopped()

Speaks the Debug Adapter Protocol by itself and shares nothing with the daemon's own code. Every wait has a
deadline: a test that hangs fails.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEADLINE_S = 30.0
Message = dict[str, Any]

INITIALIZE = {
    "clientID": "vscode",
    "clientName": "Visual Studio Code",
    "adapterID": "debugpy",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsRunInTerminalRequest": True,
    "supportsStartDebuggingRequest": True,
}
"""What VS Code says of itself, the part that debugpy's adapter looks at."""


class Refused(Exception):
    """The other side answered a request with an error."""


class Connection:
    """One connection: requests with their answers, and what comes by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self.came: list[Message] = []
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def begin(self, command: str, arguments: Message | None = None) -> asyncio.Future[Message]:
        """Send a request; its answer's body comes later."""
        number = next(self._numbers)
        if self._reading.done():
            raise ConnectionResetError("closed by the other side")
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments or {}}
        body = json.dumps(message).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._answers[number] = asyncio.get_running_loop().create_future()
        return self._answers[number]

    async def ask(self, command: str, **arguments: Any) -> Any:
        """The body of the answer; raises Refused."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.begin(command, arguments)

    async def wait_event(self, name: str, is_meant: Callable[[Message], bool] = lambda _: True) -> Message:
        """Body of the first such event that was not taken yet, now or as soon as it comes."""
        found = await self._wait(lambda m: m.get("event") == name and is_meant(m.get("body") or {}))
        body: Message = found.get("body") or {}
        return body

    async def wait_request(self, command: str) -> Message:
        """Arguments of a request that the other side makes."""
        found = await self._wait(lambda m: m.get("command") == command and m["type"] == "request")
        arguments: Message = found["arguments"]
        return arguments

    async def wait_closed(self) -> None:
        """Until the other side has closed."""
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.wait({self._reading})

    async def break_off(self) -> None:
        """Be killed: no word, and the connection is gone."""
        self._writer.transport.abort()
        await self.close()

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        for answer in self._answers.values():
            if answer.done():
                answer.exception()  # nobody asks for it any more
            answer.cancel()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _wait(self, is_meant: Callable[[Message], bool]) -> Message:
        async with asyncio.timeout(DEADLINE_S), self._news:
            while True:
                for message in self.came:
                    if is_meant(message):
                        self.came.remove(message)
                        return message
                await self._news.wait()

    async def _read(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await self._reader.readuntil(b"\r\n\r\n")
                length = int(header.partition(b":")[2])
                message = json.loads(await self._reader.readexactly(length))
                if message["type"] == "response":
                    self._answer(message)
                    continue
                async with self._news:
                    self.came.append(message)
                    self._news.notify_all()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("closed by the other side"))

    def _answer(self, message: Message) -> None:
        answer = self._answers.pop(message["request_seq"])
        if message["success"]:
            answer.set_result(message.get("body") or {})
        else:
            answer.set_exception(Refused(message.get("message")))


@dataclass
class Frame:
    """Where a thread stands: the path is the editor's."""

    id: int
    function: str
    path: str
    line: int


@dataclass
class RunView:
    """One run in the editor's call stack."""

    name: str
    connection: Connection
    thread: int = 0

    async def wait_stopped(self, reason: str = "breakpoint") -> Frame:
        """The top frame, as soon as the run stops for that reason."""
        stopped = await self.connection.wait_event("stopped", lambda body: body["reason"] == reason)
        self.thread = stopped["threadId"]
        return (await self.stack())[0]

    async def stack(self) -> list[Frame]:
        body = await self.connection.ask("stackTrace", threadId=self.thread)
        return [
            Frame(each["id"], each["name"], each["source"]["path"], each["line"])
            for each in body["stackFrames"]
        ]

    async def variables(self, frame: Frame) -> dict[str, str]:
        """Names and values of the frame's locals."""
        body = await self.connection.ask("variables", variablesReference=await self._locals(frame))
        return {each["name"]: each["value"] for each in body["variables"]}

    async def set_variable(self, frame: Frame, name: str, value: str) -> None:
        reference = await self._locals(frame)
        await self.connection.ask("setVariable", variablesReference=reference, name=name, value=value)

    async def evaluate(self, frame: Frame, expression: str) -> str:
        body = await self.connection.ask("evaluate", expression=expression, frameId=frame.id, context="repl")
        return str(body["result"])

    async def step_in(self) -> Frame:
        await self.connection.ask("stepIn", threadId=self.thread)
        return await self.wait_stopped("step")

    async def go_on(self) -> None:
        """Continue."""
        await self.connection.ask("continue", threadId=self.thread)

    async def wait_terminated(self) -> None:
        await self.connection.wait_event("terminated")

    async def _locals(self, frame: Frame) -> int:
        body = await self.connection.ask("scopes", frameId=frame.id)
        return int(next(each["variablesReference"] for each in body["scopes"] if each["name"] == "Locals"))


@dataclass
class Editor:
    """An editor with its root session, its breakpoints, and the runs that it shows."""

    port: int
    root: Connection
    configuration: Message
    breakpoints: dict[str, list[Message]] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    runs: list[RunView] = field(default_factory=list)

    async def break_at(self, path: Path, *lines: int, condition: str | None = None) -> list[Message]:
        """Set a file's breakpoints in every session, as an editor does; the root's answer."""
        wanted = [{"line": line, **({"condition": condition} if condition else {})} for line in lines]
        self.breakpoints[str(path)] = wanted
        for run in self.runs:
            with suppress(ConnectionError, Refused):  # a run that has ended
                await run.connection.ask("setBreakpoints", source={"path": str(path)}, breakpoints=wanted)
        body = await self.root.ask("setBreakpoints", source={"path": str(path)}, breakpoints=wanted)
        answered: list[Message] = body["breakpoints"]
        return answered

    async def next_run(self) -> RunView:
        """Open a session for the next run that starts, as the server asks for it."""
        asked = await self.root.wait_request("startDebugging")
        configuration = asked["configuration"]
        connection = await Connection.open(configuration["connect"]["port"])
        await self._configure(connection, configuration)
        run = RunView(configuration["name"], connection)
        self.runs.append(run)
        return run

    async def close(self) -> None:
        for run in self.runs:
            await run.connection.close()
        await self.root.close()

    async def break_off(self) -> None:
        """Be killed, with all sessions."""
        for connection in [self.root, *(run.connection for run in self.runs)]:
            await connection.break_off()

    async def _configure(self, connection: Connection, configuration: Message) -> None:
        await connection.ask("initialize", **INITIALIZE)
        attaching = connection.begin("attach", configuration)
        ready = asyncio.ensure_future(connection.wait_event("initialized"))
        await asyncio.wait({attaching, ready}, return_when=asyncio.FIRST_COMPLETED)
        if attaching.done():
            ready.cancel()
            attaching.result()
        for path, wanted in self.breakpoints.items():
            await connection.ask("setBreakpoints", source={"path": path}, breakpoints=wanted)
        await connection.ask("setFunctionBreakpoints", breakpoints=[])
        await connection.ask("setExceptionBreakpoints", filters=self.filters)
        await connection.ask("configurationDone")
        async with asyncio.timeout(DEADLINE_S):
            await attaching


@asynccontextmanager
async def attached(
    port: int, *, filters: list[str] | None = None, **configuration: Any
) -> AsyncIterator[Editor]:
    """An editor that is attached, with no breakpoints yet."""
    whole = {
        "name": "livejob",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "justMyCode": False,
        "redirectOutput": True,
        **configuration,
    }
    editor = Editor(port, await Connection.open(port), whole, filters=filters or [])
    try:
        await editor._configure(editor.root, whole)
        yield editor
    finally:
        await editor.close()
