"""One run in one build, from its claim to its recorded end.

    record --claim, payload--> runner --order--> child
    heartbeat, signals, clock --why it has to end--> runner --SIGTERM, SIGKILL--> child
    child --report--> runner --outcome--> record

Knows nothing of CodeBuild but that a build may be told to stop.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from livejob.build_runner.attempt import AttemptOrder, AttemptProcess
from livejob.build_runner.build import Build, handler_environment
from livejob.build_runner.heartbeat import Heartbeat
from livejob.build_runner.record import BuildRecord
from livejob.clock import Clock
from livejob.errors import AwsError, StateConflict
from livejob.runner.stop import StopReason
from livejob.runs.model import Run
from livejob.wire.limits import CANCEL_GRACE_S
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input, State

EXIT_SUCCEEDED = 0
EXIT_FAILED = 1


@dataclass(frozen=True, slots=True)
class _Ended:
    """The child's process has ended."""


class BuildRunner:
    """Owns the run of one build."""

    def __init__(
        self,
        build: Build,
        record: BuildRecord,
        heartbeat: Heartbeat,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._build = build
        self._record = record
        self._heartbeat = heartbeat
        self._clock = clock
        self._say = say
        self._inbox: queue.SimpleQueue[StopReason | _Ended] = queue.SimpleQueue()

    def on_stop_signal(self) -> None:
        """The build is told to stop: by a cancel that the record knows of, or by somebody in CodeBuild."""
        self._heartbeat.look(StopReason.SHUTDOWN)

    def run(self, environment: Mapping[str, str]) -> int:
        """Execute the run; the exit code of the build.

        Raises:
            RunNotFound, AwsError: it could not be claimed.
        """
        try:
            run = self._record.claim()
        except StateConflict as error:
            # Two builds for one attempt, or a cancel while this one waited for its machine.
            self._say(f"nothing to do: {error.message}")
            return EXIT_SUCCEEDED
        self._say(f"{run.job} {run.id} attempt {run.attempt_number}")
        with self._heartbeat.beating(self._inbox.put):
            outcome = self._outcome(run, environment)
        if self._heartbeat.is_disowned:
            self._say("the run is no longer this build's: what it did is not recorded")
            return EXIT_FAILED
        return self._close(run, outcome)

    def _outcome(self, run: Run, environment: Mapping[str, str]) -> Outcome:
        try:
            payload = self._record.payload(run)
        except AwsError as error:
            failure = Failure(
                FailureType.WORKER_FAILED,
                f"its payload cannot be read: {error.message}",
                remedy=error.remedy,
            )
            return Outcome(Input.FAIL, failure=failure)
        attempt = AttemptProcess(handler_environment(environment))
        deadline_s = self._clock.monotonic_s() + self._build.timeout_s
        try:
            attempt.start(self._order(payload))
        except OSError as error:
            failure = Failure(FailureType.WORKER_FAILED, f"its process could not be started: {error}")
            return Outcome(Input.FAIL, failure=failure)
        # The record follows while the handler already starts.
        self._note_running()
        reason = self._until_ended(attempt, deadline_s)
        return _told(attempt.finish(), reason, self._build)

    def _order(self, payload: bytes) -> AttemptOrder:
        build = self._build
        return AttemptOrder(
            run_id=build.run_id,
            attempt=build.attempt,
            app=build.app,
            stage=build.stage,
            job=build.job,
            handler=build.handler,
            root=build.root,
            deadline_ms=self._clock.now_ms() + build.timeout_s * 1000,
            payload=payload,
        )

    def _note_running(self) -> None:
        try:
            self._record.running()
        except AwsError as error:
            # The lease still holds, and the end is written with more patience.
            self._say(f"its start is not recorded: {error.message}")

    def _until_ended(self, attempt: AttemptProcess, deadline_s: float) -> StopReason | None:
        """Wait for its end, and see to it; why it was stopped, if it was."""
        waiting = threading.Thread(target=self._await_end, args=(attempt,), name="waiter", daemon=True)
        waiting.start()
        reason: StopReason | None = None
        kill_at_s: float | None = None
        while True:
            until_s = deadline_s if kill_at_s is None else kill_at_s
            word = self._next_word(until_s)
            if isinstance(word, _Ended):
                return reason
            if reason is None:
                reason = word or StopReason.TIMEOUT
                attempt.ask_to_stop(reason)
                kill_at_s = self._clock.monotonic_s() + CANCEL_GRACE_S
            elif word is None:
                attempt.kill()
                kill_at_s = self._clock.monotonic_s() + CANCEL_GRACE_S

    def _await_end(self, attempt: AttemptProcess) -> None:
        attempt.wait()
        self._inbox.put(_Ended())

    def _next_word(self, until_s: float) -> StopReason | _Ended | None:
        """What is heard until then; None when that is nothing."""
        try:
            return self._inbox.get(timeout=max(0.0, until_s - self._clock.monotonic_s()))
        except queue.Empty:
            return None

    def _close(self, run: Run, outcome: Outcome) -> int:
        after = self._record.finish(run, outcome)
        if after is None:
            self._say("the run is no longer this build's: what it did is not recorded")
            return EXIT_FAILED
        if after.state is State.SUCCEEDED:
            self._say(f"{run.id} SUCCEEDED")
            return EXIT_SUCCEEDED
        failure = outcome.failure
        why = f": {failure.type}: {failure.message}" if failure else ""
        again = ", to be tried again" if after.state is State.QUEUED else ""
        self._say(f"{run.id} {outcome.input}{again}{why}")
        return EXIT_FAILED


def _told(outcome: Outcome, reason: StopReason | None, build: Build) -> Outcome:
    """The outcome in the words of a build."""
    failure = outcome.failure
    if failure is None:
        return outcome
    match reason, failure.type:
        case StopReason.TIMEOUT, FailureType.TIMED_OUT:
            told = replace(
                failure,
                message=f"it ran longer than its timeout of {build.timeout_s} s",
                remedy=f"Raise timeout= of the job {build.job}, or make its runs smaller.",
            )
        case StopReason.SHUTDOWN, FailureType.SESSION_STOPPED:
            told = replace(
                failure,
                type=FailureType.BUILD_STOPPED,
                message="its build was stopped, and not by livejob",
                remedy=f"`livejob rerun {build.run_id}` runs it again.",
            )
        case _:
            return outcome
    return replace(outcome, failure=told)
