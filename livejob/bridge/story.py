"""What a daemon needs to hear of a connection that comes and goes: sans-IO.

An MQTT client reports every failed attempt. A person wants to know once that the bridge is down, whether
there is something to mend, and when it is up again. Called by `iot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from livejob.bridge.transport import Connected, Disconnected
from livejob.errors import BridgeRefused

HANDSHAKES_REFUSED_MAX = 3
"""A handshake refused so often before the first connection is no passing trouble."""


class Cause(StrEnum):
    """Why there is no connection."""

    NETWORK = "network"
    HANDSHAKE = "handshake"  # refused before MQTT began: credentials, or the clock
    POLICY = "policy"  # the credentials hold, and do not allow it


@dataclass(frozen=True, slots=True)
class Trouble:
    """One failed attempt, or the end of a connection."""

    cause: Cause
    detail: str


class ConnectionStory:
    """Takes what happens to a connection; says what is news."""

    def __init__(self) -> None:
        self._has_connected = False
        self._told: set[Cause] = set()
        self._refused_count = 0

    def up(self) -> Connected:
        """The connection stands and the subscription holds."""
        is_again = self._has_connected
        self._has_connected = True
        self._told.clear()
        self._refused_count = 0
        return Connected(is_again)

    def down(self, trouble: Trouble) -> Disconnected | None:
        """An attempt failed or the connection ended; None when that is no news.

        Raises:
            BridgeRefused: trying again would not help.
        """
        self._check_hopeless(trouble)
        # The network's reasons change with every attempt and mean one thing: wait.
        if trouble.cause in self._told or (self._told and trouble.cause is Cause.NETWORK):
            return None
        self._told.add(trouble.cause)
        return Disconnected(trouble.detail)

    def _check_hopeless(self, trouble: Trouble) -> None:
        if trouble.cause is Cause.POLICY:
            raise BridgeRefused(trouble.detail)
        if trouble.cause is Cause.HANDSHAKE:
            self._refused_count += 1
            if not self._has_connected and self._refused_count >= HANDSHAKES_REFUSED_MAX:
                raise BridgeRefused(
                    trouble.detail,
                    remedy="Check the credentials (`aws sts get-caller-identity`) and this machine's clock.",
                )
