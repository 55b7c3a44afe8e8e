"""The app's source as new as one asks for, for all jobs of a session.

A run asks for the source as it was no earlier than its invocation; a save, for what it changed. Whoever asks
while a scan runs shares the next one, so a burst of runs costs no more scans than follow one another.
"""

from __future__ import annotations

import asyncio

from livejob.clock import Clock
from livejob.local_runner.sources.listing import NOTHING, Listing
from livejob.local_runner.sources.scan import SourceScan
from livejob.local_runner.sources.usage import SourceUse
from livejob.local_runner.threads import ThreadGateway

LARGE_COUNT = 1000
"""A source of more files is not looked through for each run: see `SourceScan.current`."""


class SourceFeed:
    """Owns the scans, and the gateway in whose thread they run. All methods are for the event loop."""

    def __init__(self, scan: SourceScan, use: SourceUse, gateway: ThreadGateway, clock: Clock) -> None:
        self.use = use
        self._scan = scan
        self._gateway = gateway
        self._clock = clock
        self._listing: Listing | None = None
        self._scanning: asyncio.Task[None] | None = None
        self._current_s = self._looked_through_s = float("-inf")

    def expect(self) -> float:
        """Begin to look, because a run was heard of; gives the time to ask `current` for."""
        since_s = self._clock.monotonic_s()
        if self._scanning is None:
            self._begin(is_exact=False)
        return since_s

    async def current(self, since_s: float) -> Listing:
        """The source as it was at `since_s` (monotonic) or later."""
        while self._listing is None or self._current_s < since_s:
            await self._share_scan(is_exact=False)
        return self._listing

    async def refreshed(self) -> Listing:
        """The source as it is now, looked through as a whole."""
        since_s = self._clock.monotonic_s()
        while self._listing is None or self._looked_through_s < since_s:
            await self._share_scan(is_exact=True)
        return self._listing

    async def close(self) -> None:
        if self._scanning is not None:
            await asyncio.wait([self._scanning])
        self._gateway.close()
        self._scan.close()

    async def _share_scan(self, is_exact: bool) -> None:
        # Shielded: a run that is cancelled must not take the scan from the others.
        await asyncio.shield(self._scanning or self._begin(is_exact))

    def _begin(self, is_exact: bool) -> asyncio.Task[None]:
        self._scanning = asyncio.create_task(self._look(is_exact), name="source scan")
        return self._scanning

    async def _look(self, is_exact: bool) -> None:
        began_s = self._clock.monotonic_s()
        try:
            self._listing, is_exact = await self._gateway.call(self._scanned, self._listing, is_exact)
        finally:
            self._scanning = None
        self._current_s = began_s
        if is_exact:
            self._looked_through_s = began_s

    def _scanned(self, before: Listing | None, is_exact: bool) -> tuple[Listing, bool]:
        """In the gateway's thread."""
        if before is None or len(before.files) <= LARGE_COUNT:
            return self._scan.full(before or NOTHING), True
        return self._scan.current(before, self.use.files(), is_exact=is_exact), is_exact
