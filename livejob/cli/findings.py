"""What `livejob doctor` finds: one line for each thing that a start needs, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import click

from livejob.errors import LivejobError


class Level(StrEnum):
    """How good it is."""

    OK = "ok"
    NOTE = "note"  # works, or is not needed by everybody
    FAULT = "fault"  # `livejob start` will fail, or not do what it should


MARKS = {Level.OK: ("✓", "green"), Level.NOTE: ("!", "yellow"), Level.FAULT: ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. remedy: what to do, "" where nothing is to be done."""

    what: str
    level: Level
    found: str
    remedy: str = ""


def find(what: str, look: Callable[[], Finding], level: Level = Level.FAULT) -> Finding:
    """What `look` finds; an error of livejob's is a finding of `level` too."""
    try:
        return look()
    except LivejobError as error:
        return Finding(what, level, f"{error.code} {error.message}", error.remedy)


def has_fault(findings: Sequence[Finding]) -> bool:
    return any(each.level is Level.FAULT for each in findings)


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """As text for a person."""
    width = max(len(each.what) for each in findings)
    margin = " " * (width + 4)
    for each in findings:
        mark, colour = MARKS[each.level]
        first, *rest = each.found.splitlines()
        yield f"{click.style(mark, fg=colour)} {each.what.ljust(width)}  {first}"
        yield from (margin + line for line in rest)
        if each.remedy:
            yield f"{margin}{click.style('hint:', bold=True)} {each.remedy}"


def findings_document(findings: Sequence[Finding]) -> dict[str, object]:
    """As one JSON object."""
    return {"ok": not has_fault(findings), "findings": [asdict(each) for each in findings]}
