"""Durations and sizes as people write them: `"30 minutes"`, `"8 hours"`, `"3 GB"`.

The words are SST's. Pure; whoever asks adds the place to the ValueError.
"""

from __future__ import annotations

import re

from livejob.wire.limits import GIB, MIB

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}
_BYTES = {"MB": MIB, "GB": GIB}

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(second|minute|hour|day)s?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB)", re.IGNORECASE)


def parse_duration_s(value: object) -> int:
    """Whole seconds from `"90 seconds"`, `"1.5 hours"`, or a number of seconds.

    Raises:
        ValueError: neither of them.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration such as "30 minutes", "8 hours" or 90 (seconds)')
    seconds = float(match[1]) * _SECONDS[match[2]]
    if not seconds.is_integer():
        raise ValueError("a duration of whole seconds")
    return int(seconds)


def parse_size_bytes(value: object) -> int:
    """Bytes from `"512 MB"` or `"3 GB"`; a GB is 1024 MB, as in Lambda and CodeBuild.

    Raises:
        ValueError: none of them.
    """
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a size such as "512 MB" or "3 GB"')
    return int(float(match[1]) * _BYTES[match[2].upper()])
