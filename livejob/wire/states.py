"""The life of a run, as one table: `(state, input) -> state`. What is not in it is an error."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "QUEUED"  # recorded; nobody has it yet
    CLAIMED = "CLAIMED"  # a session or a backend has it, under a lease
    STARTING = "STARTING"  # a worker is being made ready
    RUNNING = "RUNNING"  # the handler runs
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    LOST = "LOST"  # the lease ran out without a word
    EXPIRED = "EXPIRED"  # stayed QUEUED for longer than its time to live
    SKIPPED = "SKIPPED"  # its period had already succeeded


class Input(StrEnum):
    """What can happen to a run."""

    SUBMIT = "submit"  # a backend was asked to run it; it is in the backend's own queue
    CLAIM = "claim"
    START = "start"
    RUN = "run"
    HEARTBEAT = "heartbeat"
    ASK_CANCEL = "ask_cancel"  # remembered in the record; the owner acts on it
    SUCCEED = "succeed"
    FAIL = "fail"
    TIME_OUT = "time_out"
    CANCEL = "cancel"
    LOSE = "lose"
    EXPIRE = "expire"
    SKIP = "skip"
    REQUEUE = "requeue"  # back to the queue: given up before it ran, or to be tried again


TERMINAL = frozenset(
    {
        State.SUCCEEDED,
        State.FAILED,
        State.TIMED_OUT,
        State.CANCELLED,
        State.LOST,
        State.EXPIRED,
        State.SKIPPED,
    }
)
OPEN = frozenset(State) - TERMINAL
HELD = OPEN - {State.QUEUED}
"""States in which somebody holds a lease on the run."""

_ENDS = {
    Input.FAIL: State.FAILED,
    Input.TIME_OUT: State.TIMED_OUT,
    Input.CANCEL: State.CANCELLED,
    Input.LOSE: State.LOST,
    Input.REQUEUE: State.QUEUED,
}

TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.QUEUED, Input.SUBMIT): State.QUEUED,
    (State.QUEUED, Input.CLAIM): State.CLAIMED,
    (State.QUEUED, Input.FAIL): State.FAILED,
    (State.QUEUED, Input.CANCEL): State.CANCELLED,
    (State.QUEUED, Input.EXPIRE): State.EXPIRED,
    (State.QUEUED, Input.SKIP): State.SKIPPED,
    (State.CLAIMED, Input.START): State.STARTING,
    (State.STARTING, Input.RUN): State.RUNNING,
    # A worker that was ready needs no STARTING of its own.
    (State.CLAIMED, Input.RUN): State.RUNNING,
    (State.RUNNING, Input.SUCCEED): State.SUCCEEDED,
    # The outcome of a short run may overtake the record that it runs.
    (State.CLAIMED, Input.SUCCEED): State.SUCCEEDED,
    (State.STARTING, Input.SUCCEED): State.SUCCEEDED,
    **{(state, Input.HEARTBEAT): state for state in HELD},
    **{(state, Input.ASK_CANCEL): state for state in HELD},
    **{(state, end): after for state in HELD for end, after in _ENDS.items()},
}


class NoTransition(Exception):
    """The table has no such cell. Callers translate it into an error of their own with the run's id."""

    def __init__(self, state: State, what: Input) -> None:
        super().__init__(f"a run that is {state} cannot {what}")
        self.state = state
        self.input = what


def step(state: State, what: Input) -> State:
    """The state after `what` happens in `state`.

    Raises:
        NoTransition: the table has no such cell.
    """
    try:
        return TRANSITIONS[state, what]
    except KeyError:
        raise NoTransition(state, what) from None


def states_before(what: Input) -> frozenset[State]:
    """The states in which `what` may happen: the condition of a conditional write."""
    return frozenset(state for state, each in TRANSITIONS if each is what)
