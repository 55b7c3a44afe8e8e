"""Jobs that are run in the process of their test."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from livejob import Context, job
from livejob.clock import SteppedClock
from livejob.errors import PayloadInvalid, ResultInvalid, RunFailed
from livejob.testing import make_context, run_job
from livejob.wire.outcome import FailureType
from livejob.wire.states import State


@dataclass
class Photo:
    width: int


@job(name="Resize")
def resize(payload: Photo, context: Context) -> tuple[Photo, str, int]:
    payload.width *= 2
    return payload, context.job, context.attempt


@job
async def enhance(payload: list[int]) -> int:
    await asyncio.sleep(0)
    return sum(payload)


@job
def tidy() -> str:
    return "tidy"


@job
def echo(payload):
    return payload


@job
def fail(payload):
    raise LookupError(f"no {payload}")


@job
def leave(payload):
    sys.exit(payload)


@job
def returns_what_json_has_not(payload):
    return {"tags": {1, 2}}


@job
def breaks_its_word(payload) -> Photo:
    return payload


@job
def interrupted(payload):
    raise KeyboardInterrupt


def test_result_is_what_a_caller_would_get() -> None:
    """Payload and result go through JSON, typed on the other side; what the caller has stays as it is."""
    photo = Photo(150)

    result = run_job(resize, photo)

    assert (Photo(300), "Resize", 1) == result
    assert Photo(150) == photo


def test_all_kinds_of_handlers_run() -> None:
    """Async ones, and ones without a payload."""
    assert (6, "tidy", {"a": [1]}) == (run_job(enhance, [1, 2, 3]), run_job(tidy), run_job(echo, {"a": (1,)}))


async def test_async_code_is_told_how_to_run_one() -> None:
    """A loop that would be blocked is not; in a thread it works."""
    with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
        run_job(enhance, [1])

    assert 3 == await asyncio.to_thread(run_job, enhance, [1, 2])


@pytest.mark.parametrize("payload", [{"width": "1"}, {}, None])
def test_payload_that_does_not_fit_is_refused(payload: Any) -> None:
    """The same check as in the caller."""
    with pytest.raises(PayloadInvalid, match=r"payload.* \(job Resize\)"):
        run_job(resize, payload)


@pytest.mark.parametrize(
    ("definition", "payload", "failure_type"),
    [
        (fail, "luck", "LookupError"),
        (leave, 3, FailureType.HANDLER_EXITED),
        (returns_what_json_has_not, None, FailureType.RESULT_NOT_SERIALIZABLE),
    ],
)
def test_end_is_what_the_record_would_hold(definition: Any, payload: object, failure_type: str) -> None:
    """A handler that does not return a result raises what `result()` would."""
    with pytest.raises(RunFailed) as raised:
        run_job(definition, payload)

    assert (State.FAILED, failure_type) == (
        raised.value.context["state"],
        raised.value.context["failure"].type,  # type: ignore[attr-defined]
    )


def test_exception_of_the_handler_is_the_cause() -> None:
    """The debugger and pytest show where it came from."""
    with pytest.raises(RunFailed) as raised:
        run_job(fail, "luck")

    cause = raised.value.__cause__
    assert isinstance(cause, LookupError)
    assert "no luck" == str(cause)


def test_result_that_is_not_what_was_promised_is_told() -> None:
    """The return annotation is checked as `result()` does."""
    with pytest.raises(ResultInvalid, match=r"result\.width is missing"):
        run_job(breaks_its_word, {})


def test_ctrl_c_ends_the_test() -> None:
    """A person's interrupt is no failure of the handler."""
    with pytest.raises(KeyboardInterrupt):
        run_job(interrupted)


def test_context_can_be_chosen() -> None:
    """A handler may be shown a later attempt, a clock that stands still, and that it is cancelled."""
    clock = SteppedClock()
    context = make_context("Nightly", attempt=2, timeout_s=60, is_cancelled=True, clock=clock)

    result = run_job(resize, Photo(1), context=context)
    clock.advance(45)

    assert (Photo(2), "Nightly", 2) == result
    assert (15.0, True) == (context.remaining_s(), context.is_cancelled)
