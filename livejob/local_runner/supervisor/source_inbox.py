"""Source changes as they come over the channel, taken over as whole sets."""

from __future__ import annotations

from itertools import accumulate

from livejob.runner.snapshot import SnapshotSources, SourceChanges
from livejob.wire.worker import SourcesChanged


class SourceInbox:
    """Feeds one snapshot."""

    def __init__(self, sources: SnapshotSources) -> None:
        self._sources = sources
        self._waiting: list[SourcesChanged] = []

    def take(self, message: SourcesChanged) -> bool:
        """Keep a message until its set is whole, then apply the set; True when that is so now."""
        self._waiting.append(message)
        if message.is_last:
            self._sources.apply(_joined(self._waiting))
            self._waiting.clear()
        return message.is_last


def _joined(messages: list[SourcesChanged]) -> SourceChanges:
    files: dict[str, bytes] = {}
    for message in messages:
        ends = accumulate(length for _, length in message.files)
        for (path, length), end in zip(message.files, ends, strict=True):
            files[path] = message.body[end - length : end]
    return SourceChanges(
        files,
        [path for message in messages for path in message.directories],
        [path for message in messages for path in message.left],
        [path for message in messages for path in message.removed],
    )
