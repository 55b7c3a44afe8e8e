"""How long each part of an attempt took, by the record."""

from __future__ import annotations

import pytest

from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Run
from livejob.runs.phases import Phase, busy_s, phases_of
from livejob.wire.states import Input
from tests.support.runs import a_change, a_run, at, let

SUBMIT = a_change(Input.SUBMIT, at(1))
CLAIM = a_change(Input.CLAIM, at(31), backend="codebuild")
RUN = a_change(Input.RUN, at(32))
END = a_change(Input.SUCCEED, at(42))
RETRY = a_change(Input.REQUEUE, at(42), due_ms=at(50))


def after(*changes) -> Run:
    runs = MemoryRunStore()
    return let(runs, runs.create(a_run()), *changes)


@pytest.mark.parametrize(
    ("changes", "phases"),
    [
        ([], {"queued": 100}),
        ([SUBMIT], {"queued": 1, "provisioning": 99}),
        ([SUBMIT, CLAIM], {"queued": 1, "provisioning": 30, "starting": 69}),
        ([SUBMIT, CLAIM, RUN], {"queued": 1, "provisioning": 30, "starting": 1, "run": 68}),
        ([SUBMIT, CLAIM, RUN, END], {"queued": 1, "provisioning": 30, "starting": 1, "run": 10}),
        ([CLAIM, RUN, END], {"queued": 31, "starting": 1, "run": 10}),
        ([CLAIM, RUN, RETRY], {"queued": 50}),
        ([a_change(Input.CANCEL, at(5))], {}),
    ],
)
def test_each_phase_has_its_seconds(changes, phases: dict[str, float]):
    """What has not been come to is left out; what goes on lasts until now."""
    assert tuple(Phase(*each) for each in phases.items()) == phases_of(after(*changes), at(100))


@pytest.mark.parametrize(
    ("changes", "phases"),
    [
        ([SUBMIT], {"queued": 21, "provisioning": 79}),
        ([SUBMIT, CLAIM, RUN, END], {"queued": 21, "provisioning": 10, "starting": 1, "run": 10}),
        ([CLAIM, RUN, END], {"queued": 31, "starting": 1, "run": 10}),
    ],
)
def test_time_in_the_backends_queue_is_no_provisioning(changes, phases: dict[str, float]):
    """Where the backend says when a machine was there for it, the run was queued until then."""
    assert tuple(Phase(*each) for each in phases.items()) == phases_of(after(*changes), at(100), at(21))


def test_clocks_that_differ_make_no_negative_time():
    """A machine whose clock is behind does not end a phase before its begin."""
    run = after(a_change(Input.CLAIM, at(-5)), a_change(Input.SUCCEED, at(-6)))

    assert {0} == {each.seconds for each in phases_of(run, at(0))}


def test_a_machine_is_busy_from_when_it_is_asked_for():
    """What CodeBuild bills begins with the request for the build."""
    [submitted] = after(SUBMIT, CLAIM, RUN, END).attempts
    [live] = after(CLAIM, RUN, END).attempts

    assert (41, 11) == (busy_s(submitted, at(100)), busy_s(live, at(100)))
