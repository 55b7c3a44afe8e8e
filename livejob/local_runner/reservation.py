"""A worker on its way to a run: asked for when the run is heard of, so that its start overlaps the claim."""

from __future__ import annotations

import asyncio

from livejob.local_runner.lending import AttemptLink, AttemptPool
from livejob.local_runner.waiting import wait_first


class Reservation:
    """Owns the acquisition until `take` has given the worker, or `forget` has given it back."""

    def __init__(self, pool: AttemptPool, heard_s: float) -> None:
        """`heard_s`: when the run was heard of (monotonic)."""
        self.heard_s = heard_s
        self._pool = pool
        self._acquiring = asyncio.ensure_future(pool.acquire())
        self._is_open = True

    async def take(self, stop_asked: asyncio.Event) -> AttemptLink | None:
        """The worker, which is the caller's to release; None when the stop was asked for first.

        Raises:
            EngineError: as `AttemptPool.acquire`.
        """
        stopping = asyncio.ensure_future(stop_asked.wait())
        try:
            await wait_first(self._acquiring, stopping)
            if self._acquiring.done():
                self._is_open = False
                return self._acquiring.result()
        finally:
            stopping.cancel()
        await self.forget()
        return None

    async def forget(self) -> None:
        """No worker is needed; nothing to do when it has been taken."""
        if not self._is_open:
            return
        self._is_open = False
        self._acquiring.cancel()
        await wait_first(self._acquiring)
        if not self._acquiring.cancelled() and self._acquiring.exception() is None:
            await self._pool.release(self._acquiring.result())
