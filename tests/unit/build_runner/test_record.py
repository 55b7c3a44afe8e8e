"""How insistent a build is about its record: an end is kept for minutes, a refusal is taken at once."""

from __future__ import annotations

import pytest

from livejob.build_runner.build import Build
from livejob.build_runner.record import KEEP_TRYING_S, BuildRecord, Pace
from livejob.clock import SteppedClock
from livejob.errors import AccessRefused, AwsError, AwsUnreachable
from livejob.runs.memory import MemoryDocuments, MemoryRunStore
from livejob.runs.model import Change, Document, Run
from livejob.wire.ids import RunId
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input, State
from tests.support.runs import T0, a_run

SUCCEEDED = Outcome(Input.SUCCEED, result=b"42", exit_code=0)


class FlakyRuns(MemoryRunStore):
    """Fails as often as `errors` says, with those."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[AwsError] = []

    def apply(self, run_id: RunId, change: Change) -> Run:
        if self.errors:
            raise self.errors.pop(0)
        return super().apply(run_id, change)


class FullBucket(MemoryDocuments):
    """Takes nothing."""

    def store(self, kind, run_id: RunId, data: bytes) -> Document:
        raise AccessRefused("these credentials may not s3:PutObject")


class RecordUnderTest:
    """A claimed run, as its build sees it."""

    def __init__(self, documents: MemoryDocuments | None = None) -> None:
        self.clock = SteppedClock(T0)
        self.runs = FlakyRuns()
        self.run = self.runs.create(a_run())
        pace = Pace(self.clock, self.clock.advance)
        self.record = BuildRecord(a_build(self.run.id), self.runs, documents or MemoryDocuments(), pace)
        self.run = self.record.claim()

    def slept_s(self) -> float:
        return self.clock.monotonic_s()


def a_build(run_id: RunId) -> Build:
    return Build.of(
        {
            "CODEBUILD_BUILD_ID": "livejob-shop-prod_Resize:1",
            "CODEBUILD_LOG_PATH": "1",
            "AWS_REGION": "us-east-1",
            "LIVEJOB_RUN_ID": run_id,
            "LIVEJOB_ATTEMPT": "1",
            "LIVEJOB_APP": "shop",
            "LIVEJOB_STAGE": "prod",
            "LIVEJOB_JOB": "Resize",
            "LIVEJOB_TABLE": "table",
            "LIVEJOB_BUCKET": "bucket",
            "LIVEJOB_HANDLER": "images.resize",
            "LIVEJOB_TIMEOUT": "60",
        }
    )


def test_an_end_outlasts_a_silence_of_the_table():
    """A moment without DynamoDB does not cost the result."""
    under_test = RecordUnderTest()
    under_test.runs.errors = [AwsUnreachable("no answer")] * 5

    after = under_test.record.finish(under_test.run, SUCCEEDED)

    assert after is not None
    assert State.SUCCEEDED == after.state
    assert 0 < under_test.slept_s() < KEEP_TRYING_S


def test_an_end_that_cannot_be_written_is_given_up():
    """After ten minutes the error comes out: the build fails, and the reconciler closes the run."""
    under_test = RecordUnderTest()
    under_test.runs.errors = [AwsUnreachable("no answer")] * 1000

    with pytest.raises(AwsUnreachable):
        under_test.record.finish(under_test.run, SUCCEEDED)

    assert KEEP_TRYING_S <= under_test.slept_s() < KEEP_TRYING_S + 20


def test_a_refusal_is_not_asked_again():
    """What the role may not do, it may not do a second later either."""
    under_test = RecordUnderTest()
    under_test.runs.errors = [AccessRefused("no")]

    with pytest.raises(AccessRefused):
        under_test.record.finish(under_test.run, SUCCEEDED)

    assert 0 == under_test.slept_s()


def test_a_result_that_cannot_be_kept_fails_the_run():
    """The run does not stay open because its result has no place."""
    under_test = RecordUnderTest(FullBucket())
    outcome = Outcome(Input.SUCCEED, result=b"x" * (INLINE_DOCUMENT_BYTES + 1))

    after = under_test.record.finish(under_test.run, outcome)

    assert after is not None
    assert State.FAILED == after.state
    assert after.failure is not None
    assert FailureType.WORKER_FAILED == after.failure.type
    assert "its result cannot be kept" in after.failure.message


def test_a_run_that_is_anothers_is_not_written_to():
    """A word that comes too late changes nothing, and says so."""
    under_test = RecordUnderTest()
    failure = Failure(FailureType.BUILD_FAILED, "its build ended")
    now_ms = under_test.clock.now_ms()
    closed = under_test.runs.apply(under_test.run.id, Change(Input.FAIL, now_ms, failure=failure))

    assert under_test.record.heartbeat() is None
    assert under_test.record.finish(under_test.run, SUCCEEDED) is None
    assert closed == under_test.runs.get(under_test.run.id)
