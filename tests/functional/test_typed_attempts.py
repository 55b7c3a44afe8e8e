"""Handlers with annotated payloads, in a real worker of every engine."""

from __future__ import annotations

import pytest

from livejob.wire.outcome import FailureType
from tests.support.attempts import WorkerDriver

PHOTO = {"width": 300, "taken": "2026-11-01"}


async def test_handler_gets_what_its_annotation_says(worker: WorkerDriver):
    """A dataclass arrives as one, and a returned one is a JSON object again."""
    attempt = await worker.run("typed.shown", {"photos": [PHOTO]})

    assert {"photos": [PHOTO]} == attempt.result
    assert b"Album(photos=[Photo(width=300, taken=datetime.date(2026, 11, 1))])\n" == attempt.stdout


async def test_all_kinds_of_handlers_are_typed(worker: WorkerDriver):
    """Async and decorated handlers are; an annotation that only a type checker knows promises nothing."""
    cases: list[tuple[str, object, object]] = [
        ("typed.widest", {"photos": [PHOTO, {"width": 400}]}, 400),
        ("typed.decorated", {"width": 1}, "Photo(width=1, taken=None)"),
        ("typed.unresolved", {"width": "1"}, {"width": "1"}),
        ("typed.none_by_default", None, "None"),
        ("typed.none_by_default", {"width": 1}, "Photo(width=1, taken=None)"),
    ]

    results = [(await worker.run(handler, payload)).result for handler, payload, _ in cases]

    assert [result for _, _, result in cases] == results


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"photos": [{"width": "300"}]}, 'payload.photos[0].width must be a whole number, not "300"'),
        ({"photos": [{}]}, "payload.photos[0].width is missing, it must be a whole number"),
        ({"photos": []}, "payload is not valid: Album raises ValueError: an album has photos"),
        (None, "payload must be an object (Album), not null"),
    ],
)
async def test_payload_that_does_not_fit_fails_before_the_handler(
    worker: WorkerDriver, payload: object, message: str
):
    """The failure names the place and what belongs there; the handler is not called."""
    attempt = await worker.run("typed.shown", payload)

    assert (FailureType.PAYLOAD_INVALID, message) == (attempt.failure.type, attempt.failure.message)
    assert "annotation" in attempt.failure.remedy
    assert (b"", 1) == (attempt.stdout, attempt.exit_code)
