"""A stub among the stores in memory, with sessions that do what a test says when they are rung."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from livejob.clock import SteppedClock
from livejob.errors import LivejobError
from livejob.project.specs import WhenDisconnected
from livejob.runs.memory import MemoryDocuments, MemoryRunStore, MemorySessionStore
from livejob.runs.model import Run, Session
from livejob.stub_lambda.backend_memory import MemoryBackend
from livejob.stub_lambda.cancelling import Canceller, NotifiedBackend, NotifiedSession
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.invoker import Invoker
from livejob.stub_lambda.offer import Offer
from livejob.stub_lambda.recording import Recorder
from livejob.stub_lambda.starting import Starter, UnattendedRuns
from livejob.stub_lambda.surroundings import JobIdentity, Pace, Record, RunPolicy
from livejob.wire.ids import RunId, SessionId
from livejob.wire.messages import Message, Start
from livejob.wire.names import StageNames
from livejob.wire.states import Input
from tests.support.runs import a_change, a_session

Reaction = Callable[[Message], None]


class StubWorld:
    """A stage, as the invoker of the job `Resize` sees it. Time passes only while the stub sleeps.

    rung: who was rung, and with what.
    log:  the lines of the invoker's log.
    """

    def __init__(self, when_disconnected: WhenDisconnected = "queue") -> None:
        self.clock = SteppedClock()
        self.runs = MemoryRunStore()
        self.sessions = MemorySessionStore()
        self.documents = MemoryDocuments()
        self.rung: list[tuple[SessionId, Message]] = []
        self.log: list[dict[str, Any]] = []
        self.slept_s = 0.0
        self.backend = MemoryBackend()
        self._when_disconnected = when_disconnected
        self._reactions: dict[SessionId, Reaction] = {}

    def ask(self, event: object, job: str = "Resize") -> dict[str, Any]:
        """What the invoker of the job answers."""
        return dict(self._stub(job).handle(event, "request-1"))

    def run(self, payload: object = None, **fields: object) -> dict[str, Any]:
        return self.ask({"action": "run", "payload": payload, **fields})

    def attach(self, reaction: Reaction | None = None, **fields: Any) -> Session:
        """A session that reacts to being rung; without a reaction it stays silent."""
        fields = {"lease_until_ms": self.clock.now_ms() + 3_600_000} | fields
        session = a_session(self.clock.now_ms(), **fields)
        self.sessions.attach(session)
        if reaction is not None:
            self._reactions[session.id] = reaction
        self.clock.advance(1)  # the next one is newer
        return session

    def attach_daemon(self, **fields: Any) -> Session:
        """A session that claims what it is rung for."""
        session: Session = self.attach(lambda message: self.claim(message, session), **fields)
        return session

    def claim(self, message: Message, session: Session) -> None:
        assert isinstance(message, Start)
        self.runs.apply(message.run_id, a_change(Input.CLAIM, self.clock.now_ms(), owner=session.id))

    def recorded(self, answer: dict[str, Any]) -> Run:
        """The run of an answer, as it is recorded."""
        return self.runs.get(RunId(answer["runId"]))

    def the_run(self) -> Run:
        """The only run of the job."""
        [run] = self.runs.recent_runs("Resize", 10)
        return run

    def ring(self, session: SessionId, message: Message) -> None:
        """The doorbell."""
        self.rung.append((session, message))
        if session in self._reactions:
            self._reactions[session](message)

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.clock.advance(seconds)

    def _stub(self, job: str) -> Invoker:
        identity = JobIdentity(StageNames("shop", "dev"), job, RunPolicy())
        pace = Pace(self.clock, self.sleep)
        handover = Handover(self.runs, self.backend, self.clock)
        unattended = UnattendedRuns("dev", self._when_disconnected, self.runs, handover, self.clock)
        recorder = Recorder(identity, self.documents, self.clock)
        starter = Starter(
            recorder,
            self.runs,
            lambda run: Offer(run, self.runs, self.sessions, self, pace),
            unattended,
        )
        notified = (NotifiedSession(self), NotifiedBackend(self.backend))
        return Invoker(
            Record(self.runs, self.documents),
            recorder,
            starter,
            Canceller(self.runs, notified, self.clock),
            self.clock,
            lambda line: self.log.append(json.loads(line)),
        )


def failing_with(error: LivejobError) -> Reaction:
    """A session that cannot be rung."""

    def react(_: Message) -> None:
        raise error

    return react
