"""Brings one CloudFormation stack to a template by a change set, and deletes stacks. Blocks.

Knows nothing of livejob's resources or names.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.deploy.stack_events import EventFeed, OnEvent, polls
from livejob.errors import StackBusy, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

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
        name = before.name
        self._check_free(before)
        if before.condition is Condition.BROKEN:
            raise _broken(before)
        if before.condition is Condition.NEVER_MADE:
            self.delete(before, on_event)
        kind: ChangeSetTypeType = "UPDATE" if before.condition is Condition.USABLE else "CREATE"
        change_set = f"livejob-{secrets.token_hex(6)}"
        stack_id = self._propose(name, change_set, kind, template, tags)
        if not self._is_executable(name, change_set, kind):
            return False
        feed = EventFeed(self._client, stack_id)
        with translated("cloudformation:ExecuteChangeSet", f"stack/{name}"), _busy(name):
            self._client.execute_change_set(StackName=name, ChangeSetName=change_set)
        feed.wait_settled(on_event)
        return True

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

    def _propose(
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

    def _is_executable(self, name: str, change_set: str, kind: ChangeSetTypeType) -> bool:
        """Wait for the change set; False when it would change nothing. A failed one is removed."""
        for _ in polls():
            with translated("cloudformation:DescribeChangeSet", f"stack/{name}"):
                answer = self._client.describe_change_set(StackName=name, ChangeSetName=change_set)
            if answer["Status"] == "CREATE_COMPLETE":
                return True
            if answer["Status"] == "FAILED":
                self._remove(name, change_set, kind)
                reason = answer.get("StatusReason", "")
                if any(text in reason for text in _NO_CHANGES):
                    return False
                raise StackFailed(f"CloudFormation refused the change: {reason}", stack=name)
        raise StackFailed("CloudFormation has not made the change set within half an hour.", stack=name)

    def _remove(self, name: str, change_set: str, kind: ChangeSetTypeType) -> None:
        with translated("cloudformation:DeleteChangeSet", f"stack/{name}"):
            self._client.delete_change_set(StackName=name, ChangeSetName=change_set)
        if kind == "CREATE":  # the empty stack that was made for it
            with translated("cloudformation:DeleteStack", f"stack/{name}"):
                self._client.delete_stack(StackName=name)


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
