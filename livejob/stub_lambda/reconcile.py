"""The entry of a stage's reconciler: EventBridge calls it with each end of a build, and of a container job's
with each start.

Imported by the Lambda runtime and by nothing else. The environment is the function's own, as deployed:
LIVEJOB_APP, LIVEJOB_STAGE, LIVEJOB_TABLE, LIVEJOB_BUCKET. It is called asynchronously: what it raises makes
Lambda call it again, which does no harm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from livejob.runs.model import Run
from livejob.stub_lambda.codebuild import end_of_event, start_of_event
from livejob.stub_lambda.container_runs import ContainerRuns
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.reconciler import Reconciler
from livejob.stub_lambda.wiring import LambdaContext, log_line, open_backend, open_record, system_pace

PHASE_CHANGE = "CodeBuild Build Phase Change"


def open_reconciler(environment: Mapping[str, str]) -> tuple[Reconciler, ContainerRuns]:
    """What keeps the record of the stage that the environment names, with AWS's services behind it."""
    session = boto3.Session()
    runs, backend = open_record(session, environment).runs, open_backend(session, environment)
    pace = system_pace()
    return (
        Reconciler(runs, backend, Handover(runs, backend, pace.clock), pace),
        ContainerRuns(runs, backend, pace.clock),
    )


_RECONCILER, _CONTAINERS = open_reconciler(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Take one "CodeBuild Build State Change" or "CodeBuild Build Phase Change"."""
    if event["detail-type"] == PHASE_CHANGE:
        _take_start(event["detail"])
    else:
        _take_end(event["detail"])


def _take_start(detail: Mapping[str, Any]) -> None:
    start, variables = start_of_event(detail)
    troubles: list[str] = []
    run = _CONTAINERS.begin(start, variables, troubles)
    _log({"build": start.id, "began": True}, run, troubles)


def _take_end(detail: Mapping[str, Any]) -> None:
    found = end_of_event(detail)
    if found is None:
        return
    end, variables = found
    troubles: list[str] = []
    run = _RECONCILER.take(end, variables, troubles)
    _log({"build": end.id, "ended": end.status}, run, troubles)


def _log(what: Mapping[str, object], run: Run | None, troubles: list[str]) -> None:
    line = {**what, "runId": run and run.id, "status": run and run.state}
    log_line(json.dumps({**line, **({"troubles": troubles} if troubles else {})}))
