"""A change as one conditional update in DynamoDB's language: says what `transition` says, atomically.

Pure. No step reads the item first: the condition carries the state table and the guards, and what is
written does not depend on what is there, except by appending.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from livejob.runs.attributes import Item, Value, to_attribute
from livejob.runs.deadlines import queue_deadline_ms, run_deletion_s
from livejob.runs.model import Change
from livejob.runs.records import document_value, history_entry
from livejob.runs.schema import OPEN_JOB, PK, TTL_ATTRIBUTE
from livejob.runs.transition import check_complete, guards_owner, recorded_failure
from livejob.wire.states import Input, State, states_before, step

CHANGE_ID = "change_id"
"""Which change wrote the item last: how a change knows itself when it was written twice."""


@dataclass(slots=True)
class Expression:
    """Collects an update: every attribute is named by a placeholder, so no reserved word can bite."""

    names: dict[str, str] = field(default_factory=dict)
    values: Item = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    _sets: list[str] = field(default_factory=list)
    _removes: list[str] = field(default_factory=list)

    def name(self, attribute: str) -> str:
        """The attribute's placeholder."""
        self.names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def value(self, label: str, value: Value) -> str:
        """The value's placeholder, `:label`."""
        self.values[f":{label}"] = to_attribute(value)
        return f":{label}"

    def require(self, attribute: str, operator: str, value: Value) -> None:
        """Condition: `attribute <operator> value`."""
        label = f"required_{attribute}"
        self.conditions.append(f"{self.name(attribute)} {operator} {self.value(label, value)}")

    def set(self, attribute: str, value: Value | None) -> None:
        """Write the attribute; None leaves it as it is."""
        if value is not None:
            self._sets.append(f"{self.name(attribute)} = {self.value(attribute, value)}")

    def set_once(self, attribute: str, value: Value) -> None:
        """Write the attribute unless it is there."""
        name, placeholder = self.name(attribute), self.value(attribute, value)
        self._sets.append(f"{name} = if_not_exists({name}, {placeholder})")

    def append(self, attribute: str, value: Value) -> None:
        """Add to the end of the list in the attribute."""
        name, placeholder = self.name(attribute), self.value(attribute, [value])
        self._sets.append(f"{name} = list_append({name}, {placeholder})")

    def count(self, attribute: str) -> None:
        """One more."""
        name, placeholder = self.name(attribute), self.value("one", 1)
        self._sets.append(f"{name} = {name} + {placeholder}")

    def remove(self, *attributes: str) -> None:
        self._removes += [self.name(attribute) for attribute in attributes]

    def update(self) -> str:
        """The UpdateExpression."""
        parts = [f"SET {', '.join(self._sets)}"]
        if self._removes:
            parts.append(f"REMOVE {', '.join(self._removes)}")
        return " ".join(parts)

    def condition(self) -> str:
        """The ConditionExpression."""
        return " AND ".join(self.conditions)


def expression_of(change: Change, change_id: str) -> Expression:
    """The update that lets `change` happen, if the item allows it.

    change_id: unique to this change; written as CHANGE_ID.

    Raises:
        Bug: the change itself is incomplete.
    """
    check_complete(change)
    expression = Expression()
    _add_conditions(expression, change)
    expression.set(CHANGE_ID, change_id)
    expression.set("log", change.log)
    _add_state(expression, change)
    _add_effects(expression, change)
    return expression


def _add_conditions(expression: Expression, change: Change) -> None:
    expression.conditions.append(f"attribute_exists({expression.name(PK)})")
    before = sorted(states_before(change.input))
    allowed = ", ".join(expression.value(f"before_{state}", state.value) for state in before)
    expression.conditions.append(f"{expression.name('state')} IN ({allowed})")
    if guards_owner(change):
        expression.require("owner", "=", str(change.owner))
    if change.attempt is not None:
        expression.require("attempt", "=", change.attempt)
    if change.input is Input.CLAIM:
        due = expression.name("due_ms")
        now = expression.value("claimed_ms", change.now_ms)
        expression.conditions.append(f"(attribute_not_exists({due}) OR {due} <= {now})")
    if change.input is Input.LOSE:
        expression.require("lease_until_ms", "<", change.now_ms)
    if change.input is Input.EXPIRE:
        expression.require("expires_ms", "<", change.now_ms)


def _add_state(expression: Expression, change: Change) -> None:
    after = _state_after(change.input)
    if after is not None:
        expression.set("state", after.value)
        expression.append("history", history_entry(change, after))


def _state_after(what: Input) -> State | None:
    """The one state that the input leads to from wherever it may; None when it leaves the state alone."""
    after = {step(state, what) for state in states_before(what)}
    return after.pop() if len(after) == 1 else None


def _add_effects(expression: Expression, change: Change) -> None:
    match change.input:
        case Input.SUBMIT:
            expression.set("backend", change.backend)
            expression.set("submitted_id", change.owner)
            expression.set("submitted_ms", change.now_ms)
        case Input.CLAIM:
            expression.set("owner", change.owner)
            expression.set("backend", change.backend)
            expression.set("lease_until_ms", change.lease_until_ms)
            expression.set("bundle", change.bundle or "")
            expression.count("attempt")
            expression.remove("due_ms", "submitted_id", "submitted_ms")
        case Input.START | Input.HEARTBEAT:
            expression.set("lease_until_ms", change.lease_until_ms)
            expression.set("note", change.note)
        case Input.RUN:
            expression.set("lease_until_ms", change.lease_until_ms)
            expression.set_once("started_ms", change.now_ms)
        case Input.ASK_CANCEL:
            expression.set("cancel_asked", True)
        case Input.REQUEUE:
            expression.set("due_ms", change.due_ms)
            expression.set("expires_ms", queue_deadline_ms(change.due_ms or change.now_ms, change.queue_s))
            expression.remove("owner", "backend", "lease_until_ms", "note")
        case _:
            _add_end(expression, change)


def _add_end(expression: Expression, change: Change) -> None:
    failure = recorded_failure(change)
    expression.set("ended_ms", change.now_ms)
    expression.set("result", document_value(change.result) if change.result else None)
    expression.set("failure", failure.to_json() if failure else None)
    expression.set(TTL_ATTRIBUTE, run_deletion_s(change.now_ms))
    expression.remove("lease_until_ms", "note", OPEN_JOB)
