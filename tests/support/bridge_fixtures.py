"""Each bridge with its two ends and the power to break it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

import pytest

from livejob.aws import Keys, current_keys
from livejob.bridge.doorbell import IotDoorbell
from livejob.bridge.endpoint import IotEndpoint, find_iot_endpoint
from livejob.bridge.iot import IotTransport
from livejob.bridge.memory import MemoryHub
from livejob.bridge.transport import BridgeEvent, Doorbell, Transport
from livejob.wire.ids import SessionId
from livejob.wire.names import StageNames
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.relay import Relay, open_relay

NAMES = StageNames("shop", "dev")
HEAR_TIMEOUT_S = 10.0

E = TypeVar("E", bound=BridgeEvent)


class BridgeUnderTest(Protocol):
    """A bridge, its doorbell, and what can go wrong with it."""

    doorbell: Doorbell

    def open_transport(self, session: SessionId) -> Transport: ...

    def send(self, session: SessionId, data: bytes) -> None:
        """Publish bytes as they are."""
        ...

    def cut(self, session: SessionId) -> None:
        """End the connection; it can be made again."""
        ...

    def open_refused_transport(self, session: SessionId) -> Transport:
        """A transport whose subscription the broker does not allow."""
        ...


class MemoryBridge:
    def __init__(self) -> None:
        self.hub = MemoryHub()
        self.doorbell: Doorbell = self.hub

    def open_transport(self, session: SessionId) -> Transport:
        return self.hub.open_transport(session)

    def send(self, session: SessionId, data: bytes) -> None:
        self.hub.send(session, data)

    def cut(self, session: SessionId) -> None:
        self.hub.cut(session)
        self.hub.mend(session)

    def open_refused_transport(self, session: SessionId) -> Transport:
        self.hub.refuse(session)
        return self.hub.open_transport(session)


class IotBridge:
    """IoT in the emulator, with the developer's permissions, through a relay."""

    def __init__(self, aws: LocalAwsUnderTest, relay: Relay) -> None:
        self.aws = aws
        self.relay = relay
        self._data = aws.developer.client("iot-data", endpoint_url=aws.endpoint_url)
        self.doorbell: Doorbell = IotDoorbell(self._data, NAMES)
        iot = aws.developer.client("iot", endpoint_url=aws.endpoint_url)
        self.endpoint: IotEndpoint = replace(find_iot_endpoint(iot, aws.endpoint_url), port=relay.port)
        self.keys: Keys = current_keys(aws.developer)

    def open_transport(self, session: SessionId) -> IotTransport:
        return IotTransport(self.endpoint, lambda: self.keys, NAMES.session_topic(session), session)

    def send(self, session: SessionId, data: bytes) -> None:
        self._data.publish(topic=NAMES.session_topic(session), qos=1, payload=data)

    def cut(self, session: SessionId) -> None:
        self.relay.cut()

    def open_refused_transport(self, session: SessionId) -> IotTransport:
        return IotTransport(self.endpoint, lambda: self.keys, f"elsewhere/{session}", session)


class Listener:
    """Takes a transport's events one by one."""

    def __init__(self, transport: Transport) -> None:
        self._events = transport.events()
        self._transport = transport

    async def hear(self, kind: type[E]) -> E:
        """The next event, which is of this kind."""
        async with asyncio.timeout(HEAR_TIMEOUT_S):
            event = await anext(self._events)
        assert isinstance(event, kind), f"heard {event}"
        return event

    async def rest(self) -> list[BridgeEvent]:
        """Close the transport; what was still heard."""
        await self._transport.close()
        async with asyncio.timeout(HEAR_TIMEOUT_S):
            return [event async for event in self._events]


@asynccontextmanager
async def listening(transport: Transport) -> AsyncIterator[Listener]:
    """A listener for the length of the block; the transport is closed after it."""
    try:
        yield Listener(transport)
    finally:
        await transport.close()


@pytest.fixture
def iot_bridge(local_aws: LocalAwsUnderTest) -> Iterator[IotBridge]:
    """The IoT bridge."""
    with open_relay(local_aws.port) as relay:
        yield IotBridge(local_aws, relay)


@pytest.fixture(params=["memory", "iot"])
def bridge(request: pytest.FixtureRequest) -> BridgeUnderTest:
    """Each bridge in turn."""
    if request.param == "memory":
        return MemoryBridge()
    found: BridgeUnderTest = request.getfixturevalue("iot_bridge")
    return found
