"""Reads what Docker says while it builds: the lines for a person, why it failed, and where in the Dockerfile.

Both of Docker's builders are understood: BuildKit names the line itself, the older one counts the
instructions. Pure; the docker command's adapter calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# What the client says of the older builder, and of its own pipes when the engine hangs up.
_NOISE = re.compile(
    r"DEPRECATED: The legacy builder|\s+Install the buildx component"
    r"|\s+https://docs\.docker\.com/go/buildx/|time=.* level=error msg=\"Can't (add file|close tar)"
)
_BEFORE_REASON = re.compile(
    r"^(ERROR: |failed to build: |failed to solve(?: with frontend \S+)?: |failed to create LLB definition: "
    r"|Error response from daemon: |unable to prepare context: )+"
)
_BUILDKIT_PLACE = re.compile(r"^\S+:(\d+)$")
_BUILDKIT_RULE = re.compile(r"^-{20}$")
_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d+)")
_STEP = re.compile(r"^Step (\d+)/\d+ : ")
_COMMENT_OR_EMPTY = re.compile(r"^\s*(#|$)")

_NO_ENGINE = re.compile(
    r"Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API"
    r"|permission denied while trying to connect to the [Dd]ocker"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build failed: Docker's reason, and the Dockerfile's line (1-based) where it is known."""

    reason: str
    line: int | None


def readable(line: str) -> str | None:
    """The line as a person shall see it, without colours; None for what is of no interest."""
    plain = _COLOUR.sub("", line).rstrip()
    return plain if plain and not _NOISE.match(plain) else None


def is_engine_away(lines: Sequence[str]) -> bool:
    """True when the command did not reach its engine."""
    return any(_NO_ENGINE.search(line) for line in lines)


def reason_of(lines: Sequence[str]) -> str:
    """Docker's last words, without what it puts before them."""
    return _BEFORE_REASON.sub("", lines[-1]) if lines else "the docker command said nothing"


def failure_of(lines: Sequence[str], dockerfile: str) -> Failure:
    """Why the build with that output failed. `dockerfile`: its text."""
    return Failure(reason_of(lines), _line(lines, dockerfile))


def _line(lines: Sequence[str], dockerfile: str) -> int | None:
    for line in reversed(lines):
        if parse_error := _PARSE_ERROR.search(line):
            return int(parse_error[1])
    for place, rule in pairwise(lines):
        if (named := _BUILDKIT_PLACE.match(place)) and _BUILDKIT_RULE.match(rule):
            return int(named[1])
    steps = [int(step[1]) for step in map(_STEP.match, lines) if step]
    starts = list(_instructions(dockerfile))
    return starts[steps[-1] - 1] if steps and steps[-1] <= len(starts) else None


def _instructions(dockerfile: str) -> Iterator[int]:
    """The line on which each instruction begins. (The older builder has no heredocs.)"""
    is_continued = False
    for number, line in enumerate(dockerfile.splitlines(), start=1):
        if _COMMENT_OR_EMPTY.match(line):
            continue
        if not is_continued:
            yield number
        is_continued = line.rstrip().endswith("\\")
