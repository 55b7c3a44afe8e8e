"""What the daemon's terminal and an attempt that stands in pdb say to each other: frames in DebuggerBytes.

    attempt --Stopped, Said, Asked, WentOn--> terminal
    terminal --Typed, LetGo-----------------> attempt

The attempt speaks first, at any time; the terminal only answers. Both sides run the same copy of this module.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from livejob.wire.framing import FrameError, Head, encode_frame


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt stands still. `path` is absolute, as it sees it; `line` is 1-based.

    why: "line" at a breakpoint or after a step, "error" where the handler has failed.
    """

    path: str
    line: int
    why: Literal["line", "error"]


@dataclass(frozen=True, slots=True)
class Said:
    """Text for the terminal, whole lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """It waits for a line. `prompt` has no end of line."""

    prompt: str


@dataclass(frozen=True, slots=True)
class WentOn:
    """The attempt moves again. `is_stepping`: it will stop again soon, if nothing takes long."""

    is_stepping: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """The line that was asked for, with its end; "" for the end of input."""

    text: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """Nobody is there any more: go on, and stop no more."""


TerminalMessage = Stopped | Said | Asked | WentOn | Typed | LetGo

_KINDS: dict[str, type[TerminalMessage]] = {
    cls.__name__: cls for cls in (Stopped, Said, Asked, WentOn, Typed, LetGo)
}


def encode(message: TerminalMessage) -> bytes:
    """The message as one frame.

    Raises:
        FrameError: larger than a frame may be.
    """
    return encode_frame({"kind": type(message).__name__, **asdict(message)})


def decode(head: Head) -> TerminalMessage:
    """The message of one frame's head.

    Raises:
        FrameError: no message of this kind.
    """
    fields: dict[str, Any] = dict(head)
    cls = _KINDS.get(str(fields.pop("kind", None)))
    if cls is None:
        raise FrameError(f"unknown kind in {head!r:.200}")
    try:
        return cls(**fields)
    except TypeError as error:
        raise FrameError(str(error)) from error
