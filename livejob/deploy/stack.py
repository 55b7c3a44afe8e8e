"""Brings one CloudFormation stack to a template by a change set, and deletes stacks. Blocks.

Knows nothing of livejob's resources or names.
"""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.deploy.changes import ResourceChange, changes_of
from livejob.deploy.stack_events import EventFeed, OnEvent, ResourceEvent, polls
from livejob.errors import StackBusy, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef, StackTypeDef

TEMPLATE_BODY_BYTES = 51_200
"""The largest template that travels in the call. Source: CloudFormation quotas, 'Template body size'."""


class Condition(Enum):
    """What can be done with a stack."""

    ABSENT = "absent"
    EMPTY = "empty"  # a change set was made for it and never executed
    USABLE = "usable"
    NEVER_MADE = "never made"  # its creation failed and was rolled back: it holds nothing
    BUSY = "busy"
    BROKEN = "broken"


_CONDITIONS = {
    "DELETE_COMPLETE": Condition.ABSENT,
    "REVIEW_IN_PROGRESS": Condition.EMPTY,
    "CREATE_COMPLETE": Condition.USABLE,
    "UPDATE_COMPLETE": Condition.USABLE,
    "UPDATE_ROLLBACK_COMPLETE": Condition.USABLE,
    "IMPORT_COMPLETE": Condition.USABLE,
    "IMPORT_ROLLBACK_COMPLETE": Condition.USABLE,
    "ROLLBACK_COMPLETE": Condition.NEVER_MADE,
}

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_BUSY_CODES = frozenset({"AlreadyExistsException", "InvalidChangeSetStatus", "OperationInProgressException"})


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack as it stands. `id` and `status` are "" when there is none."""

    name: str
    id: str = ""
    status: str = ""
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def condition(self) -> Condition:
        if not self.status:
            return Condition.ABSENT
        is_busy = self.status.endswith("_IN_PROGRESS")
        return _CONDITIONS.get(self.status, Condition.BUSY if is_busy else Condition.BROKEN)


@dataclass(frozen=True, slots=True)
class Template:
    """A template's text, or the https URL of an S3 object that holds it."""

    body: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change set that is ready to be executed."""

    stack: str
    stack_id: str
    change_set: str
    kind: ChangeSetTypeType
    changes: tuple[ResourceChange, ...]


class Stacks:
    """The stacks of one account and region."""

    def __init__(self, client: CloudFormationClient) -> None:
        self._client = client

    def view(self, name: str) -> StackView:
        """The stack as it stands, by one call; `name` may be its id."""
        with translated("cloudformation:DescribeStacks", f"stack/{name}"):
            try:
                [stack] = self._client.describe_stacks(StackName=name)["Stacks"]
            except self._client.exceptions.ClientError as error:
                if error_code(error) == "ValidationError" and "does not exist" in str(error):
                    return StackView(name)
                raise
        return _view_of(stack)

    def apply(
        self, before: StackView, template: Template, tags: Mapping[str, str], on_event: OnEvent
    ) -> bool:
        """Make the stack so; False when there was nothing to change. `before` is what `view` gave.

        Raises:
            StackBusy: another deployment of it is under way.
            StackFailed: CloudFormation refused it, or rolled it back; the reason comes first.
        """
        proposal = self.propose(before, template, tags, on_event)
        if proposal is not None:
            self.execute(proposal, on_event)
        return proposal is not None

    def propose(
        self,
        before: StackView,
        template: Template,
        tags: Mapping[str, str],
        on_event: OnEvent,
    ) -> Proposal | None:
        """What would make the stack so; None when there is nothing to change. Execute or discard it.

        A stack that was never made, and holds nothing, is deleted first.

        Raises:
            StackBusy, StackFailed: as `apply`.
        """
        self._check_free(before)
        if before.condition is Condition.BROKEN:
            raise _broken(before)
        if before.condition is Condition.NEVER_MADE:
            self.delete(before, on_event)
        kind: ChangeSetTypeType = "UPDATE" if before.condition is Condition.USABLE else "CREATE"
        change_set = f"livejob-{secrets.token_hex(6)}"
        stack_id = self._ask(before.name, change_set, kind, template, tags)
        changes = self._wait_changes(before.name, change_set, kind)
        return None if changes is None else Proposal(before.name, stack_id, change_set, kind, changes)

    def execute(self, proposal: Proposal, on_event: OnEvent) -> None:
        """Make the change and wait for its end.

        Raises:
            StackBusy: another deployment was faster.
            StackFailed: it was rolled back; the reason comes first.
        """
        name = proposal.stack
        feed = EventFeed(self._client, proposal.stack_id)
        with translated("cloudformation:ExecuteChangeSet", f"stack/{name}"), _busy(name):
            self._client.execute_change_set(StackName=name, ChangeSetName=proposal.change_set)
        changed = {each.logical_id for each in proposal.changes}
        feed.wait_settled(lambda event: _tell_changed(event, changed, on_event))

    def discard(self, proposal: Proposal) -> None:
        """Leave the stack as it is."""
        self._remove(proposal.stack, proposal.change_set, proposal.kind)

    def delete(self, before: StackView, on_event: OnEvent) -> None:
        """Delete the stack with its resources and wait for the end. No error when there is none.

        Raises:
            StackBusy: a deployment of it is under way.
            StackFailed: a resource could not be deleted.
        """
        if before.condition is Condition.ABSENT:
            return
        self._check_free(before)
        feed = EventFeed(self._client, before.id)
        with translated("cloudformation:DeleteStack", f"stack/{before.name}"):
            self._client.delete_stack(StackName=before.id)
        feed.wait_settled(on_event)

    def _check_free(self, before: StackView) -> None:
        if before.condition is Condition.BUSY:
            raise StackBusy(f"The stack {before.name} is {before.status}.", stack=before.name)

    def _ask(
        self, name: str, change_set: str, kind: ChangeSetTypeType, template: Template, tags: Mapping[str, str]
    ) -> str:
        """Ask for a change set; the stack's id."""
        written = {"TemplateURL": template.url} if template.url else {"TemplateBody": template.body}
        with translated("cloudformation:CreateChangeSet", f"stack/{name}"), _busy(name):
            answer = self._client.create_change_set(
                StackName=name,
                ChangeSetName=change_set,
                ChangeSetType=kind,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                **written,  # type: ignore[arg-type]
            )
        return answer["StackId"]

    def _wait_changes(
        self, name: str, change_set: str, kind: ChangeSetTypeType
    ) -> tuple[ResourceChange, ...] | None:
        """Wait for the change set; None when it would change nothing. A failed one is removed."""
        for _ in polls():
            with translated("cloudformation:DescribeChangeSet", f"stack/{name}"):
                answer = self._client.describe_change_set(StackName=name, ChangeSetName=change_set)
            if answer["Status"] == "CREATE_COMPLETE":
                return self._changes(name, change_set, answer)
            if answer["Status"] == "FAILED":
                self._remove(name, change_set, kind)
                reason = answer.get("StatusReason", "")
                if any(text in reason for text in _NO_CHANGES):
                    return None
                raise StackFailed(f"CloudFormation refused the change: {reason}", stack=name)
        raise StackFailed("CloudFormation has not made the change set within half an hour.", stack=name)

    def _changes(
        self, name: str, change_set: str, page: DescribeChangeSetOutputTypeDef
    ) -> tuple[ResourceChange, ...]:
        described = list(page["Changes"])
        while page.get("NextToken"):
            with translated("cloudformation:DescribeChangeSet", f"stack/{name}"):
                page = self._client.describe_change_set(
                    StackName=name, ChangeSetName=change_set, NextToken=page["NextToken"]
                )
            described += page["Changes"]
        return changes_of(described)

    def _remove(self, name: str, change_set: str, kind: ChangeSetTypeType) -> None:
        with translated("cloudformation:DeleteChangeSet", f"stack/{name}"):
            self._client.delete_change_set(StackName=name, ChangeSetName=change_set)
        if kind == "CREATE":  # the empty stack that was made for it
            with translated("cloudformation:DeleteStack", f"stack/{name}"):
                self._client.delete_stack(StackName=name)


def _tell_changed(event: ResourceEvent, changed: Container[str], on_event: OnEvent) -> None:
    """Leave out resources that an update has only looked at."""
    if event.is_stack or event.is_failure or event.logical_id in changed:
        on_event(event)


def _broken(before: StackView) -> StackFailed:
    mending = "continue-update-rollback" if before.status == "UPDATE_ROLLBACK_FAILED" else "delete-stack"
    return StackFailed(
        f"The stack {before.name} is {before.status}: {before.reason}",
        remedy=f"`aws cloudformation {mending} --stack-name {before.name}`, then deploy again.",
    )


def _view_of(stack: StackTypeDef) -> StackView:
    return StackView(
        name=stack["StackName"],
        id=stack.get("StackId", ""),
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
        tags={each["Key"]: each["Value"] for each in stack.get("Tags", [])},
    )


@contextmanager
def _busy(name: str) -> Iterator[None]:
    """Somebody else has begun to change the stack since it was looked at."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error_code(error) in _BUSY_CODES or "_IN_PROGRESS" in str(error):
            raise StackBusy(
                f"Another deployment of the stack {name} has begun: {error}", stack=name
            ) from error
        raise
