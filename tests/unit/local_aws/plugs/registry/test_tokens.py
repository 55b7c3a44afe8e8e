"""ECR's authorization tokens."""

from __future__ import annotations

import base64

import pytest

from livejob.clock import SteppedClock
from livejob.local_aws.plugs.registry.ports import Caller, Scope
from livejob.local_aws.plugs.registry.tokens import Tokens

CALLER = Caller("AKIAEXAMPLE", Scope("123456789012", "us-east-1"))


def test_token_is_its_callers_for_twelve_hours() -> None:
    """The same token counts until its end and not after it."""
    clock = SteppedClock()
    tokens = Tokens(clock)
    token, expires_s = tokens.give(CALLER)

    clock.advance(12 * 3600 - 1)
    before = tokens.caller(f"Basic {token}")
    clock.advance(1)

    assert (CALLER, None) == (before, tokens.caller(f"Basic {token}"))
    assert clock.now_ms() / 1000 == expires_s


def test_later_tokens_do_not_end_earlier_ones() -> None:
    """Who asks again may go on with both."""
    tokens = Tokens(SteppedClock())
    first, _ = tokens.give(CALLER)
    second, _ = tokens.give(CALLER)

    assert first != second
    assert [CALLER, CALLER] == [tokens.caller(f"Basic {each}") for each in (first, second)]


def test_token_is_shown_as_ecr_wants_it() -> None:
    """The name is AWS, the scheme is Basic, and nothing else opens the registry."""
    tokens = Tokens(SteppedClock())
    token, _ = tokens.give(CALLER)
    name, _, password = base64.b64decode(token).decode().partition(":")
    other_name = base64.b64encode(f"root:{password}".encode()).decode()

    assert "AWS" == name
    shown = ["", "Basic", f"Bearer {token}", f"Basic {other_name}", "Basic ????", f"Basic {password}"]
    assert [None] * len(shown) == [tokens.caller(each) for each in shown]


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_scheme_may_be_written_in_any_case(scheme: str) -> None:
    """Source: RFC 9110, 11.1."""
    tokens = Tokens(SteppedClock())
    token, _ = tokens.give(CALLER)

    assert CALLER == tokens.caller(f"{scheme} {token}")
