"""A time limit that can stand still."""

import asyncio

from livejob.clock import SteppedClock
from livejob.local_runner.time_limit import TimeLimit


def test_time_that_stands_still_does_not_count() -> None:
    """What passes between pause and resume is not taken from the limit; both can be said twice."""
    clock = SteppedClock()
    limit = TimeLimit(10.0, clock)
    clock.advance(4.0)
    limit.pause()
    limit.pause()
    clock.advance(96.0)
    while_paused_s = limit.left_s
    limit.resume()
    limit.resume()
    clock.advance(1.0)

    assert (6.0, 5.0) == (while_paused_s, limit.left_s)


async def test_a_limit_that_is_used_up_is_over() -> None:
    """The wait ends when nothing is left."""
    limit = TimeLimit(0.0, SteppedClock())

    async with asyncio.timeout(5.0):
        await limit.wait_over()

    assert limit.left_s <= 0


async def test_a_limit_that_stands_still_is_not_over() -> None:
    """The wait goes on while the limit stands still, and ends when it goes on with nothing left."""
    clock = SteppedClock()
    limit = TimeLimit(0.01, clock)
    limit.pause()
    waiting = asyncio.ensure_future(limit.wait_over())
    await asyncio.sleep(0)  # it waits by now
    is_over_early = waiting.done()

    limit.resume()
    clock.advance(1.0)
    async with asyncio.timeout(5.0):
        await waiting

    assert not is_over_early
