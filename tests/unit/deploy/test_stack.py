"""What can be done with a stack, by its status."""

from __future__ import annotations

import pytest

from livejob.deploy.stack_view import Condition, StackView


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        ("", Condition.ABSENT),
        ("DELETE_COMPLETE", Condition.ABSENT),
        ("REVIEW_IN_PROGRESS", Condition.EMPTY),
        ("CREATE_COMPLETE", Condition.USABLE),
        ("UPDATE_ROLLBACK_COMPLETE", Condition.USABLE),
        ("ROLLBACK_COMPLETE", Condition.NEVER_MADE),
        ("CREATE_IN_PROGRESS", Condition.BUSY),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Condition.BUSY),
        ("DELETE_IN_PROGRESS", Condition.BUSY),
        ("ROLLBACK_FAILED", Condition.HALF_MADE),
        ("CREATE_FAILED", Condition.HALF_MADE),
        ("DELETE_FAILED", Condition.HALF_DELETED),
        ("UPDATE_ROLLBACK_FAILED", Condition.HALF_CHANGED),
        ("UPDATE_FAILED", Condition.BROKEN),
        ("A_STATUS_OF_THE_FUTURE", Condition.BROKEN),
    ],
)
def test_status_tells_what_can_be_done(status: str, condition: Condition) -> None:
    """Every status of CloudFormation leads to one of nine ways to go on."""
    assert condition is StackView("livejob-shop-dev", status=status).condition
