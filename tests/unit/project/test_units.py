"""Durations and sizes as people write them."""

from __future__ import annotations

import pytest

from livejob.project.units import parse_duration_s, parse_size_bytes

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1 second", 1),
        ("90 seconds", 90),
        ("30 minutes", 1800),
        ("8 hours", 28800),
        ("1.5 hours", 5400),
        ("1 day", 86400),
        ("5minutes", 300),
        (45, 45),
    ],
)
def test_duration_is_read(written: object, seconds: int) -> None:
    """SST's words, singular or plural, and bare numbers of seconds are durations."""
    assert seconds == parse_duration_s(written)


@pytest.mark.parametrize(
    "written",
    ["", "8", "8 h", "8 hour s", "-1 hour", "1 fortnight", "0.5 seconds", 1.5, True, None, ["1 hour"]],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    """Anything else is an error that shows how to write one."""
    with pytest.raises(ValueError, match="a duration"):
        parse_duration_s(written)


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("512 MB", 512 * MIB), ("3 GB", 3072 * MIB), ("7GB", 7168 * MIB), ("0.5 gb", 512 * MIB)],
)
def test_size_is_read(written: object, size_bytes: int) -> None:
    """Megabytes and gigabytes are powers of 1024, with or without the space."""
    assert size_bytes == parse_size_bytes(written)


@pytest.mark.parametrize("written", ["", "3", "3 GiB", "3 TB", 3, None, "3 GB "[:0]])
def test_what_is_no_size_is_refused(written: object) -> None:
    """A number alone is refused too: nobody could tell its unit."""
    with pytest.raises(ValueError, match='a size such as "512 MB"'):
        parse_size_bytes(written)
