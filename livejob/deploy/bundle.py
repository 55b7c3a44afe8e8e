"""TODO"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a build runs: a zip on this machine. digest: of all that is in it, 64 hex digits."""

    digest: str
    path: Path
