"""Reads a payload or a result that a run's record names."""

from __future__ import annotations

import json

from livejob.cli.wiring import Target
from livejob.runs.model import Document
from livejob.wire.documents import JsonValue


def read_document(target: Target, document: Document | None) -> JsonValue:
    """The document's value; None when there is no document.

    Most lie in the record itself. For those nothing is asked of AWS, not even which bucket the others are in.
    """
    if document is None:
        return None
    data = document.inline
    if data is None:
        data = target.open_documents().load(document)
    value: JsonValue = json.loads(data)
    return value
