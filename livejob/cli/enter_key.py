"""The Enter key of a session: the one place that reads the terminal of `livejob start`.

Whoever has a use for Enter asks for it, and withdraws when there is none any more. The one that asked last
gets it; the ones before are asked again when that one has withdrawn. While nobody asks, Enter does nothing.
Who needs the terminal for more than that (a debugger's prompt) has it lent: nobody else reads meanwhile.

Knows nothing of what is asked. Used on the event loop alone.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

READ_BYTES = 4096


class EnterKey:
    """Of one terminal. `stdin` may be something else: then nobody can press Enter."""

    def __init__(self, stdin: TextIO | None) -> None:
        self._terminal = stdin if stdin is not None and not stdin.closed and stdin.isatty() else None
        self._asking: list[Callable[[], object]] = []
        self._is_open = False
        self._lent_count = 0

    @property
    def is_there(self) -> bool:
        """Somebody can press it."""
        return self._terminal is not None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Read the terminal meanwhile."""
        self._is_open = True
        self._follow()
        try:
            yield
        finally:
            self._is_open = False
            self._follow()

    @contextmanager
    def asked(self, pressed: Callable[[], object]) -> Iterator[None]:
        """Have `pressed` called at each Enter meanwhile, but for the time in which a later one asks."""
        asking = partial(pressed)  # unlike functions, no two of these are equal
        self._asking.append(asking)
        try:
            yield
        finally:
            self._asking.remove(asking)

    @contextmanager
    def lent(self) -> Iterator[TextIO | None]:
        """The terminal itself, which nobody else reads meanwhile; None where there is none."""
        self._lent_count += 1
        self._follow()
        try:
            yield self._terminal
        finally:
            self._lent_count -= 1
            self._follow()

    def _follow(self) -> None:
        """Read or leave the terminal alone, as it is wanted now."""
        if self._terminal is None:
            return
        loop = asyncio.get_running_loop()
        if self._is_open and self._lent_count == 0:
            loop.add_reader(self._terminal, self._read, self._terminal)
        else:
            loop.remove_reader(self._terminal)

    def _read(self, terminal: TextIO) -> None:
        try:
            # Not `readline`, which would keep a second line to itself.
            typed = os.read(terminal.fileno(), READ_BYTES)
        except OSError:
            typed = b""
        if b"\n" in typed and self._asking:
            self._asking[-1]()
        elif not typed and _is_hung_up(terminal):  # else somebody has pressed Ctrl-D
            self._is_open = False
            self._follow()


def _is_hung_up(terminal: TextIO) -> bool:
    """The other side of the terminal is gone: it would be ready to be read for ever."""
    poll = select.poll()
    poll.register(terminal, 0)
    return bool(poll.poll(0))
