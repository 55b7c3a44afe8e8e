"""What a session has to tell waits while somebody types."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from livejob.cli.terminal import HELD_EVENTS, HeldPrinter
from livejob.local_runner.events import Event, RunHeld, RunOutput, Stopping
from livejob.local_runner.logs import LogLine
from livejob.wire.ids import RunId
from tests.support.paper import Paper

OWN, OTHER = RunId("run_own"), RunId("run_other")


def printed(run_id: RunId, text: str) -> RunOutput:
    return RunOutput(run_id, "Resize", LogLine(0, 1, "stdout", text, "\n"))


def texts(events: list[Event]) -> list[str]:
    return [event.line.text for event in events if isinstance(event, RunOutput)]


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def printer(paper: Paper, screen: io.StringIO) -> Iterator[HeldPrinter]:
    yield HeldPrinter(paper, screen)


def test_other_runs_wait_until_the_terminal_is_free(printer: HeldPrinter, paper: Paper) -> None:
    """Of the run that has the terminal all is told at once, of others when it is free, in order."""
    with printer.held_for(OWN):
        printer.report(printed(OTHER, "a"))
        printer.report(printed(OWN, "b"))
        printer.report(printed(OTHER, "c"))
        meanwhile = texts(paper.events)

    assert ["b"] == meanwhile
    assert ["b", "a", "c"] == texts(paper.events)


def test_nothing_gets_between_prompt_and_answer(printer: HeldPrinter, paper: Paper) -> None:
    """While a line is asked for even the run's own output waits; then it is told before the next prompt."""
    with printer.held_for(OWN):
        with printer.asking():
            printer.report(printed(OWN, "a"))
            meanwhile = texts(paper.events)
        afterwards = texts(paper.events)

    assert [] == meanwhile
    assert ["a"] == afterwards


def test_the_end_of_the_session_is_told_at_once(printer: HeldPrinter, paper: Paper) -> None:
    """Ctrl-C is answered also while somebody types."""
    stopping = Stopping("asked", [OWN], 0, 10.0)

    with printer.held_for(OWN), printer.asking():
        printer.report(stopping)

        assert [stopping] == paper.events


def test_pauses_are_the_terminals_to_tell(printer: HeldPrinter, paper: Paper) -> None:
    """That a run is held shows by its prompt."""
    printer.report(RunHeld(OWN, "Resize", "paused at jobs.py:3"))

    assert [] == paper.events


def test_what_is_held_has_an_end(printer: HeldPrinter, paper: Paper, screen: io.StringIO) -> None:
    """However much others print meanwhile, only so much is kept; the rest is counted."""
    with printer.held_for(OWN):
        for number in range(HELD_EVENTS + 3):
            printer.report(printed(OTHER, str(number)))

    assert HELD_EVENTS == len(paper.events)
    assert "3 more lines" in screen.getvalue()
