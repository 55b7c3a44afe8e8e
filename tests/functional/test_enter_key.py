"""The Enter key, pressed at a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

from livejob.cli.enter_key import EnterKey

DEADLINE_S = 10.0


@dataclass
class Terminal:
    """Both ends of a terminal: a person's, and a program's stdin."""

    person: int
    stdin: TextIO
    heard: list[str] = field(default_factory=list)

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())

    def hears(self, who: str) -> Callable[[], None]:
        """A use for Enter that remembers who heard it."""
        return lambda: self.heard.append(who)

    async def wait_heard(self, count: int) -> list[str]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.heard) < count:
                await asyncio.sleep(0.002)
        return self.heard

    async def wait_read(self) -> None:
        """Until the program has read all that was typed: nothing of it is left in the terminal."""
        async with asyncio.timeout(DEADLINE_S):
            while struct.unpack("i", fcntl.ioctl(self.stdin, termios.FIONREAD, b"\0" * 4)) != (0,):
                await asyncio.sleep(0.002)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """One that is nobody's yet."""
    person, program = pty.openpty()
    with os.fdopen(program, "r") as stdin:
        yield Terminal(person, stdin)
    os.close(person)


async def test_enter_goes_to_whoever_asked_last(terminal: Terminal) -> None:
    """A later one has Enter until it withdraws; then the one before has it again."""
    enter = EnterKey(terminal.stdin)

    with enter.opened(), enter.asked(terminal.hears("first")):
        with enter.asked(terminal.hears("second")):
            terminal.type("\n")
            await terminal.wait_heard(1)
        terminal.type("\n")
        heard = await terminal.wait_heard(2)

    assert ["second", "first"] == heard


async def test_enter_that_nobody_asked_for_is_forgotten(terminal: Terminal) -> None:
    """What was pressed before somebody asked is no answer to what is asked then."""
    enter = EnterKey(terminal.stdin)
    terminal.type("\n")
    select.select([terminal.stdin], [], [], DEADLINE_S)

    with enter.opened():
        await terminal.wait_read()
        with enter.asked(terminal.hears("late")):
            terminal.type("yes\n")
            heard = await terminal.wait_heard(1)

    assert ["late"] == heard


async def test_one_that_asks_twice_is_withdrawn_once(terminal: Terminal) -> None:
    """The same use may be asked for by several; each withdraws its own asking."""
    enter, again = EnterKey(terminal.stdin), terminal.hears("again")

    with enter.opened(), enter.asked(again), enter.asked(terminal.hears("between")):
        with enter.asked(again):
            pass
        terminal.type("\n")
        heard = await terminal.wait_heard(1)

    assert ["between"] == heard


async def test_lent_terminal_is_read_by_nobody_else(terminal: Terminal) -> None:
    """While it is lent, what is typed is for whoever has it; afterwards Enter works as before."""
    tty.setcbreak(terminal.stdin)
    enter = EnterKey(terminal.stdin)

    with enter.opened(), enter.asked(terminal.hears("asked")):
        with enter.lent() as lent:
            terminal.type("\n")
            assert lent is not None
            typed = await asyncio.to_thread(os.read, lent.fileno(), 100)
        terminal.type("\n")
        heard = await terminal.wait_heard(1)

    assert (b"\n", ["asked"]) == (typed, heard)


async def test_ctrl_d_ends_nothing(terminal: Terminal) -> None:
    """An end of input is no Enter, and Enter works after it."""
    enter = EnterKey(terminal.stdin)

    with enter.opened(), enter.asked(terminal.hears("asked")):
        terminal.type("\x04\n")
        heard = await terminal.wait_heard(1)

    assert ["asked"] == heard


async def test_a_terminal_that_is_gone_is_left_alone(terminal: Terminal) -> None:
    """Nothing reads a terminal whose window was closed: it would be ready for ever."""
    enter = EnterKey(terminal.stdin)

    with enter.opened():
        os.dup2(os.open(os.devnull, os.O_RDWR), terminal.person)
        for _ in range(3):
            await asyncio.sleep(0)
        is_read = asyncio.get_running_loop().remove_reader(terminal.stdin)

    assert not is_read


def test_a_pipe_is_no_terminal(tmp_path: Path) -> None:
    """Where stdin is a file, a pipe or closed, nobody can press Enter."""
    (tmp_path / "answers").write_text("\n")
    with (tmp_path / "answers").open() as stdin:
        piped = EnterKey(stdin)

    assert [False, False, False] == [piped.is_there, EnterKey(stdin).is_there, EnterKey(None).is_there]
