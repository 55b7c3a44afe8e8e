"""What is news about a connection, and what is hopeless."""

from __future__ import annotations

import pytest

from livejob.bridge.story import HANDSHAKES_REFUSED_MAX, Cause, ConnectionStory, Trouble
from livejob.bridge.transport import Connected, Disconnected
from livejob.errors import BridgeRefused

SOCKET_CLOSED = Trouble(Cause.NETWORK, "socket is closed")
NO_ROUTE = Trouble(Cause.NETWORK, "no route to host")
REFUSED = Trouble(Cause.HANDSHAKE, "the handshake was refused")
NOT_ALLOWED = Trouble(Cause.POLICY, "not authorized")


def test_the_first_connection_is_not_again():
    """The first connection is the first, every later one is again."""
    story = ConnectionStory()

    assert Connected(is_again=False) == story.up()
    assert Connected(is_again=True) == story.up()


def test_an_outage_is_told_once():
    """The first failure of an outage is news, the next ones are not, whatever their reasons."""
    story = ConnectionStory()
    story.up()

    assert Disconnected("socket is closed") == story.down(SOCKET_CLOSED)
    assert story.down(NO_ROUTE) is None
    assert story.down(SOCKET_CLOSED) is None


def test_the_next_outage_is_told_again():
    """After a connection the next failure is news."""
    story = ConnectionStory()
    story.down(SOCKET_CLOSED)
    story.up()

    assert Disconnected("no route to host") == story.down(NO_ROUTE)


def test_credentials_are_told_in_an_outage_that_was_told():
    """That the credentials are refused is news of its own, once: a person has to mend it."""
    story = ConnectionStory()
    story.up()

    told = [story.down(trouble) for trouble in (SOCKET_CLOSED, REFUSED, REFUSED, SOCKET_CLOSED)]

    assert [Disconnected("socket is closed"), Disconnected("the handshake was refused"), None, None] == told


def test_credentials_that_never_worked_are_hopeless():
    """A handshake refused again and again before the first connection ends it."""
    story = ConnectionStory()
    for _ in range(HANDSHAKES_REFUSED_MAX - 1):
        story.down(REFUSED)

    with pytest.raises(BridgeRefused, match="handshake was refused"):
        story.down(REFUSED)


def test_credentials_that_worked_once_may_work_again():
    """After a connection a refused handshake is waited out, however often it comes."""
    story = ConnectionStory()
    story.up()

    for _ in range(10 * HANDSHAKES_REFUSED_MAX):
        story.down(REFUSED)

    assert Connected(is_again=True) == story.up()


@pytest.mark.parametrize("has_connected", [False, True])
def test_a_policy_is_hopeless(has_connected: bool):
    """What a policy does not allow is not tried again."""
    story = ConnectionStory()
    if has_connected:
        story.up()

    with pytest.raises(BridgeRefused, match="not authorized"):
        story.down(NOT_ALLOWED)
