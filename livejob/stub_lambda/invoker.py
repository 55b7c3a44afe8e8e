"""The invoker of one job: answers what callers ask, in a stage of either mode.

Everything it needs is given to it: it makes no client, reads no environment and knows no AWS, nor whether
sessions or a backend take its runs. Called by `handler` and `production`, once for each invocation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livejob.clock import Clock
from livejob.errors import Bug, LivejobError, RunNotFound
from livejob.runs.model import Run
from livejob.stub_lambda.answers import Answer, cancel_answer, run_answer, status_answer, upload_answer
from livejob.stub_lambda.cancelling import Canceller
from livejob.stub_lambda.recording import Recorder
from livejob.stub_lambda.requests import (
    CancelRequest,
    Request,
    RunRequest,
    RunUploadedRequest,
    StartRequest,
    StatusRequest,
    UploadRequest,
    read_request,
)
from livejob.stub_lambda.surroundings import Record
from livejob.wire.ids import RunId

_LOGGED = ("runId", "status", "uploadId")
"""What of an answer is logged: no link, because whoever has it may read or write."""


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


class Starting(Protocol):
    """Starts the runs of one job."""

    def start(self, request: StartRequest, caller: str, troubles: list[str]) -> Run:
        """Record a run and see that somebody has it, or may have it; `troubles` is for the log."""
        ...


class Invoker:
    """Answers requests. `log` takes one line of JSON for each."""

    def __init__(
        self,
        record: Record,
        recorder: Recorder,
        starting: Starting,
        canceller: Canceller,
        clock: Clock,
        log: Callable[[str], None],
    ) -> None:
        self._record = record
        self._recorder = recorder
        self._starting = starting
        self._canceller = canceller
        self._clock = clock
        self._log = log

    def handle(self, event: object, caller: str) -> Answer:
        """The answer to one event.

        caller: who asks, for the record.

        Raises:
            Refused: it cannot be done. A caller that does not look must not take it for success.
        """
        begun_s = self._clock.monotonic_s()
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
            line.fields |= {name: answer[name] for name in _LOGGED if name in answer}
            return answer
        finally:
            line.fields["ms"] = round((self._clock.monotonic_s() - begun_s) * 1000, 1)
            self._log(line.text())

    def _answer(self, request: Request, caller: str, line: _LogLine) -> Answer:
        match request:
            case UploadRequest(size_bytes):
                line.fields |= {"action": "upload", "sizeBytes": size_bytes}
                return upload_answer(*self._recorder.open_upload(size_bytes))
            case RunRequest() | RunUploadedRequest():
                line.fields["action"] = "run"
                return run_answer(self._starting.start(request, caller, line.troubles))
            case CancelRequest(run_id):
                line.fields |= {"action": "cancel", "runId": run_id}
                return cancel_answer(self._canceller.cancel(self._own_run(run_id), line.troubles))
            case StatusRequest(run_id):
                line.fields |= {"action": "status", "runId": run_id}
                run = self._own_run(run_id)
                return status_answer(run, self._record.documents, self._clock.now_ms())

    def _own_run(self, run_id: RunId) -> Run:
        """The run, if it is of this job: a permission for one invoker is none for another's runs."""
        run = self._record.runs.get(run_id)
        if run.job != self._recorder.job:
            raise RunNotFound(f"there is no run {run_id} of {self._recorder.job}")
        return run


def _refused(error: LivejobError) -> Refused:
    return Refused(f"{error.code}: {error.message} | hint: {error.remedy}")
