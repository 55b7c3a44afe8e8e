"""Follows what CloudFormation does to one stack: event by event, until it has settled.

Settled is what the stack's own last event says: `DescribeStacks` may still show the status from before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator
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

    @property
    def is_end(self) -> bool:
        """The stack's operation has ended. A failure after which everything is taken back is no end."""
        is_going_on = self.status.endswith("_IN_PROGRESS") or self.status in (
            "CREATE_FAILED",
            "UPDATE_FAILED",
        )
        return self.is_stack and not is_going_on

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.kind}) {self.status}: {self.reason}"


GOOD_ENDS = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"})

OnEvent = Callable[[ResourceEvent], None]


class EventFeed:
    """The events of a stack, from a point on.

    seen: ids of events; those older than the newest of them are not told.
    """

    def __init__(self, client: CloudFormationClient, stack_id: str, seen: Iterable[str] = ()) -> None:
        self._client = client
        self._stack_id = stack_id
        self._seen = set(seen)

    @classmethod
    def from_now(cls, client: CloudFormationClient, stack_id: str) -> EventFeed:
        """What happens from now on; made before the operation that is to be followed."""
        feed = cls(client, stack_id)
        feed.read()
        return feed

    @classmethod
    def of_last_operation(cls, client: CloudFormationClient, stack_id: str) -> EventFeed:
        """All of the operation that goes on, or of the last one if none does."""
        feed = cls(client, stack_id)
        with translated("cloudformation:DescribeStackEvents", stack_id):
            newest_first = feed._fresh()
            next(newest_first, None)  # itself the end of the last operation, it may be
            before = (each["EventId"] for each in newest_first if feed._event_of(each).is_end)
            end_before = next(before, None)
        return cls(client, stack_id, [end_before] if end_before else [])

    def read(self) -> list[ResourceEvent]:
        """What has happened since the last call, oldest first."""
        with translated("cloudformation:DescribeStackEvents", self._stack_id):
            fresh = list(self._fresh())
        self._seen.update(each["EventId"] for each in fresh)
        return [self._event_of(each) for each in reversed(fresh)]

    def wait_settled(self, on_event: OnEvent, good_ends: Container[str] = GOOD_ENDS) -> str:
        """Wait until the stack's operation has ended; its last status, e.g. `UPDATE_COMPLETE`.

        Raises:
            StackFailed: it ended badly; the first resource that failed and its reason are in the message,
                its logical id is the context's `resource`.
        """
        failure: ResourceEvent | None = None
        for _ in polls():
            for event in self.read():
                on_event(event)
                failure = _cause(failure, event)
                if event.is_end:
                    return self._status_of(event, failure, good_ends)
        raise StackFailed("The stack has not settled within half an hour.", stack=self._stack_id)

    def _status_of(
        self, last: ResourceEvent, failure: ResourceEvent | None, good_ends: Container[str]
    ) -> str:
        if last.status in good_ends:
            return last.status
        raise StackFailed(
            f"{failure or last}\nThe stack is {last.status}.",
            stack=self._stack_id,
            resource=(failure or last).logical_id,
        )

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


def cause_among(events: Iterable[ResourceEvent]) -> ResourceEvent | None:
    """The first failure among events that are in order: a resource's, where one failed, else the stack's."""
    failure = None
    for event in events:
        failure = _cause(failure, event)
    return failure


def _cause(failure: ResourceEvent | None, event: ResourceEvent) -> ResourceEvent | None:
    return event if event.is_failure and (failure is None or failure.is_stack) else failure


def polls() -> Iterator[None]:
    """Comes back after ever longer pauses, until SETTLE_TIMEOUT_S have been paused."""
    paused_s, pause_s = 0.0, POLL_FIRST_S
    while paused_s < SETTLE_TIMEOUT_S:
        yield
        time.sleep(pause_s)
        paused_s += pause_s
        pause_s = min(pause_s * POLL_GROWTH, POLL_LAST_S)
