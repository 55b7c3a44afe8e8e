"""The engines under test: every test that takes `engine` runs once for each engine that can be had here.

A new engine adds one EngineCase to `engine_cases`; tests don't change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from livejob.local_runner.engines.port import Engine
from livejob.local_runner.engines.process import ProcessEngine


@dataclass(frozen=True, slots=True)
class EngineUnderTest:
    """An engine, the image that its workers take ("" where it takes none), and what it promises."""

    name: str
    engine: Engine
    image: str = ""


@dataclass(frozen=True, slots=True)
class EngineCase:
    """A way to get an engine. `reason` is why it cannot be had here; "" when it can."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[EngineUnderTest]]
    reason: str = ""


@asynccontextmanager
async def open_process_engine() -> AsyncIterator[EngineUnderTest]:
    engine = ProcessEngine()
    try:
        yield EngineUnderTest("process", engine)
    finally:
        await engine.close()


def engine_cases() -> list[EngineCase]:
    """All engines that livejob has, those that cannot be had here with the reason."""
    return [EngineCase("process", open_process_engine)]


@pytest.fixture(params=engine_cases(), ids=lambda case: case.name)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[EngineUnderTest]:
    """Each engine in turn."""
    case: EngineCase = request.param
    if case.reason:
        pytest.skip(case.reason)
    async with case.open() as under_test:
        yield under_test
