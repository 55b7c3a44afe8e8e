"""What every document store does: memory, and S3 in the emulator with authorization on."""

from __future__ import annotations

import os

import pytest

from livejob.runs.model import Document
from livejob.runs.store import DocumentStore
from livejob.wire.ids import RANDOM_BYTES, RunId, new_run_id
from livejob.wire.limits import INLINE_DOCUMENT_BYTES

RUN = RunId("run_018bcfe5680070000000000000000000")


def test_small_document_is_inline(documents: DocumentStore):
    """What fits the record stays in it."""
    data = b"x" * INLINE_DOCUMENT_BYTES

    document = documents.store("payloads", RUN, data)

    assert Document(INLINE_DOCUMENT_BYTES, inline=data) == document
    assert data == documents.load(document)


@pytest.mark.parametrize("kind", ["payloads", "results"])
def test_large_document_lies_apart(documents: DocumentStore, kind):
    """One byte more, and it lies in the bucket under its run's id."""
    data = b"x" * (INLINE_DOCUMENT_BYTES + 1)

    document = documents.store(kind, RUN, data)

    assert Document(INLINE_DOCUMENT_BYTES + 1, key=f"{kind}/{RUN}.json") == document
    assert data == documents.load(document)


def test_inline_document_has_no_url(documents: DocumentStore):
    """There is nothing to link to."""
    document = documents.store("results", RUN, b"1")

    with pytest.raises(ValueError, match="inline"):
        documents.presigned_url(document, 60)


def test_url_of_a_large_document_names_it(documents: DocumentStore):
    """The link to a large document leads to its key."""
    document = documents.store("results", RUN, b"x" * (INLINE_DOCUMENT_BYTES + 1))

    assert f"results/{RUN}.json" in documents.presigned_url(document, 60)


def test_document_apart_is_found(documents: DocumentStore):
    """What lies apart is found by its run; what does not is not."""
    run = new_run()
    data = b"x" * (INLINE_DOCUMENT_BYTES + 1)

    before = documents.find("payloads", run)
    stored = documents.store("payloads", run, data)

    assert before is None
    assert stored == documents.find("payloads", run)
    assert documents.find("results", run) is None


def test_upload_url_names_the_document(documents: DocumentStore):
    """The link for an upload leads to the document's key."""
    run = new_run()

    assert f"payloads/{run}.json" in documents.upload_url("payloads", run, 100, 60)


def new_run() -> RunId:
    return new_run_id(0, os.urandom(RANDOM_BYTES))
