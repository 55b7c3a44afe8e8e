"""A set of source changes as frames for a worker, each of a bounded size. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from livejob.runner.snapshot import SourceChanges
from livejob.wire.limits import MIB
from livejob.wire.worker import SourcesChanged

BATCH_BYTES = MIB
"""A frame is sent when so much is in it; the supervisor goes on between two of them."""


def source_messages(changes: SourceChanges) -> Iterator[SourcesChanged]:
    """At least one message; the last one says so."""
    files: list[tuple[str, int]] = []
    body: list[bytes] = []
    directories, left, removed = list(changes.directories), list(changes.left), list(changes.removed)
    size_bytes = 0
    for path, packed in changes.files.items():
        files.append((path, len(packed)))
        body.append(packed)
        size_bytes += len(packed)
        if size_bytes >= BATCH_BYTES:
            yield SourcesChanged(files, [], [], [], is_last=False, body=b"".join(body))
            files, body, size_bytes = [], [], 0
    yield SourcesChanged(files, directories, left, removed, is_last=True, body=b"".join(body))
