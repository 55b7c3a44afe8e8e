"""Where an app's stages were deployed from this machine: account and region, kept in `.livejob/places.json`.

It is a memory and no setting: who wants it to hold for everybody writes `accounts` into livejob.toml. A file
that cannot be read counts as none. Reads and writes the disk; called by the command line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PLACES_FILE = "places.json"


@dataclass(frozen=True, slots=True)
class Place:
    """account: 12 digits; region: `eu-west-1`."""

    account: str
    region: str


class Places:
    """The memory of one app. directory: its `.livejob/`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PLACES_FILE

    def find(self, stage: str) -> Place | None:
        """Where the stage was last deployed to; None when that is not known."""
        entry = self._read().get(stage)
        return Place(entry["account"], entry["region"]) if entry else None

    def remember(self, stage: str, place: Place) -> None:
        """From now on it is there."""
        if self.find(stage) == place:
            return
        entries = {**self._read(), stage: {"account": place.account, "region": place.region}}
        self._write(entries)

    def forget(self, stage: str) -> None:
        """It is nowhere any more."""
        entries = self._read()
        if entries.pop(stage, None) is not None:
            self._write(entries)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            stage: entry
            for stage, entry in found.items()
            if isinstance(entry, dict) and {"account", "region"} <= entry.keys()
        }

    def _write(self, entries: dict[str, dict[str, str]]) -> None:
        directory = self._path.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / ".gitignore").write_text("*\n")
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(entries, indent=2))
        written.replace(self._path)
