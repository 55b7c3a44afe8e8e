"""What `@job` makes of a function."""

import asyncio

import pytest

from livejob.errors import JobSpecInvalid
from livejob.sdk import job


def test_decorated_function_can_still_be_called() -> None:
    """A handler's own tests call it like the function it is."""

    @job(timeout="1 hour")
    def double(payload: int) -> int:
        """Doubles."""
        return payload * 2

    assert 14 == double(7)
    assert ("double", "Doubles.") == (double.__name__, double.__doc__)  # type: ignore[attr-defined]


def test_async_handler_stays_a_coroutine_function() -> None:
    """Calling an async handler gives its coroutine."""

    @job
    async def double(payload: int) -> int:
        return payload * 2

    assert 14 == asyncio.run(double(7))


def test_runner_finds_the_handler_itself() -> None:
    """The runner calls what was decorated, not the definition."""

    def handler() -> None: ...

    assert handler is job(handler).__livejob_handler__


def test_name_comes_from_the_function_unless_given() -> None:
    """The job's name is the function's in PascalCase, or what the author says."""

    @job
    def monthly_report() -> None: ...

    @job(name="Report2")
    def yearly_report() -> None: ...

    assert ("MonthlyReport", "Report2") == (monthly_report.name, yearly_report.name)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"timeout": "soon"}, "timeout is 'soon', it must be a duration such as \"30 minutes\""),
        ({"timeout": "37 hours"}, "between 1 second and 36 hours"),
        ({"memory": 7}, 'memory is 7, it must be a size such as "512 MB"'),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"when_disconnected": "cry"}, '"run", "queue" or "fail"'),
        ({"name": "no spaces"}, "first a letter"),
        ({"timeot": 3}, "did you mean timeout"),
    ],
)
def test_settings_are_checked_where_they_are_written(settings: dict[str, object], words: str) -> None:
    """A value that a deployment would refuse fails at import, with its place."""

    def handler() -> None: ...

    with pytest.raises(JobSpecInvalid, match=words) as raised:
        job(**settings)(handler)  # type: ignore[call-overload]

    assert f"test_definition.py:{handler.__code__.co_firstlineno}: " in raised.value.message
