"""A time limit that can stand still: what a run may take does not count while a debugger holds it."""

from __future__ import annotations

import asyncio

from livejob.clock import Clock


class TimeLimit:
    """Begins with its making."""

    def __init__(self, limit_s: float, clock: Clock) -> None:
        self._clock = clock
        self._left_s = limit_s
        self._since_s: float | None = clock.monotonic_s()
        self._changed = asyncio.Event()

    @property
    def left_s(self) -> float:
        """What is left now."""
        if self._since_s is None:
            return self._left_s
        return self._left_s - (self._clock.monotonic_s() - self._since_s)

    @property
    def is_standing(self) -> bool:
        return self._since_s is None

    def pause(self) -> None:
        """Let it stand still. No error if it does."""
        if self._since_s is not None:
            self._left_s, self._since_s = self.left_s, None
            self._changed.set()

    def resume(self) -> None:
        """Let it go on. No error if it does."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic_s()
            self._changed.set()

    async def wait_over(self) -> None:
        """Until nothing is left."""
        while self.left_s > 0:
            self._changed.clear()
            left_s = None if self._since_s is None else self.left_s
            try:
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
