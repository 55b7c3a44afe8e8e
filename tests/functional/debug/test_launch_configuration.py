"""The generated launch.json is one that the Python Debugger extension and debugpy's own adapter take."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from livejob.cli.main import run_command
from tests.support.dap import DEADLINE_S, INITIALIZE, Connection

SCHEMA = json.loads((Path(__file__).parents[2] / "vectors" / "python_debugger_attach.json").read_text())
PROGRAM = "answer = 42\nprint(answer)\n"

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": int, "null": type(None)}


@pytest.fixture
def configuration(tmp_path: Path) -> dict[str, Any]:
    """As `livejob debug init` writes it, with the editor's word for the workspace put in."""
    (tmp_path / "livejob.toml").write_text('app = "shop"\nsource = "src"\n')
    (tmp_path / "src").mkdir()
    assert run_command(["debug", "init", "--app-dir", str(tmp_path), "--workspace", str(tmp_path)]) == 0
    text = (tmp_path / ".vscode/launch.json").read_text().replace("${workspaceFolder}", str(tmp_path))
    [configuration] = json.loads(text)["configurations"]
    return dict(configuration)


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[Connection]:
    """debugpy's own adapter in front of a program that waits for it."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = ["-X", "frozen_modules=off", "-m", "debugpy", "--listen", str(port), "--wait-for-client"]
    process = await asyncio.create_subprocess_exec(sys.executable, *options, str(tmp_path / "program.py"))
    connection = await open_patiently(port)
    try:
        yield connection
    finally:
        await connection.close()
        process.kill()
        await process.wait()


async def open_patiently(port: int) -> Connection:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await Connection.open(port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


def faults(value: Any, schema: dict[str, Any], place: str = "$") -> Iterator[str]:
    """What a JSON schema has against a value; attributes that it does not name are faults."""
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(type(value) is TYPES[kind] for kind in kinds):
        yield f"{place} is no {kinds}"
        return
    if isinstance(value, dict):
        yield from (f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, each in value.items():
            if name not in schema["properties"]:
                yield f"{place}.{name} is not known"
            else:
                yield from faults(each, schema["properties"][name], f"{place}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from faults(each, schema["items"], f"{place}[{number}]")


def test_the_extension_knows_every_attribute(configuration: dict[str, Any]) -> None:
    """Names and types are those of the extension's own schema."""
    wrong = {**configuration, "connect": {"host": 1}, "justMyCode": 0, "attachTo": "me"}

    assert [] == list(faults(configuration, SCHEMA))
    assert 4 == len(list(faults(wrong, SCHEMA)))


async def test_the_real_adapter_takes_it(
    tmp_path: Path, configuration: dict[str, Any], adapter: Connection
) -> None:
    """With it debugpy's adapter attaches to a program, which stops at a breakpoint."""
    await adapter.ask("initialize", **INITIALIZE)
    attaching = adapter.begin("attach", configuration)
    await adapter.wait_event("initialized")
    source = {"path": str(tmp_path / "program.py")}
    await adapter.ask("setBreakpoints", source=source, breakpoints=[{"line": 2}])
    await adapter.ask("configurationDone")
    async with asyncio.timeout(DEADLINE_S):
        await attaching
    stopped = await adapter.wait_event("stopped")

    assert "breakpoint" == stopped["reason"]
