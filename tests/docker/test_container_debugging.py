"""Debug commands of container jobs: an editor reaches the debugger in the image, and nothing is published."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import debugpy
import pytest

from livejob.local_runner.containers.debugger import free_port
from livejob.local_runner.debug.server import DebugSettings
from livejob.local_runner.events import CommandDebuggable
from livejob.wire.states import State
from tests.support.container_sessions import container_session, write_container_job
from tests.support.dap import Connection
from tests.support.engine_fixtures import DockerUnderTest

SCRIPT = """\
import json, os
number = json.loads(os.environ["SST_PAYLOAD"])
squared = number * number
print(squared)
"""

ECHO = """\
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    connection, _ = server.accept()
    print("heard", connection.recv(100).decode())
    connection.sendall(b"x" * 1_000_000)
    connection.close()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    directory.mkdir()
    return directory


@asynccontextmanager
async def attached(port: int, directory: Path) -> AsyncIterator[Connection]:
    """An editor that may set breakpoints. Nothing runs before it has said that it is done with that."""
    editor = await Connection.open(port)
    try:
        await editor.ask("initialize", clientID="vscode", adapterID="debugpy", pathFormat="path")
        mapping = {"localRoot": str(directory), "remoteRoot": "/app"}
        attaching = editor.begin("attach", {"pathMappings": [mapping], "justMyCode": False})
        await editor.wait_event("initialized")
        yield editor
        await attaching
    finally:
        await editor.close()


@pytest.mark.parametrize("network", ["host", "none"])
async def test_editor_stops_a_command_at_a_breakpoint(
    app: Path, docker: DockerUnderTest, network: str
) -> None:
    """debugpy in the author's image is attached to at the job's port, in whatever network the command is."""
    port = free_port()
    listen = ["env", "PYTHONPATH=/opt/debugger", "python3", "-Xfrozen_modules=off", "-m", "debugpy"]
    debug = {
        "cmd": [*listen, "--listen", "127.0.0.1:{port}", "--wait-for-client", "/app/square.py"],
        "port": port,
        "root": "/app",
    }
    command = ["python3", "/app/square.py"]
    directory = write_container_job(app, "Square", docker.image, command, container={"debug": debug})
    (directory / "square.py").write_text(SCRIPT)
    shutil.copytree(Path(debugpy.__file__).parent, directory / "debugger" / "debugpy")
    with (directory / "Dockerfile").open("a") as file:
        file.write("COPY debugger /opt/debugger\n")

    async with container_session(app, docker, network, debug=DebugSettings(0)) as session:
        run_id = session.call("Square", 7)
        debuggable = await session.witness.wait_event(CommandDebuggable)
        async with attached(port, directory) as editor:
            source = {"path": str(directory / "square.py")}
            await editor.ask("setBreakpoints", source=source, breakpoints=[{"line": 4}])
            await editor.ask("configurationDone")
            stopped = await editor.wait_event("stopped")
            trace = await editor.ask("stackTrace", threadId=stopped["threadId"])
            frame = trace["stackFrames"][0]
            value = await editor.ask("evaluate", expression="squared", frameId=frame["id"])
            noted = await session.wait_run(run_id, lambda run: bool(run.note))
            await editor.ask("continue", threadId=stopped["threadId"])
            run = await session.wait_ended(run_id)

    assert f"127.0.0.1:{port}" == debuggable.address
    assert (source["path"], 4, "49") == (frame["source"]["path"], frame["line"], value["result"])
    assert "runs its debug command" == noted.note
    assert (State.SUCCEEDED, True) == (run.state, "49\n" in session.output(run_id))


async def test_runs_at_once_have_ports_of_their_own(app: Path, docker: DockerUnderTest) -> None:
    """One has the job's port, others one that is free; an editor may be there before the debugger is."""
    port = free_port()
    debug = {"cmd": ["python3", "/app/echo.py", "{port}"], "port": port, "root": "/app"}
    directory = write_container_job(app, "Echo", docker.image, ["false"], container={"debug": debug})
    (directory / "echo.py").write_text(ECHO)
    debug_settings = DebugSettings(0)

    async with container_session(app, docker, changes={"concurrency": 2}, debug=debug_settings) as session:
        heard = {}
        for run_id in (session.call("Echo"), session.call("Echo")):
            event = await session.witness.wait_event(CommandDebuggable, lambda e, r=run_id: e.run_id == r)
            heard[run_id] = event.address
        for run_id, address in heard.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            writer.write(run_id.encode())
            assert b"x" * 1_000_000 == await reader.read(-1)
            writer.close()
            await session.wait_ended(run_id)

    assert f"127.0.0.1:{port}" in heard.values()
    assert 2 == len(set(heard.values()))
    assert all(f"heard {run_id}\n" == session.output(run_id) for run_id in heard)


async def test_without_debug_the_command_itself_runs(app: Path, docker: DockerUnderTest) -> None:
    """A session without --debug listens nowhere and runs what production runs."""
    debug = {"cmd": ["false", "{port}"], "port": free_port(), "root": "/app"}
    write_container_job(app, "Say", docker.image, ["echo", "said"], container={"debug": debug})

    async with container_session(app, docker) as session:
        run_id = session.call("Say")
        await session.wait_ended(run_id)

    assert "said\n" == session.output(run_id)
    assert [] == session.witness.of(CommandDebuggable)
