"""The state table, cell by cell."""

from __future__ import annotations

import pytest

from livejob.wire.states import (
    HELD,
    OPEN,
    TERMINAL,
    TRANSITIONS,
    Input,
    NoTransition,
    State,
    states_before,
    step,
)

S = State

TABLE: dict[Input, dict[State, State]] = {
    Input.SUBMIT: {S.QUEUED: S.QUEUED},
    Input.CLAIM: {S.QUEUED: S.CLAIMED},
    Input.START: {S.CLAIMED: S.STARTING},
    Input.RUN: {S.CLAIMED: S.RUNNING, S.STARTING: S.RUNNING},
    Input.HEARTBEAT: {S.CLAIMED: S.CLAIMED, S.STARTING: S.STARTING, S.RUNNING: S.RUNNING},
    Input.ASK_CANCEL: {S.CLAIMED: S.CLAIMED, S.STARTING: S.STARTING, S.RUNNING: S.RUNNING},
    Input.SUCCEED: {S.CLAIMED: S.SUCCEEDED, S.STARTING: S.SUCCEEDED, S.RUNNING: S.SUCCEEDED},
    Input.FAIL: {S.QUEUED: S.FAILED, S.CLAIMED: S.FAILED, S.STARTING: S.FAILED, S.RUNNING: S.FAILED},
    Input.TIME_OUT: {S.CLAIMED: S.TIMED_OUT, S.STARTING: S.TIMED_OUT, S.RUNNING: S.TIMED_OUT},
    Input.CANCEL: {
        S.QUEUED: S.CANCELLED,
        S.CLAIMED: S.CANCELLED,
        S.STARTING: S.CANCELLED,
        S.RUNNING: S.CANCELLED,
    },
    Input.LOSE: {S.CLAIMED: S.LOST, S.STARTING: S.LOST, S.RUNNING: S.LOST},
    Input.EXPIRE: {S.QUEUED: S.EXPIRED},
    Input.SKIP: {S.QUEUED: S.SKIPPED},
    Input.REQUEUE: {S.CLAIMED: S.QUEUED, S.STARTING: S.QUEUED, S.RUNNING: S.QUEUED},
}
"""The table as a person reads it: what happens, and from where to where it leads."""


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", Input)
def test_every_cell(state: State, what: Input):
    """Each input leads where it should from each state, or is refused by naming both."""
    expected = TABLE[what].get(state)

    if expected is not None:
        assert expected == step(state, what)
    else:
        with pytest.raises(NoTransition, match=f"{state}.*{what}") as refused:
            step(state, what)
        assert (state, what) == (refused.value.state, refused.value.input)


@pytest.mark.parametrize("what", Input)
def test_states_before_an_input(what: Input):
    """The condition of a conditional write is the input's row of the table."""
    assert TABLE[what].keys() == states_before(what)


def test_what_has_ended_stays_ended():
    """Nothing leads out of a terminal state."""
    assert TERMINAL.isdisjoint(state for state, _ in TRANSITIONS)


def test_every_state_can_be_reached():
    """From QUEUED some story leads to every state."""
    reached = {State.QUEUED}
    while more := {after for (state, _), after in TRANSITIONS.items() if state in reached} - reached:
        reached |= more

    assert set(State) == reached


def test_every_state_is_open_or_ended():
    """Open and terminal states share nothing and leave nothing out; whoever holds a run holds an open one."""
    assert set(State) == OPEN | TERMINAL
    assert OPEN.isdisjoint(TERMINAL)
    assert OPEN - {State.QUEUED} == HELD
