"""The thread gateway: results, errors and cancellation cross it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from livejob.local_runner.threads import ThreadGateway


async def test_result_of_a_blocking_call_comes_back():
    """A function runs in a thread of the gateway, with its arguments, and its result is returned."""
    gateway = ThreadGateway("test-gateway")

    name, total = await gateway.call(
        lambda *terms, start: (threading.current_thread().name, sum(terms, start)), 1, 2, start=3
    )

    assert ("test-gateway_0", 6) == (name, total)
    gateway.close()


async def test_error_of_a_blocking_call_is_raised_in_the_caller():
    """What the function raises is raised where it was awaited."""
    gateway = ThreadGateway("test-gateway")

    with pytest.raises(ValueError, match="invalid literal"):
        await gateway.call(int, "seven")

    gateway.close()


async def test_cancelled_call_stops_waiting():
    """Cancelling the caller does not wait for a function that hangs."""
    gateway = ThreadGateway("test-gateway")
    has_begun, may_end = threading.Event(), threading.Event()
    call = asyncio.ensure_future(gateway.call(lambda: (has_begun.set(), may_end.wait())))
    await asyncio.to_thread(has_begun.wait)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert not may_end.is_set()
    may_end.set()
    gateway.close()


async def test_calls_beyond_the_thread_count_wait_their_turn():
    """A gateway of one thread runs one function at a time."""
    gateway = ThreadGateway("test-gateway", thread_count=1)
    order: list[str] = []

    await asyncio.gather(*(gateway.call(order.append, word) for word in ("first", "second", "third")))

    assert ["first", "second", "third"] == order
    gateway.close()
