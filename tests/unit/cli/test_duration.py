"""Durations on the command line."""

import click
import pytest

from livejob.cli.duration import DURATION


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("0.5s", 0.5), ("5m", 300.0), ("2h", 7200.0), ("2 hours", 7200.0)]
)
def test_duration_is_read_as_people_write_it(text: str, seconds: float) -> None:
    """Short and long forms mean seconds."""
    assert seconds == DURATION.convert(text, None, None)


@pytest.mark.parametrize("text", ["", "soon", "-1", "5 fortnights"])
def test_other_texts_are_refused(text: str) -> None:
    """What is no duration is told with examples of one."""
    with pytest.raises(click.BadParameter, match="is no duration such as 90, 90s, 5m"):
        DURATION.convert(text, None, None)
