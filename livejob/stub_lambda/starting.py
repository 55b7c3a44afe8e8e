"""Starts a run in a development stage.

    record it as QUEUED
    offer it to live sessions until the record says that one has it
    nobody took it -> what the job's policy says

The record is the truth throughout: the caller hears what is recorded, never more. Called by `invoker`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livejob.clock import Clock
from livejob.errors import NoSession
from livejob.runs.model import Run
from livejob.runs.store import RunStore
from livejob.stub_lambda.handover import Handover, fail_queued
from livejob.stub_lambda.offer import Offer
from livejob.stub_lambda.recording import Recorder, check_own
from livejob.stub_lambda.requests import StartRequest
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import State

if TYPE_CHECKING:
    from livejob.project.specs import WhenDisconnected


class UnattendedRuns:
    """What becomes of the runs that no session takes.

    handover: asked when the policy is to run them all the same.
    """

    def __init__(
        self, stage: str, policy: WhenDisconnected, runs: RunStore, handover: Handover, clock: Clock
    ) -> None:
        self._stage = stage
        self._runs = runs
        self._clock = clock
        self._policy = policy
        self._handover = handover

    def leave(self, run: Run, troubles: list[str]) -> Run:
        """The run as it is recorded then; raises as `Starter.start` does."""
        match self._policy:
            case "queue":
                return run
            case "run":
                return self._handover.hand_over(run, troubles)
            case _:
                error = NoSession(f"{run.id} was not started: {'; '.join(troubles)}", stage=self._stage)
                failure = Failure(FailureType.NO_SESSION, error.message, remedy=error.remedy)
                return fail_queued(self._runs, run, failure, self._clock, error)


class Starter:
    """Starts the runs of one job. `open_offer` makes an offer of a recorded run to the sessions."""

    def __init__(
        self,
        recorder: Recorder,
        runs: RunStore,
        open_offer: Callable[[Run], Offer],
        unattended: UnattendedRuns,
    ) -> None:
        self._recorder = recorder
        self._runs = runs
        self._open_offer = open_offer
        self._unattended = unattended

    def start(self, request: StartRequest, caller: str, troubles: list[str]) -> Run:
        """The run as it is recorded once somebody has it, or once it is left to wait.

        With an idempotency key that is in use, it is the run that holds the key, as it stands; it is
        offered again if nobody has it, and whoever asked first deals with it if nobody takes it.

        troubles: gets what went wrong and was got over, for the log.

        Raises:
            NoSession, BuildNotStarted: nobody took it and the policy is not to wait; it is
                recorded as FAILED.
            AwsError: it could not be recorded.
        """
        run = self._recorder.new_run(request, caller)
        recorded = check_own(self._runs.create(run), run.job)
        if recorded.state is not State.QUEUED:
            return recorded
        offer = self._open_offer(recorded)
        offered = offer.make()
        troubles += offer.troubles
        if offered.state is not State.QUEUED or recorded.id != run.id:
            return offered
        return self._unattended.leave(offered, troubles)
