"""Which failed attempts are followed by another, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Run
from livejob.runs.retries import closing, has_retry, pause_s
from livejob.wire.limits import BACKOFF_MAX_S
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input
from tests.support.runs import a_change, a_run, at, let


def running(**fields: Any) -> Run:
    """A run in its first attempt."""
    runs = MemoryRunStore()
    return let(runs, runs.create(a_run(**fields)), a_change(Input.CLAIM))


FAILED = Failure("ValueError", "no such width")


def test_pauses_double():
    """Each pause is twice the one before, up to the longest there is."""
    pauses = [pause_s(10, attempt, 0) for attempt in (1, 2, 3, 4, 40)]

    assert [10, 20, 40, 80, BACKOFF_MAX_S] == pauses


def test_chance_shortens_a_pause_by_up_to_half():
    """Runs that failed together do not come back together."""
    assert (10, 7.5) == (pause_s(10, 1, 0), pause_s(10, 1, 0.5))
    assert 5 < pause_s(10, 1, 0.999) < 5.1


@pytest.mark.parametrize("what", [Input.FAIL, Input.TIME_OUT])
def test_a_failed_attempt_goes_back_to_the_queue(what: Input):
    """With attempts left, the end becomes a return to the queue, due after the pause."""
    run = running(retries=1, backoff_s=10, queue_s=600)
    end = a_change(what, at(100), failure=FAILED, exit_code=1, owner="ses_a")

    change = closing(run, end, 0)

    assert replace(end, input=Input.REQUEUE, due_ms=at(110), queue_s=600) == change


def test_the_last_attempt_ends_the_run():
    """After as many further attempts as the policy allows, the end stays one."""
    end = a_change(Input.FAIL, at(100), failure=FAILED)

    assert end == closing(running(retries=0), end, 0)


def test_attempts_that_were_given_back_do_not_count():
    """A run that a session gave back, or restarted on a save, has as many retries as before."""
    runs = MemoryRunStore()
    run = let(
        runs,
        runs.create(a_run(retries=1)),
        a_change(Input.CLAIM),
        a_change(Input.REQUEUE),
        a_change(Input.CLAIM),
    )
    failed = runs.apply(run.id, closing(run, a_change(Input.FAIL, failure=FAILED), 0))
    last = runs.apply(run.id, a_change(Input.CLAIM))

    assert has_retry(run, Input.FAIL, FAILED)
    assert Input.FAIL == closing(last, a_change(Input.FAIL, failure=FAILED), 0).input
    assert 2 == failed.attempt_number


@pytest.mark.parametrize("what", [Input.SUCCEED, Input.CANCEL, Input.REQUEUE])
def test_other_ends_are_no_failures(what: Input):
    """What succeeded, was cancelled or goes back by itself is not tried again."""
    assert not has_retry(running(retries=5), what, None)


def test_a_run_that_shall_end_is_not_tried_again():
    """A failure after a cancel was asked for is the last word."""
    assert not has_retry(replace(running(retries=5), cancel_asked=True), Input.FAIL, FAILED)


@pytest.mark.parametrize(
    ("failure", "is_tried"),
    [
        (FailureType.HANDLER_NOT_FOUND, False),
        (FailureType.HANDLER_SYNTAX_ERROR, False),
        (FailureType.RESULT_TOO_LARGE, False),
        (FailureType.BUILD_STOPPED, False),
        (FailureType.OUT_OF_MEMORY, True),
        (FailureType.HANDLER_KILLED, True),
        (FailureType.IMAGE_PULL_FAILED, True),
        ("ConnectionError", True),
    ],
)
def test_what_cannot_go_better_is_not_tried_again(failure: str, is_tried: bool):
    """The same code with the same payload comes to the same end where livejob knows it will."""
    assert is_tried == has_retry(running(retries=5), Input.FAIL, Failure(failure, ""))
