"""Following a run by its handle, over the real boto3 and HTTP."""

import json
from itertools import pairwise
from typing import Any

import pytest

from livejob.errors import AwsError, RunFailed, RunNotFound, WaitTimedOut
from livejob.sdk import Run
from livejob.sdk.run import FIRST_PAUSE_S, LONGEST_PAUSE_S
from livejob.wire.outcome import Failure
from livejob.wire.states import State
from tests.support.sdk_fixtures import JOB, RUN_ID, Caller, standing


def a_run(caller: Caller) -> Run[Any]:
    return caller.client.get(RUN_ID, job=JOB)


def test_result_waits_until_the_run_has_ended(caller: Caller) -> None:
    """`result` looks until the run has succeeded and gives what the handler returned."""
    caller.job_answers(standing("QUEUED"), standing("RUNNING"), standing("SUCCEEDED", result={"key": "a"}))

    result = a_run(caller).result()

    assert {"key": "a"} == result
    assert [{"action": "status", "runId": RUN_ID}] * 3 == caller.api.asked


@pytest.mark.parametrize("result", [0, False, "", None, [], {}])
def test_falsy_result_is_a_result(caller: Caller, result: object) -> None:
    """A handler may return anything that JSON has."""
    caller.job_answers(standing("SUCCEEDED", result=result))

    assert result == a_run(caller).result()


def test_pauses_grow_to_their_longest(caller: Caller) -> None:
    """The first look comes soon, later ones seldom."""
    caller.job_answers(*[standing("RUNNING")] * 20, standing("SUCCEEDED", result=1))

    a_run(caller).wait()

    assert FIRST_PAUSE_S == caller.slept_s[0]
    assert LONGEST_PAUSE_S == caller.slept_s[-1]
    assert all(earlier <= later for earlier, later in pairwise(caller.slept_s))


def test_wait_gives_up_at_its_timeout(caller: Caller) -> None:
    """After `timeout_s` the wait is over, and the error says how to go on."""
    caller.job_answers(standing("RUNNING"))

    with pytest.raises(WaitTimedOut, match=r"has not ended within 7.5 s") as raised:
        a_run(caller).wait(timeout_s=7.5)

    assert pytest.approx(7.5) == sum(caller.slept_s)
    assert f"livejob cancel {RUN_ID}" in raised.value.remedy


@pytest.mark.parametrize("state", ["FAILED", "TIMED_OUT", "CANCELLED", "LOST", "EXPIRED", "SKIPPED"])
def test_wait_returns_however_the_run_ended(caller: Caller, state: str) -> None:
    """`wait` does not judge."""
    caller.job_answers(standing(state))

    assert State(state) is a_run(caller).wait()


def test_result_of_a_failed_run_raises_with_the_handlers_trace(caller: Caller) -> None:
    """The caller sees why the handler failed, and where."""
    failure = {
        "type": "ValueError",
        "message": "bad width",
        "trace": "Traceback ...\n  line 3\n",
        "remedy": "",
    }
    caller.job_answers(standing("FAILED", failure=failure))

    with pytest.raises(RunFailed) as raised:
        a_run(caller).result()

    message = f"run {RUN_ID} of Resize is FAILED: ValueError: bad width\nTraceback ...\n  line 3"
    assert message == raised.value.message
    assert (State.FAILED, Failure.from_json(failure)) == (
        raised.value.context["state"],
        raised.value.context["failure"],
    )
    assert f"livejob logs {RUN_ID}" in raised.value.remedy


def test_remedy_of_the_failure_goes_first(caller: Caller) -> None:
    """Where the run itself knows what to do, the error says that."""
    failure = {"type": "OutOfMemory", "message": "m", "trace": "", "remedy": "Give it more memory."}
    caller.job_answers(standing("FAILED", failure=failure))

    with pytest.raises(RunFailed) as raised:
        a_run(caller).result()

    assert "Give it more memory." == raised.value.remedy


def test_large_result_is_fetched_by_a_fresh_link(caller: Caller) -> None:
    """A result that lies in the bucket is read through a link asked for at that moment."""
    caller.api.files["/fresh"] = json.dumps(["x" * 100_000]).encode()
    caller.job_answers(
        standing("SUCCEEDED", resultUrl=f"{caller.api.url}/expired"),
        standing("SUCCEEDED", resultUrl=f"{caller.api.url}/fresh"),
    )
    run = a_run(caller)
    run.wait()

    assert ["x" * 100_000] == run.result()


def test_link_that_is_refused_is_told_without_the_link(caller: Caller) -> None:
    """The link is a secret, so no message shows it."""
    caller.job_answers(standing("SUCCEEDED", resultUrl=f"{caller.api.url}/gone?Signature=s3cret"))

    with pytest.raises(AwsError, match="HTTP 403") as raised:
        a_run(caller).result()

    assert "s3cret" not in str(raised.value)


def test_status_of_an_ended_run_is_not_asked_for_again(caller: Caller) -> None:
    """An end is final."""
    caller.job_answers(standing("CANCELLED"))
    run = a_run(caller)

    states = [run.status(), run.status(), run.wait()]

    assert [State.CANCELLED] * 3 == states
    assert 1 == len(caller.api.asked)


def test_refresh_tells_all_that_is_recorded(caller: Caller) -> None:
    """The whole answer is readable by name."""
    caller.job_answers(standing("RUNNING", log="file://host/log", attempt=2, leaseOver=True))
    run = a_run(caller)

    status = run.refresh()

    assert (State.RUNNING, 2, "live", True) == (
        status.state,
        status.attempt,
        status.backend,
        status.is_lease_over,
    )
    assert (1_700_000_000_000, 1_700_000_000_100, None) == (
        status.created_ms,
        status.started_ms,
        status.ended_ms,
    )
    assert "file://host/log" == run.log


def test_cancel_asks_the_invoker(caller: Caller) -> None:
    """`cancel` returns where the run stands; its end comes by itself."""
    caller.job_answers({"runId": RUN_ID, "status": "RUNNING"}, standing("CANCELLED"))
    run = a_run(caller)

    state = run.cancel()

    assert (State.RUNNING, State.CANCELLED) == (state, run.wait())
    assert {"action": "cancel", "runId": RUN_ID} == caller.api.asked[0]


def test_unknown_run_is_told(caller: Caller) -> None:
    """A run id that nobody knows raises as the invoker says it."""
    caller.job_answers(RuntimeError(f"LJ-301: no run {RUN_ID} | hint: `livejob runs` lists them."))

    with pytest.raises(RunNotFound, match=RUN_ID):
        a_run(caller).refresh()


async def test_async_code_waits_without_stopping_the_loop(caller: Caller) -> None:
    """`result_async` is `result` for async code."""
    caller.job_answers(standing("RUNNING"), standing("SUCCEEDED", result=7))

    assert 7 == await a_run(caller).result_async()
