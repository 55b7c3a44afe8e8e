"""The one door from the event loop to a library that blocks (docker, boto3): one gateway per library.

A gateway owns its threads, so a library that hangs can only starve itself. It knows nothing of what it
calls and sets no deadline: the library's own timeout is the deadline of every call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ThreadGateway:
    """Runs blocking functions in at most `thread_count` threads of its own; more calls wait their turn.

    Threads are made when they are first needed. `name` shows in their names.
    """

    def __init__(self, name: str, thread_count: int = 4) -> None:
        self._executor = ThreadPoolExecutor(thread_count, thread_name_prefix=name)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function(*args, **kwargs)`, run in a thread; what it raises is raised here.

        A cancelled call only stops waiting: a function that has begun goes on to its end in its thread,
        and its result is dropped. Shield the call where that result has to be undone.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Take no more calls and drop those that have not begun. Does not wait for those that have."""
        self._executor.shutdown(wait=False, cancel_futures=True)
