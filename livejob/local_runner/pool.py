"""The workers of one job: launched when needed, kept for the next run, ended when idle or worn.

One attempt at a time in a worker, so that memory limits and left-over processes are the attempt's own,
as in production where every run has a container to itself. Knows nothing of runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from livejob.clock import Clock
from livejob.errors import EngineUnavailable
from livejob.local_runner.engines.port import Engine, Worker, WorkerSpec
from livejob.local_runner.events import EngineBack, EngineWaiting, Reporter
from livejob.local_runner.lending import AttemptLink
from livejob.local_runner.sources.listing import Listing
from livejob.local_runner.worker_link import WorkerLink, WorkerService
from livejob.wire.worker import Hello, ImportChecked

READY_S = 60.0
"""How long a supervisor may take to say Hello: a cold engine on a busy machine is slow."""

RETRY_S = (0.5, 1.0, 2.0, 4.0)
"""Pauses between tries while the engine does not answer; the last one repeats."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many workers may be, how long to wait for a dead engine.

    idle_s:      how long an idle worker is kept.
    last_idle_s: the same for the last one of a job.
    """

    worker_count: int
    idle_s: float = 300.0
    last_idle_s: float = 3600.0
    engine_wait_s: float = 60.0


@dataclass(slots=True)
class _Idle:
    link: WorkerLink
    since_s: float


class WorkerPool:
    """Lends workers. `acquire` and `release` in pairs; the caller ends a worker it no longer trusts."""

    def __init__(
        self,
        engine: Engine,
        spec: Callable[[], WorkerSpec],
        service: WorkerService,
        limits: PoolLimits,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        """`spec` is asked at every launch, so that changed settings take effect with the next worker."""
        self._engine = engine
        self._spec = spec
        self._service = service
        self._limits = limits
        self._clock = clock
        self._reporter = reporter
        self._slots = asyncio.Semaphore(limits.worker_count)
        self._idle: list[_Idle] = []
        self._ages: dict[str, int] = {}
        self._age = 0
        self._closed = False
        self._warming: asyncio.Event | None = None

    async def acquire(self) -> WorkerLink:
        """A worker that is ready, the one used last if there is one; waits while the cap is reached.

        Raises:
            EngineUnavailable: the engine has not answered for `engine_wait_s`.
            ImageMissing, WorkerFailed: it cannot be started.
        """
        if self._warming is not None:
            # What is on its way already is there sooner than another one.
            await self._warming.wait()
        return await self._acquire()

    async def _acquire(self) -> WorkerLink:
        await self._slots.acquire()
        try:
            while self._idle:
                link = self._idle.pop().link
                if link.is_alive:
                    return link
                await link.close()
            return await self._launch()
        except BaseException:
            self._slots.release()
            raise

    async def release(self, link: AttemptLink) -> None:
        """Give a worker back: it is kept if it lives and is of the present age, ended otherwise."""
        assert isinstance(link, WorkerLink)  # what this pool has lent
        self._slots.release()
        if link.is_alive and not link.is_worn and not self._closed and self._ages.get(link.id) == self._age:
            self._idle.append(_Idle(link, self._clock.monotonic_s()))
        else:
            await self._end(link)

    async def warm(self, prepare: Callable[[WorkerLink], Awaitable[None]]) -> None:
        """Have one worker ready before it is needed; does nothing if one is, or while the cap is reached.

        Raises:
            EngineUnavailable, ImageMissing, WorkerFailed: it cannot be started.
        """
        if self._idle or self._closed or self._warming is not None or self._slots.locked():
            return
        warmed = self._warming = asyncio.Event()
        try:
            link = await self._acquire()
            try:
                await prepare(link)
            finally:
                await self.release(link)
        finally:
            self._warming = None
            warmed.set()

    async def give_sources(self, sources: Listing) -> None:
        """Let the idle workers have what was saved, and so compile it ahead of their next attempt."""
        await asyncio.gather(*(idle.link.give_sources(sources) for idle in self._idle))

    async def check(self, handler: str, environment: Mapping[str, str]) -> tuple[Hello, ImportChecked] | None:
        """Try the import of the job's handler in a worker that has nothing to do; None where there is none.

        The worker stays to be had meanwhile: an attempt ends the trial, and nothing is known.
        """
        if not self._idle:
            return None
        link = self._idle[-1].link
        checked = await link.check(handler, environment)
        return None if checked is None else (link.hello, checked)

    async def renew(self) -> None:
        """What workers are made of has changed: idle ones end now, busy ones after their attempt."""
        self._age += 1
        await self._end_idle(lambda _: True)

    async def end_unused(self) -> None:
        """End workers that have been idle for too long; the one used last is kept longest."""
        now_s, last = self._clock.monotonic_s(), self._idle[-1:]

        def is_over(idle: _Idle) -> bool:
            kept_s = self._limits.last_idle_s if idle in last else self._limits.idle_s
            return idle.since_s < now_s - kept_s

        await self._end_idle(is_over)

    async def close(self) -> None:
        """End the idle workers; the borrowed ones end when they come back."""
        self._closed = True
        await self._end_idle(lambda _: True)

    async def _end_idle(self, is_over: Callable[[_Idle], bool]) -> None:
        over = [idle for idle in self._idle if is_over(idle)]
        self._idle = [idle for idle in self._idle if idle not in over]
        await asyncio.gather(*(self._end(idle.link) for idle in over))

    async def _end(self, link: WorkerLink) -> None:
        self._ages.pop(link.id, None)
        await link.close()

    async def _launch(self) -> WorkerLink:
        age = self._age
        spec = self._spec()
        link = WorkerLink(await self._launch_patiently(spec), self._service, spec.dependencies)
        try:
            await link.wait_ready(READY_S)
        except BaseException:
            await link.kill()
            raise
        self._ages[link.id] = age
        return link

    async def _launch_patiently(self, spec: WorkerSpec) -> Worker:
        """Launch; while the engine does not answer, say so once and try again for a bounded time."""
        began_s = self._clock.monotonic_s()
        tries = 0
        while True:
            try:
                worker = await self._engine.launch(spec)
            except EngineUnavailable as error:
                left_s = began_s + self._limits.engine_wait_s - self._clock.monotonic_s()
                if left_s <= 0:
                    raise
                if tries == 0:
                    self._reporter.report(EngineWaiting(error.message, left_s))
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
                continue
            if tries:
                self._reporter.report(EngineBack(self._clock.monotonic_s() - began_s))
            return worker
