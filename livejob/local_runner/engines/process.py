"""Workers as plain child processes of the daemon: for machines where no container engine answers.

The same supervisor as in a container, under the same channel, and the same Python and files as the
daemon's. What a container gives and this does not:
  - the paths: the source is where it is, not at /var/task (LAMBDA_TASK_ROOT tells), /tmp is the machine's,
    nothing is read-only;
  - the Python version: it is the daemon's own, whatever the job's runtime says;
  - the memory limit: every process of an attempt has the whole of it for itself, and an attempt that asks
    for more meets MemoryError, not the kernel's killer (see `runner.memory`);
  - CPU quota, private network, private process table.

A worker outlives nobody: its supervisor ends it when the channel closes, also when the daemon is killed.
If the supervisor is killed too, what it leaves still carries ENV_WORKER in its environment, which the
kernel keeps under /proc for as long as the process lives; `sweep` finds it by that.
"""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from livejob.errors import WorkerFailed
from livejob.local_runner.engines.port import EngineInfo, WorkerExit, WorkerSpec
from livejob.runner.processes import descendants, kill, with_environment
from livejob.wire.ids import SessionId
from livejob.wire.limits import KIB
from livejob.wire.names import ENV_TASK_ROOT, ENV_WORKER

SUPERVISOR = "livejob.local_runner.supervisor"

DEBUGGER_OPTIONS = ("-X", "frozen_modules=off")
"""Of a Python that is debugged: else frames of frozen modules have no files, and debugpy warns of it."""

READ_BYTES = 256 * KIB
"""How much of the channel is read at once; asyncio buffers at most twice as much."""

LAST_WORDS_BYTES = 4 * KIB
"""How much of what a supervisor says on stderr is kept for `WorkerExit.detail`."""

SWEEP_PAUSE_S = 0.005

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Label:
    """What a worker's processes carry in ENV_WORKER; `token` tells the workers of one owner apart."""

    owner: str
    app: str
    stage: str
    job: str
    token: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.app}/{self.stage}/{self.job}/{self.token}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The label in `text`, None when it is none of this version."""
        parts = text.split("/")
        return cls(*parts) if len(parts) == len(cls.__dataclass_fields__) else None


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """asyncio's own stream protocol, and a future for the end of the process.

    (`Process.wait` also waits until every pipe has been read, which a killed worker's need not be.)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=READ_BYTES, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set_result(None)


class ProcessWorker:
    """A supervisor as a child process, and its pipes."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol, label: Label) -> None:
        assert protocol.stdin is not None
        assert protocol.stdout is not None
        assert protocol.stderr is not None
        self._transport = transport
        self._exited = protocol.exited
        self._stdin = protocol.stdin
        self._stdout = protocol.stdout
        self._label = label
        self._pid = transport.get_pid()
        self._last_words = asyncio.create_task(
            _last_words(protocol.stderr), name=f"stderr of worker {self._pid}"
        )

    @property
    def id(self) -> str:
        return str(self._pid)

    async def send(self, data: bytes) -> None:
        try:
            if self._stdin.is_closing():
                raise ConnectionResetError("its pipe is closed")
            self._stdin.write(data)
            await self._stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerFailed(f"the worker {self.id} does not listen any more: {error}") from error

    async def receive(self) -> bytes:
        return await self._stdout.read(READ_BYTES)

    async def wait_ended(self) -> WorkerExit:
        # Shielded: a caller that gives up waiting must not cancel what others wait for.
        await asyncio.shield(self._exited)
        exit_code = self._transport.get_returncode()
        if exit_code != 0:
            # It did not end by itself, so it may have left its attempt behind.
            await _end_processes(lambda label: label == self._label)
        detail = await asyncio.shield(self._last_words)
        return WorkerExit(exit_code, is_out_of_memory=False, detail=detail)

    async def kill(self) -> None:
        for pid in [*descendants(self._pid), self._pid] if not self._exited.done() else []:
            kill(pid)
        await _end_processes(lambda label: label == self._label)
        await self.wait_ended()
        self._transport.close()


class ProcessEngine:
    """Makes workers of this machine's own Python."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    async def check(self) -> EngineInfo:
        return EngineInfo(
            name="process",
            version=f"Python {platform.python_version()}",
            notes=("no container: jobs run as plain processes, with this machine's files and network",),
        )

    async def launch(self, spec: WorkerSpec) -> ProcessWorker:
        label = Label(spec.owner, spec.app, spec.stage, spec.job, secrets.token_hex(8))
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                lambda: _Protocol(loop),
                *self._command(spec),
                env=self._environment(spec, label),
                cwd=spec.source,
                # Ctrl-C in the daemon's terminal is the daemon's; attempts end in good order.
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerFailed(f"{self._python} could not be started in {spec.source}: {error}") from error
        return ProcessWorker(transport, protocol, label)

    async def sweep(self, app: str, stage: str, live: frozenset[SessionId]) -> int:
        def is_orphan(label: Label) -> bool:
            return (label.app, label.stage) == (app, stage) and label.owner not in live

        return await _end_processes(is_orphan)

    async def close(self) -> None:
        """Nothing is held."""

    def _command(self, spec: WorkerSpec) -> list[str]:
        # -P: the source directory must not shadow modules that the supervisor itself imports.
        # -s: as in a container, packages of the user's own site directory are not there.
        arguments = ["-m", SUPERVISOR, "--memory-bytes", str(spec.memory_bytes)]
        if spec.debugger is not None:
            return [self._python, "-P", "-s", *DEBUGGER_OPTIONS, *arguments, "--debugger", spec.debugger.name]
        return [self._python, "-P", "-s", *arguments]

    def _environment(self, spec: WorkerSpec, label: Label) -> dict[str, str]:
        roots = [spec.package, *([spec.dependencies] if spec.dependencies is not None else [])]
        if spec.debugger is not None and spec.debugger.path is not None:
            roots.append(spec.debugger.path)
        return {
            "PATH": f"{Path(self._python).parent}:{_SYSTEM_PATH}",
            **spec.environment,
            "PYTHONPATH": os.pathsep.join(str(root) for root in roots),
            ENV_TASK_ROOT: str(spec.source.absolute()),
            ENV_WORKER: str(label),
        }


async def _last_words(stderr: asyncio.StreamReader) -> str:
    last = b""
    while data := await stderr.read(LAST_WORDS_BYTES):
        last = (last + data)[-LAST_WORDS_BYTES:]
    return last.decode(errors="replace")


async def _end_processes(is_meant: Callable[[Label], bool]) -> int:
    """Kill every process whose label `is_meant`, until there is none; says of how many workers."""
    ended: set[Label] = set()
    while found := {pid: label for pid, label in _labelled() if is_meant(label)}:
        for pid in found:
            kill(pid)
        ended.update(found.values())
        await asyncio.sleep(SWEEP_PAUSE_S)
    return len(ended)


def _labelled() -> list[tuple[int, Label]]:
    pairs = ((pid, Label.parse(text)) for pid, text in with_environment(ENV_WORKER))
    return [(pid, label) for pid, label in pairs if label is not None]
