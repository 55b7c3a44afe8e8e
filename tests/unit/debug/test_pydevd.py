"""What a run's pydevd says to the IDE, as far as pauses follow from it."""

from __future__ import annotations

from urllib.parse import quote, unquote

from livejob.local_runner.debug.pydevd import Follower, Lines, console_line

FRAME = '<frame id="7" name="resize" file="%2Fsrc%2Fmy%20jobs.py" line="9"></frame>'


class Told:
    """What the follower has told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.follower = Follower(self.stopped, self.continued)

    def stopped(self, path: str, line: int) -> None:
        self.told.append(f"{path}:{line}")

    def continued(self) -> None:
        self.told.append("on")

    def take(self, command: int, payload: str) -> None:
        self.follower.take(f"{command}\t2\t{quote(payload)}\n".encode())


def suspended(thread: str) -> str:
    return f'<xml><thread id="{thread}" stop_reason="111">{FRAME}</thread></xml>'


def test_a_run_stands_while_one_of_its_threads_does() -> None:
    """It goes on when the last thread that stands goes on, or is gone."""
    told = Told()

    told.take(105, suspended("a"))
    told.take(105, suspended("b"))
    told.take(106, "a\t108")
    told.take(104, "b")

    assert ["/src/my jobs.py:9", "/src/my jobs.py:9", "on"] == told.told
    assert not told.follower.is_stopped


def test_what_is_no_news_is_passed_over() -> None:
    """Other commands, threads that never stood, and what is no XML or no line change nothing."""
    told = Told()

    told.take(106, "a\t108")
    told.take(502, "anything")
    told.take(105, "<xml><no")
    told.follower.take(b"\xff\n")
    told.follower.end()

    assert [] == told.told


def test_the_end_lets_everything_go() -> None:
    """When the IDE has gone nothing stands any more, and that is told once."""
    told = Told()
    told.take(105, suspended("a"))

    told.follower.end()
    told.follower.end()

    assert ["/src/my jobs.py:9", "on"] == told.told


def test_lines_are_whole() -> None:
    """However the bytes come, lines go on one by one."""
    lines = Lines()

    whole = [line for data in (b"1\t2", b"\ta\n3\t4\tb\n5", b"\n") for line in lines.feed(data)]

    assert [b"1\t2\ta\n", b"3\t4\tb\n", b"5\n"] == whole


def test_output_is_one_line_for_the_console() -> None:
    """Whatever a run prints, it cannot break the protocol's lines or its XML."""
    line = console_line("stderr", 'a "quoted"\ttab & <tag>\n')

    command, _, payload = line.decode().rstrip("\n").split("\t")
    assert ("116", 1) == (command, line.count(b"\n"))
    assert 'ctx="2"' in unquote(payload)
    assert 'a "quoted"\ttab & <tag>\n' == unquote(unquote(payload).split('"')[1])
