"""Port of the bridge's receiving side, held by a daemon; and of its sending side, held by a stub.

The bridge is a doorbell: messages may be lost or come twice, and nothing is lost or doubled by that,
because the run record is the truth. Implementations: `iot` (MQTT 5 over WSS) and `memory` (a shipped
twin). Both pass tests/contract/test_bridge.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from livejob.wire.ids import SessionId
from livejob.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Connected:
    """The bridge is up. After the first time: what was missed meanwhile must be swept."""

    is_again: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The bridge is down and the transport is trying again by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    message: Message


@dataclass(frozen=True, slots=True)
class Garbled:
    """Something arrived that is no message; said once, not fatal."""

    reason: str


BridgeEvent = Connected | Disconnected | Received | Garbled


class Transport(Protocol):
    """Hears what is sent to one session. One consumer; `events` may be called once."""

    def events(self) -> AsyncIterator[BridgeEvent]:
        """Connect, then yield what happens until `close`. Reconnects with backoff and jitter.

        An outage is told once, before the first connection too; once more if it turns out to be the
        credentials, which a person has to mend.

        Raises:
            BridgeRefused: the broker refused the connection or the subscription; trying again would not
                help. Credentials that go bad after the first connection do not count: they are mended
                while the transport tries on.
        """
        ...

    async def close(self) -> None:
        """Disconnect and end `events`. Safe to call twice."""
        ...


class Doorbell(Protocol):
    """Sends to sessions. Blocks; used by the stub and by a session that takes over."""

    def ring(self, session: SessionId, message: Message) -> None:
        """Send once, without waiting for anybody to hear it.

        Raises:
            BridgeRefused: the message is too large for the bridge.
            AwsError: the broker did not take it, e.g. AccessRefused, which names the topic.
        """
        ...
