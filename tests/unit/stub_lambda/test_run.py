"""Asking a stub for a run: who is rung, what is recorded, what the caller hears."""

from __future__ import annotations

import json

import pytest

from livejob.errors import AccessRefused, AwsUnreachable, NoSession
from livejob.runs.memory import MemoryRunStore, MemorySessionStore
from livejob.runs.model import Change, Document, Run
from livejob.sdk.refusals import refusal_error
from livejob.stub_lambda.backend import Order
from livejob.stub_lambda.invoker import Refused
from livejob.wire.ids import RunId
from livejob.wire.limits import ACCEPT_TIMEOUT_S, INLINE_DOCUMENT_BYTES, QUEUE_TTL_S, SESSIONS_TRIED_MAX
from livejob.wire.messages import Start
from livejob.wire.outcome import FailureType
from livejob.wire.states import Input, State
from tests.support.runs import a_change
from tests.support.stub_world import StubWorld, failing_with


def test_a_run_goes_to_the_newest_session():
    """The session that attached last is rung, and the caller hears that it has the run."""
    world = StubWorld()
    world.attach_daemon()
    newest = world.attach_daemon()

    answer = world.run({"width": 300})

    run = world.recorded(answer)
    assert {"jobId": run.id, "runId": run.id, "status": "CLAIMED", "backend": "live"} == answer
    assert newest.id == run.owner
    assert [(newest.id, Start(run.id, "Resize"))] == world.rung


def test_what_is_recorded_of_a_run():
    """The record has the payload, who asked, and until when the run may wait."""
    world = StubWorld()
    now_ms = world.clock.now_ms()

    run = world.recorded(world.run({"width": 300}, key="order-7"))

    expected = Run(
        id=run.id,
        job="Resize",
        state=State.QUEUED,
        created_ms=now_ms,
        expires_ms=now_ms + QUEUE_TTL_S * 1000,
        payload=Document(13, inline=b'{"width":300}'),
        caller="request-1",
        key="order-7",
    )
    assert expected == run


def test_an_upload_becomes_the_run_of_its_id():
    """What was uploaded is the run's payload, and asking twice starts one run."""
    world = StubWorld()
    place = world.ask({"action": "upload", "sizeBytes": 100_000})
    document = world.documents.store("payloads", RunId(place["uploadId"]), b"x" * 100_000)

    answers = [world.ask({"action": "run", "uploadId": place["uploadId"]}) for _ in range(2)]

    run = world.the_run()
    assert place["uploadId"] == run.id
    assert document == run.payload
    assert [run.id, run.id] == [answer["runId"] for answer in answers]
    assert place["uploadUrl"] not in str(world.log)


def test_an_upload_gives_nobody_anothers_run():
    """An upload that a run of another job has used is none for this job."""
    world = StubWorld()
    place = world.ask({"action": "upload", "sizeBytes": 100_000})
    world.documents.store("payloads", RunId(place["uploadId"]), b"x" * 100_000)
    world.ask({"action": "run", "uploadId": place["uploadId"]})

    with pytest.raises(Refused, match="LJ-201: nothing was uploaded"):
        world.ask({"action": "run", "uploadId": place["uploadId"]}, job="Other")


@pytest.mark.parametrize("payload", [0, False, "", None, [], {}, 1.5, "größe", {"a": [None]}])
def test_every_json_value_is_a_payload(payload: object):
    """A payload that Python takes for false stays what it is."""
    world = StubWorld()

    run = world.recorded(world.run(payload))

    recorded = json.loads(run.payload.inline or b"")
    assert payload == recorded
    assert type(payload) is type(recorded)


def test_a_payload_that_is_absent_is_null():
    """A run without a payload has the payload null."""
    world = StubWorld()

    run = world.recorded(world.ask({"action": "run"}))

    assert Document(4, inline=b"null") == run.payload


def test_a_large_payload_lies_apart():
    """A payload that does not fit the record is stored before the run is."""
    world = StubWorld()
    payload = "x" * INLINE_DOCUMENT_BYTES

    run = world.recorded(world.run(payload))

    assert f"payloads/{run.id}.json" == run.payload.key
    assert f'"{payload}"'.encode() == world.documents.load(run.payload)


def test_sessions_that_do_not_take_the_job_are_not_rung():
    """A session's filter and its lease decide whether it is rung."""
    world = StubWorld()
    daemon = world.attach_daemon(jobs=("Ship", "Resize"))
    world.attach(jobs=("Ship",))
    world.attach(lease_until_ms=world.clock.now_ms())

    world.run()

    assert [daemon.id] == [session for session, _ in world.rung]


def test_a_silent_session_is_left_for_the_next():
    """When a session does not take the run in time, the next one is rung."""
    world = StubWorld()
    daemon = world.attach_daemon()
    silent = world.attach()

    answer = world.run()

    assert [silent.id, daemon.id] == [session for session, _ in world.rung]
    assert daemon.id == world.recorded(answer).owner
    assert world.slept_s >= ACCEPT_TIMEOUT_S
    assert [f"the session of mia on mias-laptop did not take it within {ACCEPT_TIMEOUT_S:g} s"] == (
        world.log[0]["troubles"]
    )


def test_a_session_may_take_its_time():
    """A claim that comes late within the time is waited for."""
    world = StubWorld()
    rung_at_s: list[float] = []

    class SlowlyClaimed(MemoryRunStore):
        def get(self, run_id: RunId) -> Run:
            if world.clock.monotonic_s() - rung_at_s[0] > ACCEPT_TIMEOUT_S / 2:
                self.apply(run_id, a_change(Input.CLAIM))
                self.get = super().get
            return super().get(run_id)

    world.runs = SlowlyClaimed()
    world.attach(lambda _: rung_at_s.append(world.clock.monotonic_s()))

    assert "CLAIMED" == world.run()["status"]


def test_not_every_session_of_a_crowd_is_tried():
    """A stub that must answer in time rings a few sessions, not all."""
    world = StubWorld()
    sessions = [world.attach() for _ in range(SESSIONS_TRIED_MAX + 2)]

    answer = world.run()

    newest = [session.id for session in sessions[::-1]][:SESSIONS_TRIED_MAX]
    assert newest == [session for session, _ in world.rung]
    assert "QUEUED" == answer["status"]


def test_a_run_waits_when_nobody_is_attached():
    """With the policy to queue the caller hears at once that the run waits, and nobody has it."""
    world = StubWorld("queue")

    answer = world.run()

    assert ("QUEUED", None) == (answer["status"], answer["backend"])
    assert State.QUEUED == world.recorded(answer).state
    assert 0 == world.slept_s


def test_a_run_fails_loudly_when_nobody_is_attached():
    """With the policy to fail the call fails, with what to do, and the record says the same."""
    world = StubWorld("fail")

    with pytest.raises(Refused) as refused:
        world.run()

    run = world.the_run()
    assert State.FAILED == run.state
    assert FailureType.NO_SESSION == run.failure.type
    told = refusal_error("Resize", {"errorMessage": str(refused.value)})
    assert NoSession is type(told)
    assert run.failure.message == told.message
    assert "no session that takes Resize is attached" in told.message
    assert "livejob start --stage dev" in told.remedy


def test_a_run_goes_to_the_backend_when_nobody_is_attached():
    """With the policy to run, the run that no session takes becomes a build."""
    world = StubWorld("run")

    answer = world.run()

    run = world.recorded(answer)
    assert ("QUEUED", "codebuild") == (answer["status"], answer["backend"])
    assert [Order(run.id, 1, "Resize")] == list(world.backend.orders.values())
    assert [run.submitted_id] == list(world.backend.orders)


def test_a_run_goes_to_the_backend_when_the_session_stays_silent():
    """A session that dies before it claims does not keep the run from the backend."""
    world = StubWorld("run")
    world.attach()

    answer = world.run()

    assert ("QUEUED", "codebuild") == (answer["status"], answer["backend"])
    assert "did not take it" in world.log[0]["troubles"][0]


def test_a_run_that_a_session_takes_is_no_build():
    """With the policy to run, a session that is attached comes first."""
    world = StubWorld("run")
    world.attach_daemon()

    answer = world.run()

    assert ("CLAIMED", "live") == (answer["status"], answer["backend"])
    assert {} == world.backend.orders


def test_a_run_fails_loudly_when_nobody_takes_it():
    """A session that is attached and stays silent is named in the error."""
    world = StubWorld("fail")
    world.attach()

    with pytest.raises(Refused, match=r"^LJ-502: .* the session of mia on mias-laptop did not take it"):
        world.run()


def test_a_claim_at_the_last_moment_counts():
    """When somebody takes the run while it is being given up, the caller hears that."""

    class ClaimedAtTheLastMoment(MemoryRunStore):
        def apply(self, run_id: RunId, change: Change) -> Run:
            if change.input is Input.FAIL:
                super().apply(run_id, a_change(Input.CLAIM))
            return super().apply(run_id, change)

    world = StubWorld("fail")
    world.runs = ClaimedAtTheLastMoment()

    assert "CLAIMED" == world.run()["status"]


def test_a_key_in_use_gives_its_run():
    """A second call with one key is answered with the first run, and nobody is rung for it."""
    world = StubWorld()
    world.attach_daemon()
    first = world.run(1, key="order-7")

    second = world.run(2, key="order-7")

    assert first == second
    assert 1 == len(world.rung)
    assert b"1" == world.the_run().payload.inline


def test_a_key_whose_run_waits_rings_again():
    """A second call may be what a waiting run needed."""
    world = StubWorld()
    first = world.run(key="order-7")
    daemon = world.attach_daemon()

    second = world.run(key="order-7")

    assert first["runId"] == second["runId"]
    assert ("CLAIMED", daemon.id) == (second["status"], world.the_run().owner)


def test_a_second_call_does_not_fail_the_first_run():
    """Whoever asked first deals with a run that nobody takes; the second hears how it stands."""
    world = StubWorld("queue")
    first = world.run(key="order-7")
    hasty = StubWorld("fail")
    hasty.runs = world.runs

    second = hasty.run(key="order-7")

    assert first == second
    assert State.QUEUED == world.the_run().state


def test_a_session_that_cannot_be_rung_is_left_for_the_next():
    """A refused message is in the log, and the next session is rung."""
    world = StubWorld()
    daemon = world.attach_daemon()
    world.attach(failing_with(AccessRefused("these credentials may not iot:Publish")))

    answer = world.run()

    assert daemon.id == world.recorded(answer).owner
    assert 0.1 > world.slept_s
    assert [
        "the session of mia on mias-laptop could not be rung: these credentials may not iot:Publish"
    ] == world.log[0]["troubles"]


def test_a_run_waits_when_the_sessions_cannot_be_read():
    """A run that is recorded is answered as recorded, whatever fails after that."""

    class Unreadable(MemorySessionStore):
        def live(self, now_ms):
            raise AwsUnreachable("dynamodb:Query got no answer")

    world = StubWorld()
    world.sessions = Unreadable()

    assert "QUEUED" == world.run()["status"]
    assert ["the sessions could not be read: dynamodb:Query got no answer"] == world.log[0]["troubles"]


def test_a_run_waits_when_it_cannot_be_read():
    """A record that cannot be read for a while does not make a recorded run an error."""

    class Unreadable(MemoryRunStore):
        def get(self, run_id):
            raise AwsUnreachable("dynamodb:GetItem got no answer")

    world = StubWorld()
    world.runs = Unreadable()
    world.attach()

    assert "QUEUED" == world.run()["status"]


def test_a_run_that_cannot_be_recorded_is_an_error():
    """Without a record there is no run, and the caller hears why."""

    class Unwritable(MemoryRunStore):
        def create(self, run):
            raise AwsUnreachable("dynamodb:PutItem got no answer")

    world = StubWorld()
    world.runs = Unwritable()

    with pytest.raises(Refused, match=r"^LJ-804: dynamodb:PutItem got no answer \| hint: Check the network"):
        world.run()
