"""pydevd's own protocol, as far as a run's pauses can be told from it: sans-IO.

A line is `command TAB number TAB payload`; the payload of what pydevd sends is percent-encoded, and XML where
it tells of a thread.
Source: pydevd_comm.py of pydevd-pycharm, and com.jetbrains.python.debugger.pydev of PyCharm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import quote, unquote
from xml.etree import ElementTree

RUN = 101
THREAD_KILL = 104
THREAD_SUSPEND = 105
THREAD_RUN = 106
WRITE_TO_CONSOLE = 116

GO = b"%d\t-1\t\n" % RUN
"""What an IDE says when it has set its breakpoints; a run waits for it."""


class Lines:
    """Takes bytes as they come, gives whole lines with their ends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield line + b"\n"


class Follower:
    """Which threads of a run stand still, from what its pydevd says to the IDE."""

    def __init__(self, on_stopped: Callable[[str, int], None], on_continued: Callable[[], None]) -> None:
        """on_stopped: one stands at that path and line, as the IDE knows it. on_continued: none does."""
        self._on_stopped = on_stopped
        self._on_continued = on_continued
        self._standing: set[str] = set()

    @property
    def is_stopped(self) -> bool:
        return bool(self._standing)

    def take(self, line: bytes) -> None:
        """One line; what is none of its business, or no line of pydevd's, is passed over."""
        command, _, rest = line.partition(b"\t")
        payload = unquote(rest.partition(b"\t")[2].decode(errors="replace").strip())
        match command:
            case b"105":
                self._suspended(payload)
            case b"106":
                self._moved(payload.partition("\t")[0])
            case b"104":
                self._moved(payload)

    def end(self) -> None:
        """Nothing holds it any more."""
        if self._standing:
            self._standing.clear()
            self._on_continued()

    def _suspended(self, payload: str) -> None:
        try:
            thread = ElementTree.fromstring(payload).find("thread")
        except ElementTree.ParseError:
            return
        if thread is None:
            return
        self._standing.add(thread.get("id", ""))
        frame = thread.find("frame")
        if frame is not None:
            self._on_stopped(unquote(frame.get("file", "")), int(frame.get("line", "0")))

    def _moved(self, thread: str) -> None:
        if thread in self._standing:
            self._standing.remove(thread)
            if not self._standing:
                self._on_continued()


def console_line(stream: Literal["stdout", "stderr"], text: str) -> bytes:
    """What a run has printed, for the IDE's console."""
    xml = f'<xml><io s="{quote(text)}" ctx="{1 if stream == "stdout" else 2}"/></xml>'
    return b"%d\t0\t%b\n" % (WRITE_TO_CONSOLE, quote(xml).encode())
