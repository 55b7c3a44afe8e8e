"""`livejob start` in a real terminal: a deployed job stops or waits, and a person answers."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

from tests.support.keyboard import Keyboard, open_keyboard
from tests.support.live_command import LIVEJOB, QUICKSTART, copy_app, developer_environment

STAGE = {"LIVEJOB_STAGE": "e2e"}


async def test_a_deployed_job_stops_in_pdb(tmp_path: Path):
    """A run that meets `breakpoint()` opens pdb in the session's terminal; others keep silent meanwhile."""
    app = copy_app(QUICKSTART, tmp_path)
    source = app / "src" / "reports.py"
    source.write_text(source.read_text().replace("    key = f", "    breakpoint()\n    key = f", 1))
    line = next(at for at, text in enumerate(source.read_text().splitlines(), 1) if "key = f" in text)

    with open_keyboard() as keyboard:
        start = await in_terminal(keyboard, app, "start", "--local", "--stage", "e2e", "--pdb")
        try:
            await keyboard.wait_text("ready")
            report = asyncio.create_task(
                run(app, "run", "MonthlyReport", "--payload", '{"month": "2026-11"}')
            )
            await keyboard.wait_text(f"is paused at reports.py:{line}")
            await keyboard.wait_text("(Pdb) ")
            listed = await run(app, "runs")
            other = await run(app, "run", "Divide", "--payload", '{"a": 6, "b": 3}')
            keyboard.type("p payload['month']")
            month = await keyboard.wait_text("(Pdb) ")
            keyboard.type("c")
            await keyboard.wait_text("goes on")
            await keyboard.wait_text("Divide")
            code = await report
        finally:
            start.terminate()
            await start.wait()

    assert "'2026-11'" in month
    assert "Divide" not in month
    assert f"paused at reports.py:{line}" in listed
    assert "SUCCEEDED" in other
    assert "SUCCEEDED" in code


async def test_enter_ends_the_wait_for_an_editor(tmp_path: Path):
    """A run that waits for an editor says so in the session's terminal, and Enter lets it go on."""
    app = copy_app(QUICKSTART, tmp_path)

    with open_keyboard() as keyboard:
        options = ("--engine", "process", "--debug", str(free_port()), "--wait", "60")
        start = await in_terminal(keyboard, app, "start", "--local", "--stage", "e2e", *options)
        try:
            await keyboard.wait_text("ready")
            divide = asyncio.create_task(run(app, "run", "Divide", "--payload", '{"a": 6, "b": 3}'))
            await keyboard.wait_text("Enter to go on without")
            keyboard.type("")
            ended = await divide
        finally:
            start.terminate()
            await start.wait()

    assert "SUCCEEDED" in ended


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def in_terminal(keyboard: Keyboard, app: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        LIVEJOB,
        *arguments,
        cwd=app,
        env=developer_environment({}),
        stdin=keyboard.stdin,
        stdout=keyboard.stdout,
        stderr=keyboard.stdout,
        start_new_session=True,
    )


async def run(app: Path, *arguments: str) -> str:
    """A command to its end; what it printed."""
    process = await asyncio.create_subprocess_exec(
        LIVEJOB,
        *arguments,
        cwd=app,
        env={**developer_environment({}), **STAGE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()
