"""A bridge within one process: the twin of `iot`, for tests (the user's and ours), with faults to order.

    hub = MemoryHub()
    transport = hub.open_transport(session)      # what a daemon takes
    hub.ring(session, Start(run_id, "Resize"))   # a hub is a Doorbell itself; any thread may ring

Like MQTT with a clean session it keeps nothing: what is rung while nobody hears is lost.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from livejob.bridge.transport import BridgeEvent, Connected, Disconnected, Garbled, Received
from livejob.errors import BridgeRefused
from livejob.wire.ids import SessionId
from livejob.wire.limits import BRIDGE_MESSAGE_BYTES
from livejob.wire.messages import Message, Unreadable, decode, encode


class MemoryHub:
    """The broker: passes messages on to the transports that are connected."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._transports: dict[SessionId, MemoryTransport] = {}
        self._refused: set[SessionId] = set()
        self._to_drop = 0
        self._to_duplicate = 0

    def open_transport(self, session: SessionId) -> MemoryTransport:
        """A transport that hears what is rung for the session."""
        transport = MemoryTransport(self, session)
        with self._mutex:
            self._transports[session] = transport
        return transport

    def ring(self, session: SessionId, message: Message) -> None:
        data = encode(message)
        if len(data) > BRIDGE_MESSAGE_BYTES:
            raise BridgeRefused(f"a message of {len(data)} bytes; at most {BRIDGE_MESSAGE_BYTES} may cross")
        self.send(session, data)

    def send(self, session: SessionId, data: bytes) -> None:
        """Pass on any bytes, also such as are no message."""
        with self._mutex:
            copies = self._copies()
            transport = self._transports.get(session)
        if transport is not None:
            for _ in range(copies):
                transport.hear(data)

    def drop_next(self, count: int = 1) -> None:
        """Lose the next messages."""
        self._to_drop += count

    def duplicate_next(self, count: int = 1) -> None:
        """Deliver the next messages twice."""
        self._to_duplicate += count

    def cut(self, session: SessionId, reason: str = "cut") -> None:
        """End the session's connection; it stays down until `mend`."""
        self._transports[session].go_down(reason)

    def mend(self, session: SessionId) -> None:
        """Let the session connect again."""
        self._transports[session].come_up()

    def refuse(self, session: SessionId) -> None:
        """Refuse the session's subscription when it is made."""
        self._refused.add(session)

    def is_refused(self, session: SessionId) -> bool:
        return session in self._refused

    def _copies(self) -> int:
        if self._to_drop:
            self._to_drop -= 1
            return 0
        if self._to_duplicate:
            self._to_duplicate -= 1
            return 2
        return 1


class MemoryTransport:
    """Hears one session; made by the hub."""

    def __init__(self, hub: MemoryHub, session: SessionId) -> None:
        self._hub = hub
        self._session = session
        self._mutex = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None  # of who listens, from `events` to `close`
        self._events: asyncio.Queue[BridgeEvent | None] = asyncio.Queue()
        self._is_up = False
        self._is_closed = False

    async def events(self) -> AsyncIterator[BridgeEvent]:
        if self._hub.is_refused(self._session):
            raise BridgeRefused(f"the broker refused the subscription of {self._session}")
        with self._mutex:
            if self._is_closed:
                return
            self._loop = asyncio.get_running_loop()
            self._is_up = True
        yield Connected(is_again=False)
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        with self._mutex:
            self._is_closed = True
            self._is_up = False
            self._loop = None
        self._events.put_nowait(None)

    def hear(self, data: bytes) -> None:
        """Bytes for this session arrive; lost while the connection is down."""
        message = decode(data)
        event = Garbled(message.reason) if isinstance(message, Unreadable) else Received(message)
        with self._mutex:
            if self._is_up and self._loop is not None:
                self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def go_down(self, reason: str) -> None:
        """The connection ends."""
        with self._mutex:
            if self._is_up and self._loop is not None:
                self._is_up = False
                self._loop.call_soon_threadsafe(self._events.put_nowait, Disconnected(reason))

    def come_up(self) -> None:
        """The connection stands again."""
        with self._mutex:
            if not self._is_up and self._loop is not None:
                self._is_up = True
                self._loop.call_soon_threadsafe(self._events.put_nowait, Connected(is_again=True))
