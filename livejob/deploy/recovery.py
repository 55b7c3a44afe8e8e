"""Makes a stack ready to be changed: follows what goes on with it, and repairs what failed earlier.

    goes on         somebody deploys, or a deployment that was interrupted: followed to its end
    never made      holds nothing: deleted, and made again
    half made       deleted if that is agreed to, and made again: it never was in use
    half changed    rolled back if that is agreed to
    half deleted    somebody wanted it gone: refused, with the command that goes on with that
    anything else   refused, with what to do

Called by `stage` and `artifacts`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from livejob.deploy.review import Repair, Review
from livejob.deploy.stack import Stacks
from livejob.deploy.stack_events import OnEvent, polls
from livejob.deploy.stack_view import Condition, StackView
from livejob.errors import StackBusy, StackFailed

BUSY_ROUNDS = 12
"""So often a deployment begins anew because another one was faster; a few seconds, following left out."""

_REPAIRS = {
    Condition.NEVER_MADE: Repair.DELETE,
    Condition.HALF_MADE: Repair.DELETE,
    Condition.HALF_CHANGED: Repair.ROLL_BACK,
}
_REMEDIES = {
    "UPDATE_FAILED": "Take the failed change back, then deploy again: `aws cloudformation rollback-stack "
    "--stack-name {name}`.",
    "DELETE_FAILED": "Mend the reason named above and go on with the removal (`livejob remove`), then deploy "
    "again.",
}
_OTHER_REMEDY = (
    "Look at it in the CloudFormation console; when it is mended, or deleted (`aws cloudformation "
    "delete-stack --stack-name {name}`), deploy again."
)

ValueT = TypeVar("ValueT")


def make_ready(stacks: Stacks, before: StackView, review: Review, on_event: OnEvent) -> StackView:
    """The stack in a condition in which it can be changed.

    Raises:
        StackFailed: it cannot be repaired from here; the reason comes first, and the remedy says how.
        StackBusy: somebody else was faster.
        And what `review` raises.
    """
    stack = followed(stacks, before, review, on_event)
    if stack.condition in (Condition.HALF_DELETED, Condition.BROKEN):
        raise failed(stacks, stack)
    repair = _REPAIRS.get(stack.condition)
    return stack if repair is None else _repaired(stacks, stack, repair, review, on_event)


def followed(stacks: Stacks, before: StackView, review: Review, on_event: OnEvent) -> StackView:
    """The stack once nobody changes it any more.

    Raises:
        StackBusy: it goes on for too long.
    """
    if before.condition is not Condition.BUSY:
        return before
    review.tell_followed(before)
    return stacks.follow(before, on_event)


def failed(stacks: Stacks, stack: StackView) -> StackFailed:
    """The error for a stack whose last operation failed: its reason first, and what to do."""
    remedy = _REMEDIES.get(stack.status, _OTHER_REMEDY).format(name=stack.name)
    return StackFailed(f"{stacks.failure(stack)}\nThe stack {stack.name} is {stack.status}.", remedy=remedy)


def until_free(step: Callable[[], ValueT]) -> ValueT:
    """Do `step`, and again when another deployment got in between.

    Raises:
        StackBusy: it always did.
    """
    busy = None
    for _ in islice(polls(), BUSY_ROUNDS):
        try:
            return step()
        except StackBusy as error:
            busy = error
    assert busy is not None
    raise busy


def _repaired(
    stacks: Stacks, stack: StackView, repair: Repair, review: Review, on_event: OnEvent
) -> StackView:
    if stack.condition is not Condition.NEVER_MADE:
        review.check_repair(stack, stacks.failure(stack), repair)
    if repair is Repair.ROLL_BACK:
        return stacks.roll_back(stack, on_event)
    stacks.delete(stack, on_event)
    return StackView(stack.name)
