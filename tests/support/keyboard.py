"""A person at a real terminal: types into one end of a pseudo-terminal and sees what comes out of it.

with open_keyboard() as keyboard:
    await keyboard.wait_text("(Pdb) ")
    keyboard.type("continue")
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

DEADLINE_S = 30.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Keyboard:
    """`screen` is all that was shown, without colours; `wait_text` looks behind what it has found before."""

    fd: int
    stdin: TextIO
    stdout: TextIO
    screen: str = ""
    _seen: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def type(self, line: str) -> None:
        os.write(self.fd, f"{line}\n".encode())

    def end_input(self) -> None:
        """Ctrl-D."""
        os.write(self.fd, b"\x04")

    async def wait_text(self, text: str) -> str:
        """Until it is shown; what was shown since the last call, up to it."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while (found := self.screen.find(text, self._seen)) < 0:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {text!r} behind:\n{self.screen}") from None
        before = self.screen[self._seen : found]
        self._seen = found + len(text)
        return before

    def look(self) -> None:
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody holds the other end any more
            return
        self.screen += _COLOUR.sub("", data.decode().replace("\r\n", "\n"))
        self._news.set()


@contextmanager
def open_keyboard() -> Iterator[Keyboard]:
    """A new pseudo-terminal."""
    own, other = pty.openpty()
    with os.fdopen(other, "r", closefd=False) as stdin, os.fdopen(os.dup(other), "w") as stdout:
        keyboard = Keyboard(own, stdin, stdout)
        loop = asyncio.get_running_loop()
        loop.add_reader(own, keyboard.look)
        try:
            yield keyboard
        finally:
            loop.remove_reader(own)
            os.close(own)
            os.close(other)
