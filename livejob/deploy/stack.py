"""Brings one CloudFormation stack to a template by a change set, and deletes stacks. Blocks.

Knows nothing of livejob's resources or names.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.deploy.changes import ResourceChange, changes_of
from livejob.deploy.stack_events import EventFeed, OnEvent, ResourceEvent, cause_among, polls
from livejob.deploy.stack_view import Condition, StackView
from livejob.errors import StackBusy, StackFailed

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef

TEMPLATE_BODY_BYTES = 51_200
"""The largest template that travels in the call. Source: CloudFormation quotas, 'Template body size'."""


_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_BUSY_CODES = frozenset(
    {
        "AlreadyExistsException",
        "ChangeSetNotFound",  # whoever executes a change set has CloudFormation delete the others
        "InvalidChangeSetStatus",
        "OperationInProgressException",
    }
)
_BUSY_SIGN = re.compile(r"_IN_PROGRESS|already exists and cannot be created|^Stack .* does not exist$")
"""In the message of a ValidationError: the stack is not any more as it was looked at."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template's text, or the https URL of an S3 object that holds it."""

    body: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change set that is ready to be executed."""

    stack: str
    change_set: str
    kind: ChangeSetTypeType
    changes: tuple[ResourceChange, ...] = ()


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
        return StackView.of(stack)

    def apply(
        self,
        before: StackView,
        template: Template,
        tags: Mapping[str, str],
        on_event: OnEvent,
        *,
        adopts: bool = False,
    ) -> bool:
        """Make the stack so; False when there was nothing to change. `before` is what `view` gave.

        Raises:
            StackBusy: another deployment of it is under way.
            StackFailed: CloudFormation refused it, or rolled it back; the reason comes first.
        """
        proposal = self.propose(before, template, tags, adopts=adopts)
        if proposal is not None:
            self.execute(proposal, on_event)
        return proposal is not None

    def propose(
        self,
        before: StackView,
        template: Template,
        tags: Mapping[str, str],
        *,
        adopts: bool = False,
    ) -> Proposal | None:
        """What would make the stack so; None when there is nothing to change. Execute or discard it.

        adopts: a new stack takes over what is there already by the name that it would give, if the template
            keeps that when the stack is deleted.

        Raises:
            StackBusy: as `apply`.
            StackFailed: CloudFormation refused it, or the stack has to be repaired first.
        """
        self._check_free(before)
        if before.condition not in (Condition.ABSENT, Condition.EMPTY, Condition.USABLE):
            raise StackFailed(
                f"The stack {before.name} is {before.status}: {before.reason}", stack=before.name
            )
        kind: ChangeSetTypeType = "UPDATE" if before.condition is Condition.USABLE else "CREATE"
        proposal = Proposal(before.name, f"livejob-{secrets.token_hex(6)}", kind)
        self._ask(proposal, template, tags, adopts=adopts and kind == "CREATE")
        changes = self._wait_changes(proposal)
        return None if changes is None else replace(proposal, changes=changes)

    def execute(self, proposal: Proposal, on_event: OnEvent) -> None:
        """Make the change and wait for its end.

        Raises:
            StackBusy: another deployment was faster.
            StackFailed: it was rolled back; the reason comes first.
        """
        name, before = proposal.stack, self.view(proposal.stack)
        if before.condition is not (Condition.EMPTY if proposal.kind == "CREATE" else Condition.USABLE):
            self.discard(proposal)
            raise StackBusy(f"Another deployment of the stack {name} has begun.", stack=name)
        is_new = proposal.kind == "CREATE"
        feed = EventFeed(self._client, before.id) if is_new else EventFeed.from_now(self._client, before.id)
        with translated("cloudformation:ExecuteChangeSet", f"stack/{name}"), _busy(name):
            self._client.execute_change_set(StackName=name, ChangeSetName=proposal.change_set)
        changed = {each.logical_id for each in proposal.changes}
        feed.wait_settled(lambda event: _tell_changed(event, changed, on_event))

    def discard(self, proposal: Proposal) -> None:
        """Leave the stack as it is; one that was made for the proposal alone goes with it."""
        name = proposal.stack
        with translated("cloudformation:DeleteChangeSet", f"stack/{name}"):
            try:
                self._client.delete_change_set(StackName=name, ChangeSetName=proposal.change_set)
            except self._client.exceptions.ClientError as error:
                if not _is_changed_meanwhile(error):
                    raise
        if proposal.kind == "CREATE" and self._is_nobodys(name):
            with translated("cloudformation:DeleteStack", f"stack/{name}"):
                self._client.delete_stack(StackName=name)

    def follow(self, before: StackView, on_event: OnEvent) -> StackView:
        """The stack once the operation on it that goes on has ended, however it ended.

        Raises:
            StackBusy: it has not ended within half an hour.
        """
        feed = EventFeed.of_last_operation(self._client, before.id)
        for _ in polls():
            stack = self.view(before.id)
            for event in feed.read():
                on_event(event)
            if stack.condition is not Condition.BUSY:
                return stack
        raise StackBusy(f"The stack {before.name} is {before.status} for half an hour.", stack=before.name)

    def failure(self, stack: StackView) -> str:
        """Why the last operation on the stack failed: of the first resource that did, or of the stack."""
        cause = cause_among(EventFeed.of_last_operation(self._client, stack.id).read())
        return str(cause) if cause else stack.reason or stack.status

    def roll_back(self, before: StackView, on_event: OnEvent) -> StackView:
        """Have a rollback that failed tried again; the stack after it.

        Raises:
            StackBusy: somebody else was faster.
            StackFailed: it failed again; the remedy names the resource.
        """
        name = before.name
        feed = EventFeed.from_now(self._client, before.id)
        with translated("cloudformation:ContinueUpdateRollback", f"stack/{name}"), _busy(name):
            self._client.continue_update_rollback(StackName=before.id)
        try:
            status = feed.wait_settled(on_event, {"UPDATE_ROLLBACK_COMPLETE"})
        except StackFailed as error:
            raise StackFailed(
                error.message,
                remedy="Mend the reason named above and deploy again; or leave the resource as it is: `aws "
                f"cloudformation continue-update-rollback --stack-name {name} --resources-to-skip "
                f"{error.context['resource']}`.",
            ) from error
        return replace(before, status=status)

    def delete(self, before: StackView, on_event: OnEvent) -> None:
        """Delete the stack with its resources and wait for the end. No error when there is none.

        Raises:
            StackBusy: a deployment of it is under way.
            StackFailed: a resource could not be deleted.
        """
        if before.condition is Condition.ABSENT:
            return
        self._check_free(before)
        feed = EventFeed.from_now(self._client, before.id)
        with translated("cloudformation:DeleteStack", f"stack/{before.name}"):
            self._client.delete_stack(StackName=before.id)
        feed.wait_settled(on_event)

    def _check_free(self, before: StackView) -> None:
        if before.condition is Condition.BUSY:
            raise StackBusy(f"The stack {before.name} is {before.status}.", stack=before.name)

    def _is_nobodys(self, name: str) -> bool:
        """The stack was made for change sets, and has none: nobody's deployment ends with it."""
        if self.view(name).condition is not Condition.EMPTY:
            return False
        with translated("cloudformation:ListChangeSets", f"stack/{name}"):
            return not self._client.list_change_sets(StackName=name)["Summaries"]

    def _ask(self, proposal: Proposal, template: Template, tags: Mapping[str, str], *, adopts: bool) -> None:
        """Ask for the change set."""
        name = proposal.stack
        written = {"TemplateURL": template.url} if template.url else {"TemplateBody": template.body}
        with translated("cloudformation:CreateChangeSet", f"stack/{name}"), _busy(name):
            self._client.create_change_set(
                StackName=name,
                ChangeSetName=proposal.change_set,
                ChangeSetType=proposal.kind,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                ImportExistingResources=adopts,
                **written,  # type: ignore[arg-type]
            )

    def _wait_changes(self, proposal: Proposal) -> tuple[ResourceChange, ...] | None:
        """Wait for the change set; None when it would change nothing. A failed one is removed."""
        name = proposal.stack
        for _ in polls():
            answer = self._described(proposal)
            if answer["Status"] == "CREATE_COMPLETE":
                return self._changes(proposal, answer)
            if answer["Status"] == "FAILED":
                self.discard(proposal)
                reason = answer.get("StatusReason", "")
                if any(text in reason for text in _NO_CHANGES):
                    return None
                raise StackFailed(f"CloudFormation refused the change: {reason}", stack=name)
        raise StackFailed("CloudFormation has not made the change set within half an hour.", stack=name)

    def _changes(
        self, proposal: Proposal, page: DescribeChangeSetOutputTypeDef
    ) -> tuple[ResourceChange, ...]:
        described = list(page["Changes"])
        while page.get("NextToken"):
            page = self._described(proposal, page["NextToken"])
            described += page["Changes"]
        return changes_of(described)

    def _described(self, proposal: Proposal, token: str = "") -> DescribeChangeSetOutputTypeDef:
        name = proposal.stack
        with translated("cloudformation:DescribeChangeSet", f"stack/{name}"), _busy(name):
            return self._client.describe_change_set(
                StackName=name,
                ChangeSetName=proposal.change_set,
                **({"NextToken": token} if token else {}),  # type: ignore[arg-type]
            )


def _tell_changed(event: ResourceEvent, changed: Container[str], on_event: OnEvent) -> None:
    """Leave out resources that an update has only looked at."""
    if event.is_stack or event.is_failure or event.logical_id in changed:
        on_event(event)


@contextmanager
def _busy(name: str) -> Iterator[None]:
    """Somebody else has begun to change the stack since it was looked at."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if _is_changed_meanwhile(error):
            raise StackBusy(
                f"Another deployment of the stack {name} has begun: {error}", stack=name
            ) from error
        raise


def _is_changed_meanwhile(error: ClientError) -> bool:
    message = error.response["Error"].get("Message", "")
    return error_code(error) in _BUSY_CODES or bool(_BUSY_SIGN.search(message))
