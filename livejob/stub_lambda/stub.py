"""The invoker of one job in a development stage: answers what callers ask.

Everything it needs is given to it: it makes no client, reads no environment and knows no AWS. Called by
`handler`, once for each invocation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from livejob.bridge.transport import Doorbell
from livejob.errors import AwsError, Bug, LivejobError, RunNotFound, StateConflict
from livejob.runs.model import Change, Run
from livejob.stub_lambda.answers import Answer, cancel_answer, run_answer, status_answer
from livejob.stub_lambda.requests import CancelRequest, Request, RunRequest, StatusRequest, read_request
from livejob.stub_lambda.starting import Starter
from livejob.stub_lambda.surroundings import JobIdentity, Pace, Stores
from livejob.wire.ids import RunId, SessionId
from livejob.wire.messages import Cancel
from livejob.wire.outcome import Failure, FailureType
from livejob.wire.states import Input, State


class Refused(Exception):
    """What leaves the function when it cannot do what was asked, so that Lambda sets FunctionError.

    Its text is all that callers get: `LJ-xxx: <what happened and why> | hint: <remedy>`.
    """


@dataclass(slots=True)
class _LogLine:
    """What one invocation leaves in the log. Never a payload."""

    fields: dict[str, object] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def text(self) -> str:
        return json.dumps({**self.fields, **({"troubles": self.troubles} if self.troubles else {})})


class Stub:
    """Answers requests. `log` takes one line of JSON for each."""

    def __init__(
        self,
        identity: JobIdentity,
        stores: Stores,
        doorbell: Doorbell,
        pace: Pace,
        starter: Starter,
        log: Callable[[str], None],
    ) -> None:
        self._identity = identity
        self._stores = stores
        self._doorbell = doorbell
        self._pace = pace
        self._starter = starter
        self._log = log

    def handle(self, event: object, caller: str) -> Answer:
        """The answer to one event.

        caller: who asks, for the record.

        Raises:
            Refused: it cannot be done. A caller that does not look must not take it for success.
        """
        begun_s = self._pace.clock.monotonic_s()
        line = _LogLine({"action": None, "runId": None})
        try:
            answer = self._answer(read_request(event), caller, line)
        except LivejobError as error:
            line.fields["error"] = error.code
            raise _refused(error) from error
        except Exception as error:
            line.fields["error"] = Bug.code
            raise _refused(Bug(f"the invoker failed: {type(error).__name__}: {error}")) from error
        else:
            line.fields |= {"runId": answer["runId"], "status": answer["status"]}
            return answer
        finally:
            line.fields["ms"] = round((self._pace.clock.monotonic_s() - begun_s) * 1000, 1)
            self._log(line.text())

    def _answer(self, request: Request, caller: str, line: _LogLine) -> Answer:
        match request:
            case RunRequest():
                line.fields["action"] = "run"
                return run_answer(self._starter.start(request, caller, line.troubles))
            case CancelRequest(run_id):
                line.fields |= {"action": "cancel", "runId": run_id}
                return cancel_answer(self._cancel(self._own_run(run_id), line.troubles))
            case StatusRequest(run_id):
                line.fields |= {"action": "status", "runId": run_id}
                run = self._own_run(run_id)
                return status_answer(run, self._stores.documents, self._pace.clock.now_ms())

    def _own_run(self, run_id: RunId) -> Run:
        """The run, if it is of this job: a permission for one invoker is none for another's runs."""
        run = self._stores.runs.get(run_id)
        if run.job != self._identity.job:
            raise RunNotFound(f"there is no run {run_id} of {self._identity.job}")
        return run

    def _cancel(self, run: Run, troubles: list[str]) -> Run:
        """The run after the wish for its end is recorded; one that has ended stays as it is."""
        while run.is_open:
            try:
                run = self._stores.runs.apply(run.id, self._cancel_change(run))
            except StateConflict:
                run = self._stores.runs.get(run.id)  # it went on meanwhile
                continue
            if run.is_open:
                self._ring_cancel(run, troubles)
            return run
        return run

    def _cancel_change(self, run: Run) -> Change:
        now_ms = self._pace.clock.now_ms()
        if run.state is not State.QUEUED:
            return Change(Input.ASK_CANCEL, now_ms)
        failure = Failure(FailureType.CANCELLED, "cancelled before anybody had taken it")
        # With a claim a new attempt begins, and then it is for the owner to end it.
        return Change(Input.CANCEL, now_ms, attempt=run.attempt_number, failure=failure)

    def _ring_cancel(self, run: Run, troubles: list[str]) -> None:
        try:
            self._doorbell.ring(SessionId(str(run.owner)), Cancel(run.id))
        except AwsError as error:
            # The owner reads the wish in the record with its next heartbeat.
            troubles.append(f"{run.owner} could not be rung: {error.message}")


def _refused(error: LivejobError) -> Refused:
    return Refused(f"{error.code}: {error.message} | hint: {error.remedy}")
