"""Identities of runs and sessions.

A run id is `run_` and the 32 hex digits of a UUIDv7 (RFC 9562), so ids sort by the time of their making.
Time and randomness are arguments: this package reads neither.
"""

from __future__ import annotations

import re
from typing import NewType

RunId = NewType("RunId", str)
SessionId = NewType("SessionId", str)

RANDOM_BYTES = 10
"""How many random bytes an id takes (74 of its bits are random)."""

_RUN_ID = re.compile(r"run_[0-9a-f]{32}")


def new_run_id(now_ms: int, random: bytes) -> RunId:
    """A run id made at `now_ms` (Unix epoch milliseconds) from `RANDOM_BYTES` random bytes."""
    return RunId(f"run_{_uuid7_hex(now_ms, random)}")


def new_session_id(now_ms: int, random: bytes) -> SessionId:
    """A session id; short enough for an MQTT topic and a client id."""
    return SessionId(f"ses_{_uuid7_hex(now_ms, random)}")


def is_run_id(text: str) -> bool:
    """True when `text` has the form of a run id."""
    return _RUN_ID.fullmatch(text) is not None


def _uuid7_hex(now_ms: int, random: bytes) -> str:
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(random)}")
    rand_a = int.from_bytes(random[:2], "big") & 0x0FFF
    rand_b = int.from_bytes(random[2:], "big") & 0x3FFF_FFFF_FFFF_FFFF
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    return f"{value:032x}"
