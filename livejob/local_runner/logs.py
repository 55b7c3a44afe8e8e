"""The output of runs on this machine: bytes become lines, lines go to `.livejob/runs/<run>/output.ndjson`.

The daemon writes, `livejob logs` and `livejob run` read. Knows nothing of workers or terminals.
"""

from __future__ import annotations

import codecs
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from livejob.wire.ids import RunId
from livejob.wire.limits import KIB

Stream = Literal["stdout", "stderr"]

PIECE_CHARS = 64 * KIB
"""A line longer than this is passed on in pieces: the reader must not wait for a newline for ever."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's output, or a piece of one.

    ms:   Unix epoch milliseconds when the line was complete on this machine.
    end:  what ended it: newline, carriage return (a progress bar), or "" when the line goes on in the
          next piece or the output ended without a newline.
    """

    ms: int
    attempt: int
    stream: Stream
    text: str
    end: str


class LineSplitter:
    """Bytes of one stream as they come -> (text, end) pieces. Any chunking gives the same lines.

    UTF-8; what is not becomes U+FFFD. CR LF counts as one newline.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest: list[str] = []
        self._rest_chars = 0
        self._is_after_cr = False

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Take `data`; yield what is complete."""
        yield from self._split(self._decoder.decode(data))

    def finish(self) -> Iterator[tuple[str, str]]:
        """The stream has ended: yield what is left, without an end."""
        yield from self._split(self._decoder.decode(b"", final=True))
        if self._is_after_cr:
            self._is_after_cr = False
            yield self._take(), "\r"
        elif self._rest_chars:
            yield self._take(), ""

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        start = 0
        if self._is_after_cr and text:
            self._is_after_cr = False
            is_crlf = text[0] == "\n"
            yield self._take(), "\n" if is_crlf else "\r"
            start = 1 if is_crlf else 0
        for at, end, after in _line_ends(text, start):
            self._keep(text[start:at])
            start = after
            if end == "\r" and after == len(text):
                # Whether a newline follows is known only from the next bytes.
                self._is_after_cr = True
                return
            yield self._take(), end
        yield from self._keep_pieces(text[start:])

    def _keep_pieces(self, text: str) -> Iterator[tuple[str, str]]:
        self._keep(text)
        while self._rest_chars >= PIECE_CHARS:
            whole = self._take()
            yield whole[:PIECE_CHARS], ""
            self._keep(whole[PIECE_CHARS:])

    def _keep(self, text: str) -> None:
        if text:
            self._rest.append(text)
            self._rest_chars += len(text)

    def _take(self) -> str:
        text = "".join(self._rest)
        self._rest.clear()
        self._rest_chars = 0
        return text


def _line_ends(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Each line end from `start` on, as (its place, what to call it, where the next line begins)."""
    while True:
        newline, cr = text.find("\n", start), text.find("\r", start)
        if newline < 0 and cr < 0:
            return
        if cr < 0 or 0 <= newline < cr:
            at, end, after = newline, "\n", newline + 1
        elif text[cr + 1 : cr + 2] == "\n":
            at, end, after = cr, "\n", cr + 2
        else:
            at, end, after = cr, "\r", cr + 1
        yield at, end, after
        start = after


class RunLogs:
    """Where the output of runs lies below an app's `.livejob` directory."""

    def __init__(self, state_dir: Path) -> None:
        self._runs = state_dir / "runs"

    def path(self, run_id: RunId) -> Path:
        """The file of one run; it exists once the run has written something here."""
        return self._runs / run_id / "output.ndjson"

    def address(self, run_id: RunId) -> str:
        """The same file as a run's record names it, with this machine's name."""
        return f"file://{socket.gethostname()}{self.path(run_id).absolute()}"

    def open(self, run_id: RunId) -> RunLog:
        """A run's file for writing, at its end."""
        return RunLog(self.path(run_id))


class RunLog:
    """Writes the output of one run; every line reaches the file at once, for those who follow it.

    The file is made with the first line: that takes longer than all else before a handler's start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def write(self, lines: list[LogLine]) -> None:
        """Append lines in the order given."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
        self._file.writelines(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class LogReader:
    """Reads a run's file from its beginning; `read_new` gives what has come since the last call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read_new(self) -> list[LogLine]:
        """Lines written since the last call; [] when there is no file. A half-written line waits."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [LogLine(**json.loads(line)) for line in whole.splitlines()]


def read_log(path: Path) -> Iterator[LogLine]:
    """All lines of a run's file, oldest first; none when there is no file."""
    yield from LogReader(path).read_new()
