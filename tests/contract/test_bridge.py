"""What every bridge does: memory, and IoT MQTT in the emulator with authorization on."""

from __future__ import annotations

import asyncio

import pytest

from livejob.bridge.transport import Connected, Disconnected, Garbled, Received
from livejob.errors import BridgeRefused
from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import BRIDGE_MESSAGE_BYTES
from livejob.wire.messages import Cancel, Ping, Start, Takeover
from tests.support.bridge_fixtures import BridgeUnderTest, listening
from tests.support.runs import a_session_id

RUN = RunId("run_018bcfe568007cc398c4dc0c0c07398f")


async def ring(bridge: BridgeUnderTest, session: SessionId, message) -> None:
    """Ring from a thread, as the stub does from its Lambda."""
    await asyncio.to_thread(bridge.doorbell.ring, session, message)


@pytest.mark.parametrize(
    "message", [Start(RUN, "Resize"), Cancel(RUN), Ping("3f9a"), Takeover(a_session_id(), "mias büro")]
)
async def test_what_is_rung_is_heard(bridge: BridgeUnderTest, message):
    """A connected session hears each kind of message as it was sent."""
    session = a_session_id()
    async with listening(bridge.open_transport(session)) as listener:
        connected = await listener.hear(Connected)
        await ring(bridge, session, message)

        assert Connected(is_again=False) == connected
        assert Received(message) == await listener.hear(Received)


async def test_many_messages_arrive_in_order(bridge: BridgeUnderTest):
    """What is rung by one sender on a good connection arrives complete and in order."""
    session = a_session_id()
    messages = [Ping(str(number)) for number in range(30)]
    async with listening(bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        for message in messages:
            await ring(bridge, session, message)

        assert messages == [(await listener.hear(Received)).message for _ in messages]


async def test_a_session_hears_only_what_is_meant_for_it(bridge: BridgeUnderTest):
    """What is rung for one session does not reach another."""
    mias, toms = a_session_id(), a_session_id()
    async with (
        listening(bridge.open_transport(mias)) as mia,
        listening(bridge.open_transport(toms)) as tom,
    ):
        await mia.hear(Connected)
        await tom.hear(Connected)
        await ring(bridge, mias, Ping("for mia"))
        await ring(bridge, toms, Ping("for tom"))

        assert Received(Ping("for mia")) == await mia.hear(Received)
        assert Received(Ping("for tom")) == await tom.hear(Received)


async def test_ringing_where_nobody_hears(bridge: BridgeUnderTest):
    """Ringing is no error when nobody is connected, and is not kept for who connects later."""
    session = a_session_id()
    await ring(bridge, session, Ping("lost"))

    async with listening(bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        await ring(bridge, session, Ping("heard"))

        assert Received(Ping("heard")) == await listener.hear(Received)


async def test_what_is_no_message_is_told(bridge: BridgeUnderTest):
    """Bytes that are no message are told as such, and the next message is heard."""
    session = a_session_id()
    async with listening(bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        await asyncio.to_thread(bridge.send, session, b"\xff\x00 noise")
        await ring(bridge, session, Ping("3f9a"))

        assert "not JSON" in (await listener.hear(Garbled)).reason
        assert Received(Ping("3f9a")) == await listener.hear(Received)


async def test_a_connection_that_is_cut_is_made_again(bridge: BridgeUnderTest):
    """The end of the connection is told once, then that it stands again, and messages are heard."""
    session = a_session_id()
    async with listening(bridge.open_transport(session)) as listener:
        await listener.hear(Connected)
        bridge.cut(session)
        disconnected = await listener.hear(Disconnected)
        connected = await listener.hear(Connected)
        await ring(bridge, session, Start(RUN, "Resize"))

        assert "" != disconnected.reason
        assert Connected(is_again=True) == connected
        assert Received(Start(RUN, "Resize")) == await listener.hear(Received)


async def test_a_refused_subscription_ends_it(bridge: BridgeUnderTest):
    """When the broker does not allow the topic, that is an error, and not tried for ever."""
    async with listening(bridge.open_refused_transport(a_session_id())) as listener:
        with pytest.raises(BridgeRefused, match="refused the subscription"):
            await listener.hear(Connected)


async def test_a_message_too_large_is_refused(bridge: BridgeUnderTest):
    """A message is measured in bytes before it is sent."""
    host = "ü" * (BRIDGE_MESSAGE_BYTES // 2)

    with pytest.raises(BridgeRefused, match=f"at most {BRIDGE_MESSAGE_BYTES}"):
        await ring(bridge, a_session_id(), Takeover(a_session_id(), host))


async def test_close_ends_the_events(bridge: BridgeUnderTest):
    """Closing ends the events, without telling of an outage, and can be done twice."""
    transport = bridge.open_transport(a_session_id())
    async with listening(transport) as listener:
        await listener.hear(Connected)

        assert [] == await listener.rest()
        await transport.close()


async def test_close_before_the_first_event(bridge: BridgeUnderTest):
    """A transport that was closed before anybody listened yields nothing."""
    transport = bridge.open_transport(a_session_id())
    await transport.close()

    async with asyncio.timeout(10):
        assert [] == [event async for event in transport.events()]
