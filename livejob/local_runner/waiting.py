"""Waiting for the first of several things, without losing the others."""

from __future__ import annotations

import asyncio
from typing import Any


async def wait_first(*futures: asyncio.Future[Any], timeout_s: float | None = None) -> None:
    """Wait until one of them is done, or `timeout_s` is over. Cancels none: look which are `done()`."""
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
