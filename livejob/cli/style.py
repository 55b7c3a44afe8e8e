"""How states, durations and the text of handlers look on a terminal."""

from __future__ import annotations

import re

from livejob.wire.states import State

STATE_STYLE = {
    State.SUCCEEDED: ("✓", "green"),
    State.CANCELLED: ("■", "yellow"),
    State.QUEUED: ("↩", "yellow"),
}
"""Mark and colour of a state in which a run can be left; every other one is a failure."""

_UNSAFE = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Text of a handler made safe for a terminal: of all control sequences only tabs and colours stay."""
    return _UNSAFE.sub("", text)


def human_seconds(seconds: float) -> str:
    """Like `42 ms`, `3.4 s`, `12 min 5 s`, `2 h 3 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
