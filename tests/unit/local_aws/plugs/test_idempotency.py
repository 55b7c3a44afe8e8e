"""How long an idempotency token counts."""

from __future__ import annotations

from livejob.clock import SteppedClock
from livejob.local_aws.plugs.codebuild.idempotency import IdempotencyTokens


def test_token_counts_for_five_minutes() -> None:
    """After that the same token may start another build."""
    clock = SteppedClock()
    tokens = IdempotencyTokens(clock)
    call = {"projectName": "p", "idempotencyToken": "t"}
    tokens.remember(call, "p:1")

    clock.advance(300)
    within = tokens.earlier(call)
    clock.advance(1)

    assert ("p:1", None) == (within, tokens.earlier(call))


def test_call_without_a_token_is_always_new() -> None:
    """Two calls that are the same and have no token are two builds."""
    tokens = IdempotencyTokens(SteppedClock())
    tokens.remember({"projectName": "p"}, "p:1")

    assert tokens.earlier({"projectName": "p"}) is None
