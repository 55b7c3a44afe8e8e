"""What is no request, how a refusal reads, and what stays in the log."""

from __future__ import annotations

import json

import pytest

from livejob.errors import Bug, PayloadInvalid, PayloadTooLarge, RequestInvalid
from livejob.runs.memory import MemoryRunStore
from livejob.sdk.refusals import refusal_error
from livejob.stub_lambda.invoker import Refused
from livejob.wire.limits import DOCUMENT_BYTES, IDEMPOTENCY_KEY_BYTES, PAYLOAD_BYTES
from tests.support.stub_world import StubWorld

RUN = "run_" + "0" * 32


@pytest.mark.parametrize(
    ("event", "error", "why"),
    [
        (None, RequestInvalid, "the request is missing, not an object"),
        ([], RequestInvalid, "the request is [], not an object"),
        ("run", RequestInvalid, "the request is 'run', not an object"),
        ({}, RequestInvalid, "the action is missing"),
        ({"action": "sing"}, RequestInvalid, "the action is 'sing'"),
        ({"action": ["run"]}, RequestInvalid, "the action is ['run']"),
        ({"action": "run", "key": 7}, RequestInvalid, "the key is 7, not a text"),
        ({"action": "run", "key": ""}, RequestInvalid, "the key is '', not a text"),
        ({"action": "run", "key": "ü" * 513}, RequestInvalid, "the key has 1026 bytes"),
        ({"action": "run", "key": "\ud800"}, RequestInvalid, "no Unicode"),
        ({"action": "run", "payload": float("nan")}, PayloadInvalid, "payload is nan"),
        ({"action": "run", "payload": {"a": "\ud800"}}, PayloadInvalid, "payload.a holds half"),
        ({"action": "run", "payload": "x" * PAYLOAD_BYTES}, PayloadTooLarge, f"{PAYLOAD_BYTES + 2} bytes"),
        ({"action": "upload"}, RequestInvalid, "sizeBytes is missing, not a number"),
        ({"action": "upload", "sizeBytes": True}, RequestInvalid, "sizeBytes is True, not a number"),
        ({"action": "upload", "sizeBytes": 0}, RequestInvalid, "sizeBytes is 0, not a number"),
        (
            {"action": "upload", "sizeBytes": DOCUMENT_BYTES + 1},
            PayloadTooLarge,
            f"{DOCUMENT_BYTES + 1} bytes",
        ),
        ({"action": "run", "uploadId": "7"}, RequestInvalid, "uploadId is '7', not a run's id"),
        ({"action": "run", "uploadId": RUN}, PayloadInvalid, f"nothing was uploaded as {RUN}"),
        ({"action": "cancel"}, RequestInvalid, "the request has no runId or jobId"),
        ({"action": "cancel", "runId": 7}, RequestInvalid, "runId is 7, not a run's id"),
        ({"action": "cancel", "jobId": "shop:1"}, RequestInvalid, "jobId is 'shop:1', not a run's id"),
        ({"action": "cancel", "runId": RUN, "jobId": RUN[:-1] + "1"}, RequestInvalid, "different runs"),
        ({"action": "status"}, RequestInvalid, "the request has no runId"),
        ({"action": "status", "runId": "x" * 999}, RequestInvalid, "not a run's id"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_request(event: object, error: type, why: str):
    """Each wrong request is an error of the function, readable by a program and by a person."""
    world = StubWorld()

    with pytest.raises(Refused) as refused:
        world.ask(event)

    told = refusal_error("Resize", {"errorMessage": str(refused.value)})
    assert error is type(told)
    assert why in told.message
    assert f"{error.code}: {told.message} | hint: {told.remedy}" == str(refused.value)
    assert "" != told.remedy
    assert [] == world.runs.recent_runs("Resize", 10)


def test_the_longest_key_and_the_largest_payload_pass():
    """What is at its limit is a request."""
    world = StubWorld()

    answer = world.run("x" * (PAYLOAD_BYTES - 2), key="x" * IDEMPOTENCY_KEY_BYTES)

    assert PAYLOAD_BYTES == world.recorded(answer).payload.size_bytes


def test_unknown_fields_are_ignored():
    """A newer caller may say more."""
    assert "QUEUED" == StubWorld().run(1, mood="good")["status"]


def test_a_fault_of_our_own_is_an_error():
    """What nobody thought of is an error of the function too, never an answer."""

    class Broken(MemoryRunStore):
        def create(self, run):
            raise ZeroDivisionError("division by zero")

    world = StubWorld()
    world.runs = Broken()

    with pytest.raises(Refused, match=f"^{Bug.code}: the invoker failed: ZeroDivisionError"):
        world.run()
    assert Bug.code == world.log[0]["error"]


def test_each_invocation_leaves_one_line():
    """The log tells action, run, state and time of each invocation."""
    world = StubWorld()

    answer = world.run()
    world.ask({"action": "status", "runId": answer["runId"]})

    assert [
        {
            "action": "run",
            "runId": answer["runId"],
            "status": "QUEUED",
            "ms": 0.0,
            "troubles": ["no session that takes Resize is attached"],
        },
        {"action": "status", "runId": answer["runId"], "status": "QUEUED", "ms": 0.0},
    ] == world.log


def test_a_refusal_is_in_the_log_by_its_code():
    """The log tells which error it was, with the run if one was named."""
    world = StubWorld()

    for event in ({"action": "sing"}, {"action": "cancel", "runId": RUN}):
        with pytest.raises(Refused):
            world.ask(event)

    assert [
        {"action": None, "runId": None, "error": "LJ-203", "ms": 0.0},
        {"action": "cancel", "runId": RUN, "error": "LJ-301", "ms": 0.0},
    ] == world.log


def test_payloads_stay_out_of_the_log():
    """What a payload holds is in no line of the log, whether the run is taken or refused."""
    world = StubWorld()
    planted = "planted-card-number-4111"

    world.run({"card": planted}, key="order-7")
    with pytest.raises(Refused):
        world.run({"card": planted, "amount": float("nan")})

    assert planted not in json.dumps(world.log)
