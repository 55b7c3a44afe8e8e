"""The terminal of `livejob start --pdb`: what a run in pdb says, and what the person types.

Meanwhile what the session has to tell of other runs is held back, so that nothing gets between prompt and
answer; of the run itself it is told between two answers. Lines typed while no run has the terminal go to
nobody.
"""

from __future__ import annotations

import asyncio
import os
import termios
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from livejob.cli.enter_key import EnterKey
from livejob.cli.session_output import Printer, Ready
from livejob.cli.style import printable
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage_events import StageEvent
from livejob.local_runner.events import Event, RunHeld, RunOutput, RunResumed, Stopping
from livejob.runs.model import Run
from livejob.wire.ids import RunId
from livejob.wire.limits import KIB

HELD_EVENTS = 2000
"""Of lines of output beyond so many only their number is kept: the files have them."""


class HeldPrinter:
    """A printer that can be told to wait."""

    def __init__(self, printer: Printer, stdout: TextIO) -> None:
        """`stdout`: of the terminal, for what is said about itself."""
        self._printer = printer
        self._stdout = stdout
        self._owner: RunId | None = None
        self._is_asking = False
        self._held: deque[Event | StageEvent] = deque()
        self._dropped = 0

    def prepare(self, ready: Ready) -> None:
        self._printer.prepare(ready)

    def tell_deployment(self, event: ResourceEvent) -> None:
        self._printer.tell_deployment(event)

    def report(self, event: Event | StageEvent) -> None:
        if isinstance(event, RunHeld | RunResumed):
            return  # the terminal shows both
        if self._owner is None or isinstance(event, Stopping) or self._is_told_now(event):
            self._printer.report(event)
        elif isinstance(event, RunOutput) and len(self._held) >= HELD_EVENTS:
            self._dropped += 1
        else:
            self._held.append(event)

    @contextmanager
    def held_for(self, owner: RunId) -> Iterator[None]:
        """Within the block only what `owner` does is told; afterwards the rest."""
        self._owner = owner
        try:
            yield
        finally:
            self._owner = None
            self._tell(lambda event: True)
            if self._dropped:
                self._stdout.write(f"({self._dropped} more lines of output: `livejob logs RUN` has them)\n")
                self._dropped = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Within the block nothing is told at all."""
        self._is_asking = True
        try:
            yield
        finally:
            self._is_asking = False
            self._tell(self._is_told_now)

    def _is_told_now(self, event: Event | StageEvent) -> bool:
        return not self._is_asking and getattr(event, "run_id", None) == self._owner

    def _tell(self, is_due: Callable[[Event | StageEvent], bool]) -> None:
        held, self._held = self._held, deque()
        for event in held:
            if is_due(event):
                self._printer.report(event)
            else:
                self._held.append(event)


class PersonsTerminal:
    """The terminal that `enter` lends, and stdout of this process. It is read only while a run has it."""

    def __init__(self, enter: EnterKey, stdout: TextIO, printer: HeldPrinter) -> None:
        self._enter = enter
        self._stdout = stdout
        self._printer = printer
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._partial = b""

    @contextmanager
    def given_to(self, run: Run, place: str) -> Iterator[PersonsTerminal]:
        head = f"‖ {run.job} {run.id[-6:]} is paused at {place}; its timeout stands still"
        self._write(click.style(head, fg="yellow") + "\n")
        with self._printer.held_for(run.id), self._reading():
            try:
                yield self
            finally:
                self._write(click.style(f"▶ {run.job} {run.id[-6:]} goes on", fg="yellow") + "\n")

    def write(self, text: str) -> None:
        self._write("\n".join(map(printable, text.split("\n"))))

    async def ask(self, prompt: str) -> str:
        with self._printer.asking():
            self._write(printable(prompt))
            try:
                line = await self._typed.get()
            except asyncio.CancelledError:
                self._write("\n")
                raise
            if not line:
                self._write("\n")
            return line

    @contextmanager
    def _reading(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        with self._enter.lent() as stdin:
            if stdin is None:
                raise RuntimeError("a session without a terminal has no pdb")
            # What was typed before was meant for nobody.
            termios.tcflush(stdin, termios.TCIFLUSH)
            self._typed, self._partial = asyncio.Queue(), b""
            loop.add_reader(stdin, self._read, stdin)
            try:
                yield
            finally:
                loop.remove_reader(stdin)

    def _write(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()

    def _read(self, stdin: TextIO) -> None:
        try:
            data = os.read(stdin.fileno(), 64 * KIB)
        except OSError:  # the terminal has gone; SIGHUP ends the session
            asyncio.get_running_loop().remove_reader(stdin)
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        typed = [line.decode(errors="replace") + "\n" for line in lines]
        if not data:
            typed = [""]
        for line in typed:
            self._typed.put_nowait(line)
