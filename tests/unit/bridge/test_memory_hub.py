"""The faults that can be ordered from the bridge in memory."""

from __future__ import annotations

from livejob.bridge.memory import MemoryHub
from livejob.bridge.transport import Connected, Disconnected, Received
from livejob.wire.messages import Ping
from tests.support.bridge_fixtures import listening
from tests.support.runs import a_session_id


async def test_dropped_messages_are_lost():
    """As many messages as ordered are lost, then they arrive again."""
    hub, session = MemoryHub(), a_session_id()
    async with listening(hub.open_transport(session)) as listener:
        await listener.hear(Connected)
        hub.drop_next(2)
        for nonce in "abc":
            hub.ring(session, Ping(nonce))

        assert Received(Ping("c")) == await listener.hear(Received)


async def test_duplicated_messages_come_twice():
    """As many messages as ordered come twice, then once each again."""
    hub, session = MemoryHub(), a_session_id()
    async with listening(hub.open_transport(session)) as listener:
        await listener.hear(Connected)
        hub.duplicate_next()
        hub.ring(session, Ping("a"))
        hub.ring(session, Ping("b"))

        assert [Ping("a"), Ping("a"), Ping("b")] == [
            (await listener.hear(Received)).message for _ in range(3)
        ]


async def test_messages_in_an_outage_are_lost():
    """What is rung while the connection is down is not heard after it."""
    hub, session = MemoryHub(), a_session_id()
    async with listening(hub.open_transport(session)) as listener:
        await listener.hear(Connected)
        hub.cut(session, "the router restarts")
        hub.ring(session, Ping("lost"))
        hub.mend(session)
        hub.ring(session, Ping("heard"))

        assert Disconnected("the router restarts") == await listener.hear(Disconnected)
        assert Connected(is_again=True) == await listener.hear(Connected)
        assert Received(Ping("heard")) == await listener.hear(Received)
