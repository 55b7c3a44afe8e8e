"""Follows what CloudFormation does to one stack: event by event, until it has settled.

Settled is what the stack's own last event says: `DescribeStacks` may still show the status from before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.clock import EpochMs
from livejob.errors import StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

POLL_FIRST_S = 0.02
POLL_LAST_S = 2.0
POLL_GROWTH = 1.5
"""In the emulator a stack settles within milliseconds, in AWS within minutes."""

SETTLE_TIMEOUT_S = 1800.0

_CANCELLED = ("Resource creation cancelled", "Resource update cancelled")


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """One step with one resource; `is_stack` when it is the stack itself. `reason` may be ""."""

    at_ms: EpochMs

    logical_id: str
    kind: str  # AWS::Lambda::Function
    status: str  # CREATE_IN_PROGRESS
    reason: str
    is_stack: bool

    @property
    def is_failure(self) -> bool:
        """A failure of its own, not one that followed from another resource's."""
        return self.status.endswith("_FAILED") and not self.reason.startswith(_CANCELLED)

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.kind}) {self.status}: {self.reason}"


OnEvent = Callable[[ResourceEvent], None]


class EventFeed:
    """The events of a stack from here on. Made before the operation that is to be followed."""

    def __init__(self, client: CloudFormationClient, stack_id: str) -> None:
        self._client = client
        self._stack_id = stack_id
        self._seen: set[str] = set()
        self.read()

    def read(self) -> list[ResourceEvent]:
        """What has happened since the last call, oldest first."""
        with translated("cloudformation:DescribeStackEvents", self._stack_id):
            fresh = list(self._fresh())
        self._seen.update(each["EventId"] for each in fresh)
        return [self._event_of(each) for each in reversed(fresh)]

    def wait_settled(self, on_event: OnEvent) -> str:
        """Wait until the stack's operation has ended; its last status, e.g. `UPDATE_COMPLETE`.

        Raises:
            StackFailed: it ended badly; the first resource that failed and its reason are in the message.
        """
        failure: ResourceEvent | None = None
        for _ in polls():
            for event in self.read():
                on_event(event)
                if event.is_failure and (failure is None or failure.is_stack):
                    failure = event
                if event.is_stack and _is_settled(event.status):
                    return self._status_of(event, failure)
        raise StackFailed("The stack has not settled within half an hour.", stack=self._stack_id)

    def _status_of(self, last: ResourceEvent, failure: ResourceEvent | None) -> str:
        if last.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
            return last.status
        raise StackFailed(f"{failure or last}\nThe stack is {last.status}.", stack=self._stack_id)

    def _fresh(self) -> Iterator[StackEventTypeDef]:
        """Newest first, as the service gives them."""
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self._stack_id):
            for event in page["StackEvents"]:
                if event["EventId"] in self._seen:
                    return
                yield event

    def _event_of(self, event: StackEventTypeDef) -> ResourceEvent:
        return ResourceEvent(
            at_ms=EpochMs(round(event["Timestamp"].timestamp() * 1000)),
            logical_id=event.get("LogicalResourceId", ""),
            kind=event.get("ResourceType", ""),
            status=event.get("ResourceStatus", ""),
            reason=event.get("ResourceStatusReason", ""),
            is_stack=event.get("PhysicalResourceId") == self._stack_id,
        )


def _is_settled(status: str) -> bool:
    """False as well for a failure after which everything is taken back."""
    return not status.endswith("_IN_PROGRESS") and status not in ("CREATE_FAILED", "UPDATE_FAILED")


def polls() -> Iterator[None]:
    """Comes back after ever longer pauses, until SETTLE_TIMEOUT_S have been paused."""
    paused_s, pause_s = 0.0, POLL_FIRST_S
    while paused_s < SETTLE_TIMEOUT_S:
        yield
        time.sleep(pause_s)
        paused_s += pause_s
        pause_s = min(pause_s * POLL_GROWTH, POLL_LAST_S)
