"""This session's place in the stage: who else is there, whose place it may take, and keeping it.

One developer holds a stage with one session. Sessions of different developers share a stage; each run
goes to one of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from livejob.bridge.transport import Doorbell
from livejob.clock import Clock, EpochMs
from livejob.errors import BridgeRefused, SessionHeld
from livejob.local_runner.threads import ThreadGateway
from livejob.runs.model import Session
from livejob.runs.store import SessionStore
from livejob.wire.ids import SessionId
from livejob.wire.limits import LEASE_S
from livejob.wire.messages import Takeover


@dataclass(frozen=True, slots=True)
class Attached:
    """What was found on attaching.

    others: live sessions of other developers. live: ids of all sessions that live, this one included.
    """

    others: Sequence[Session]
    live: frozenset[SessionId]


class Attachment:
    """Attaches, renews and detaches one session."""

    def __init__(
        self, me: Session, sessions: SessionStore, doorbell: Doorbell, gateway: ThreadGateway, clock: Clock
    ) -> None:
        self.me = me
        self._sessions = sessions
        self._doorbell = doorbell
        self._gateway = gateway
        self._clock = clock

    async def attach(self, is_takeover: bool) -> Attached:
        """Record this session.

        Raises:
            SessionHeld: another session of the same developer is live, and this is no takeover.
        """
        now_ms = self._clock.now_ms()
        live = await self._gateway.call(self._sessions.live, now_ms)
        mine = [each for each in live if each.owner == self.me.owner]
        dead = [each for each in mine if self._has_died(each)]
        held = [each for each in mine if each not in dead]
        if held and not is_takeover:
            raise self._held_by(held[0], now_ms)
        # One write puts this session in the place of the newest: at no moment is nobody attached.
        newest = mine[0].id if mine else None
        await self._gateway.call(self._sessions.attach, self.me, newest)
        for old in mine[1:]:
            await self._gateway.call(self._sessions.detach, old.id)
        for old in held:
            await self._tell(old)
        return Attached(
            others=[each for each in live if each.owner != self.me.owner],
            live=frozenset(each.id for each in live if each not in dead) | {self.me.id},
        )

    async def renew(self) -> bool:
        """Prolong the lease; False when somebody took over."""
        until_ms = EpochMs(self._clock.now_ms() + round(LEASE_S * 1000))
        return await self._gateway.call(self._sessions.renew, self.me.id, until_ms)

    async def detach(self) -> None:
        """Leave the stage: no run is routed here from now on."""
        await self._gateway.call(self._sessions.detach, self.me.id)

    def _has_died(self, session: Session) -> bool:
        """It ran on this machine and its process is gone: kill -9, a crash, a reboot."""
        if session.host != self.me.host or session.pid == self.me.pid:
            return session.host == self.me.host
        try:
            os.kill(session.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _held_by(self, session: Session, now_ms: int) -> SessionHeld:
        minutes = (now_ms - session.started_ms) // 60_000
        since = f"{minutes} min" if minutes else "less than a minute"
        return SessionHeld(
            f"{session.owner} is attached to this stage already: {session.host}, "
            f"process {session.pid}, for {since}",
            session=session,
        )

    async def _tell(self, old: Session) -> None:
        try:
            await self._gateway.call(self._doorbell.ring, old.id, Takeover(self.me.id, self.me.host))
        except BridgeRefused:
            # It finds its lease gone at its next heartbeat; the message only makes that quicker.
            return
