"""Offers one recorded run to the sessions that are attached, until one takes it.

The doorbell may fail and a session may be gone: each trouble is kept in words, and the next session is
tried. What becomes of a run that nobody takes is `starting`'s affair.
"""

from __future__ import annotations

from collections.abc import Sequence

from livejob.bridge.transport import Doorbell
from livejob.errors import AwsError, BridgeRefused
from livejob.runs.model import Run, Session
from livejob.runs.store import RunStore, SessionStore
from livejob.stub_lambda.surroundings import Pace
from livejob.wire.limits import ACCEPT_TIMEOUT_S, SESSIONS_TRIED_MAX
from livejob.wire.messages import Start
from livejob.wire.states import State

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1
PAUSE_GROWTH = 1.5


class Offer:
    """One run on its way to somebody who takes it. `troubles` says why nobody has so far."""

    def __init__(
        self, run: Run, runs: RunStore, sessions: SessionStore, doorbell: Doorbell, pace: Pace
    ) -> None:
        self._run = run
        self._runs = runs
        self._sessions = sessions
        self._doorbell = doorbell
        self._pace = pace
        self.troubles: list[str] = []

    def make(self) -> Run:
        """Ring one session after the other; the run once one has it, else as it waits.

        We look for sessions after the run is recorded. Whoever attaches after that look finds the run in
        the record.
        """
        run = self._run
        for session in self._candidates():
            if self._is_rung(session):
                run = self._wait_taken(session)
                if run.state is not State.QUEUED:
                    break
        return run

    def _candidates(self) -> Sequence[Session]:
        """The sessions to ring, newest first."""
        try:
            live = self._sessions.live(self._pace.clock.now_ms())
        except AwsError as error:
            self.troubles.append(f"the sessions could not be read: {error.message}")
            return ()
        candidates = [session for session in live if session.takes(self._run.job)]
        if not candidates:
            self.troubles.append(f"no session that takes {self._run.job} is attached")
        return candidates[:SESSIONS_TRIED_MAX]

    def _is_rung(self, session: Session) -> bool:
        try:
            self._doorbell.ring(session.id, Start(self._run.id, self._run.job))
        except (AwsError, BridgeRefused) as error:
            self.troubles.append(f"{_named(session)} could not be rung: {error.message}")
            return False
        return True

    def _wait_taken(self, session: Session) -> Run:
        """The run as soon as it is no longer QUEUED, or as it is after ACCEPT_TIMEOUT_S."""
        deadline_s = self._pace.clock.monotonic_s() + ACCEPT_TIMEOUT_S
        pause_s = FIRST_PAUSE_S
        while self._pace.clock.monotonic_s() < deadline_s:
            self._pace.sleep(pause_s)
            pause_s = min(pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)
            run = self._read()
            if run.state is not State.QUEUED:
                return run
        self.troubles.append(f"{_named(session)} did not take it within {ACCEPT_TIMEOUT_S:g} s")
        return self._run

    def _read(self) -> Run:
        try:
            return self._runs.get(self._run.id)
        except AwsError as error:
            # The run is recorded: an error here would be taken for a run that was not started.
            self.troubles.append(f"the run could not be read: {error.message}")
            return self._run


def _named(session: Session) -> str:
    return f"the session of {session.owner} on {session.host}"
