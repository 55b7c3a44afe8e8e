"""Runs that are started by a job's definition: payloads are checked, results are what is annotated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import pytest

from livejob import job
from livejob.errors import PayloadInvalid, ResultInvalid
from tests.support.sdk_fixtures import RUN_ID, Caller, standing, started


@dataclass
class Photo:
    width: int
    taken: date


@job
def resize(payload: Photo) -> list[Photo]: ...


@job(name="Resize")
async def enhance(payload) -> Photo: ...


PHOTO = {"width": 300, "taken": "2026-11-01"}


def test_payload_travels_as_json(caller: Caller) -> None:
    """A dataclass is sent as an object."""
    caller.job_answers(started())

    resize.run(Photo(300, date(2026, 11, 1)), client=caller.client, key="a")

    assert [{"action": "run", "payload": PHOTO, "key": "a"}] == caller.api.asked


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (Photo("300", date(2026, 11, 1)), 'payload.width must be a whole number, not "300"'),  # type: ignore[arg-type]
        ({"width": 1}, "payload.taken is missing, it must be a date (ISO 8601)"),
        (None, "payload must be an object (Photo), not null"),
    ],
)
def test_payload_that_does_not_fit_is_refused_before_anything_is_sent(
    caller: Caller, payload: object, message: str
) -> None:
    """The caller hears at once what the runner would say."""
    caller.job_answers(started())

    with pytest.raises(PayloadInvalid) as refused:
        resize.run(payload, client=caller.client)  # type: ignore[arg-type]

    assert f"{message} (job Resize)" == refused.value.message
    assert [] == caller.api.asked


def test_result_is_what_the_handler_returned(caller: Caller) -> None:
    """`result()` makes of the JSON what the return annotation says, wherever the JSON lay."""
    caller.api.files["/large"] = json.dumps([PHOTO]).encode()
    caller.job_answers(
        started(),
        standing("SUCCEEDED", result=[PHOTO]),
        started(),
        standing("SUCCEEDED", resultUrl=f"{caller.api.url}/large"),
    )
    payload = Photo(300, date(2026, 11, 1))

    results = [resize.run(payload, client=caller.client).result() for _ in range(2)]

    assert [[payload], [payload]] == results


async def test_result_of_an_async_handler(caller: Caller) -> None:
    """The annotation of a coroutine function is that of its result."""
    caller.job_answers(started(), standing("SUCCEEDED", result=PHOTO))

    result = await enhance.run(1, client=caller.client).result_async()

    assert Photo(300, date(2026, 11, 1)) == result


def test_result_that_is_not_what_was_promised_is_told(caller: Caller) -> None:
    """The run has succeeded; its result does not fit, and there is a way to it as it is."""
    caller.job_answers(started(), standing("SUCCEEDED", result={"width": 1}))
    run = enhance.run(1, client=caller.client)

    with pytest.raises(ResultInvalid, match=r"result\.taken is missing") as refused:
        run.result()

    assert f"Job.get('{RUN_ID}', job='Resize').result()" in refused.value.remedy
    assert {"width": 1} == caller.client.get(run.id, job="Resize").result()
