"""Output bytes become lines, whatever the chunks."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from livejob.local_runner.logs import PIECE_CHARS, LineSplitter, LogLine, LogReader, RunLogs, read_log
from livejob.wire.ids import RunId


def split(*chunks: bytes) -> list[tuple[str, str]]:
    splitter = LineSplitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    return pieces + list(splitter.finish())


def test_lines_end_at_newlines_returns_and_both():
    """Newline, carriage return and CR LF end a line; CR LF is one end."""
    assert [("a", "\n"), ("b", "\r"), ("c", "\n"), ("d", "")] == split(b"a\nb\rc\r\nd")


def test_a_character_cut_in_two_arrives_whole():
    """A multi-byte character that two chunks share is one character."""
    data = "grün\n".encode()

    assert [("grün", "\n")] == split(data[:3], data[3:])


def test_bytes_that_are_not_utf8_are_replaced():
    """Output that is no UTF-8 shows U+FFFD and goes on."""
    assert [("\ufffdx", "\n")] == split(b"\xffx\n")


def test_a_line_without_end_comes_in_pieces():
    """A line longer than a piece does not wait for its newline, and loses nothing."""
    pieces = split(b"x" * (2 * PIECE_CHARS + 5))

    assert [PIECE_CHARS, PIECE_CHARS, 5] == [len(text) for text, _ in pieces]
    assert {""} == {end for _, end in pieces}


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", "ü".encode(), b"\xe2", b"bc"]), max_size=30), st.data())
def test_chunking_changes_nothing(parts: list[bytes], data: st.DataObject):
    """Any way of cutting the same bytes gives the same lines."""
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))

    assert split(whole) == split(whole[:cut], whole[cut:])


def test_a_reader_sees_each_line_once(tmp_path: Path):
    """Lines come once, as they are written, and a reader that starts later sees all."""
    logs = RunLogs(tmp_path)
    first, second = (LogLine(ms, 1, "stdout", f"line {ms}", "\n") for ms in (1, 2))
    reader = LogReader(logs.path(RunId("run_1")))
    log = logs.open(RunId("run_1"))

    log.write([first])
    seen = [reader.read_new()]
    log.write([second])
    seen += [reader.read_new(), reader.read_new()]
    log.close()

    assert [[first], [second], []] == seen
    assert [first, second] == list(read_log(logs.path(RunId("run_1"))))
