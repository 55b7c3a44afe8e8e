"""When an attempt will be stopped, and how it learns that this has moved.

Whoever runs the attempt's process writes, the attempt reads. Knows nothing of debuggers.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import Protocol

_NUMBER = struct.Struct("@q")


class Deadline(Protocol):
    """Unix epoch milliseconds at which the attempt will be stopped, as it stands `now_ms`. Never raises."""

    def at_ms(self, now_ms: int) -> int: ...


@dataclass(frozen=True, slots=True)
class FixedDeadline:
    """One that does not move."""

    deadline_ms: int

    def at_ms(self, now_ms: int) -> int:
        return self.deadline_ms


class MovableDeadline:
    """One number of memory that a process shares with its children.

    A deadline is positive; while it stands still, what is left is kept, as a negative number.
    """

    def __init__(self, deadline_ms: int) -> None:
        self._memory = mmap.mmap(-1, _NUMBER.size)
        self.move(deadline_ms)

    def move(self, deadline_ms: int) -> None:
        """It will be stopped then."""
        _NUMBER.pack_into(self._memory, 0, deadline_ms)

    def stand(self, left_ms: int) -> None:
        """So much is left, for as long as it stands still."""
        _NUMBER.pack_into(self._memory, 0, -1 - left_ms)

    def at_ms(self, now_ms: int) -> int:
        [number] = _NUMBER.unpack_from(self._memory)
        return int(number if number >= 0 else now_ms - 1 - number)
