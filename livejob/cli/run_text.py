"""A run, and many of them, as text for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from livejob.cli.style import STATE_STYLE, human_seconds, printable
from livejob.runs.model import Attempt, Run
from livejob.runs.phases import Phase
from livejob.wire.outcome import Failure
from livejob.wire.states import OPEN, State

COLUMNS = ("RUN", "JOB", "STATE", "ATTEMPT", "AGE", "DURATION", "BACKEND", "")

_AGES = ((86400, "d"), (3600, "h"), (60, "min"))


def styled_state(state: State) -> str:
    """The state's name in its colour."""
    if state in OPEN:
        return click.style(state, fg="cyan")
    return click.style(state, fg=STATE_STYLE.get(state, ("", "red"))[1])


def table_of(runs: Sequence[Run], now_ms: int) -> Iterator[str]:
    """A table of runs, one line each below its head; nothing when there are none."""
    if not runs:
        return
    rows = [COLUMNS, *(_cells(run, now_ms) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if number:
            state = runs[number - 1].state
            cells[2] = styled_state(state) + " " * (widths[2] - len(state))
        yield "  ".join(cells).rstrip()


def details_of(run: Run, phases: Sequence[Phase]) -> Iterator[str]:
    """All that is recorded of a run, without payload and result."""
    yield f"{run.id}  {run.job}  {styled_state(run.state)}"
    yield f"created   {local_time(run.created_ms)}"
    yield from _moments(run)
    for name, value in _named_values(run):
        if value:
            yield f"{name:<10}{printable(value)}"
    for attempt in run.attempts:
        yield _attempt_line(attempt)
    if phases:
        yield "phases    " + " · ".join(f"{each.name} {human_seconds(each.seconds)}" for each in phases)
    if run.failure is not None:
        yield from failure_lines(run.failure)


def _moments(run: Run) -> Iterator[str]:
    if run.due_ms is not None:
        yield f"due       {local_time(run.due_ms)}"
    if run.started_ms is not None:
        yield f"started   {local_time(run.started_ms)}"
    if run.ended_ms is not None:
        yield f"ended     {local_time(run.ended_ms)}{_took(run)}"


def _named_values(run: Run) -> Iterator[tuple[str, str | None]]:
    yield "caller", run.caller
    yield "key", run.key
    yield "backend", run.backend
    yield "bundle", run.bundle
    yield "waits for", run.submitted_id if run.is_open else ""
    yield "log", run.log
    yield "note", run.note
    yield "cancel", "asked for" if run.cancel_asked else ""


def failure_lines(failure: Failure) -> Iterator[str]:
    """What went wrong, the traceback, and what to do."""
    yield f"{click.style(failure.type, fg='red')}: {printable(failure.message)}"
    for line in failure.trace.rstrip().splitlines():
        yield f"  {printable(line)}"
    if failure.remedy:
        yield f"{click.style('hint:', bold=True)} {failure.remedy}"


def local_time(epoch_ms: int) -> str:
    """A moment in this machine's time zone."""
    return datetime.fromtimestamp(epoch_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def human_age(seconds: float) -> str:
    """How long ago, in one unit: `7 s`, `12 min`, `3 h`, `2 d`."""
    for unit_s, name in _AGES:
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {name}"
    return f"{max(0, int(seconds))} s"


def _cells(run: Run, now_ms: int) -> tuple[str, ...]:
    return (
        run.id,
        run.job,
        run.state,
        str(run.attempt_number or "-"),
        human_age((now_ms - run.created_ms) / 1000),
        _duration(run, now_ms),
        run.backend or "-",
        printable(run.note),
    )


def _duration(run: Run, now_ms: int) -> str:
    if run.started_ms is None:
        return "-"
    return human_seconds(((run.ended_ms or now_ms) - run.started_ms) / 1000)


def _took(run: Run) -> str:
    if run.started_ms is None or run.ended_ms is None:
        return ""
    return f" ({human_seconds((run.ended_ms - run.started_ms) / 1000)})"


def _attempt_line(attempt: Attempt) -> str:
    state = styled_state(attempt.state) if attempt.state else "goes on"
    if attempt.state is State.QUEUED:
        why = (
            f" after {attempt.failure.type}: {printable(attempt.failure.message)}" if attempt.failure else ""
        )
        return f"attempt {attempt.number} on {attempt.backend} by {attempt.owner} went back to the queue{why}"
    code = "" if attempt.exit_code is None else f", exit code {attempt.exit_code}"
    return f"attempt {attempt.number} {state} on {attempt.backend} by {attempt.owner}{code}"
