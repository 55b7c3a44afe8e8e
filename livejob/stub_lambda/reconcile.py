"""The entry of a stage's reconciler: EventBridge calls it with each end of a build, and by a schedule.

Imported by the Lambda runtime and by nothing else. The environment is the function's own, as deployed:
LIVEJOB_APP, LIVEJOB_STAGE, LIVEJOB_MODE, LIVEJOB_TABLE, LIVEJOB_BUCKET. It is called asynchronously: what it
raises makes Lambda call it again, which does no harm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from livejob.stub_lambda.codebuild import end_of_event
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.reconciler import Reconciler
from livejob.stub_lambda.sweeping import Sweep
from livejob.stub_lambda.wiring import LambdaContext, log_line, open_backend, open_record, system_pace
from livejob.wire.names import ENV_MODE


@dataclass(frozen=True, slots=True)
class Entry:
    """What the function has, made once for each sandbox."""

    reconciler: Reconciler
    sweep: Sweep


def open_entry(environment: Mapping[str, str]) -> Entry:
    """The parts of the stage that the environment names, with AWS's services behind them."""
    session = boto3.Session()
    runs, backend = open_record(session, environment).runs, open_backend(session, environment)
    pace = system_pace()
    handover = Handover(runs, backend, pace.clock)
    reconciler = Reconciler(runs, backend, handover, pace)
    takes_all = environment[ENV_MODE] == "production"
    return Entry(reconciler, Sweep(runs, reconciler, handover, pace.clock, takes_all=takes_all))


_ENTRY = open_entry(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Take one "CodeBuild Build State Change", or sweep at a "Scheduled Event"."""
    if event["detail-type"] == "Scheduled Event":
        _sweep()
    else:
        _take(event["detail"])


def _take(detail: Mapping[str, Any]) -> None:
    found = end_of_event(detail)
    if found is None:
        return
    end, variables = found
    troubles: list[str] = []
    run = _ENTRY.reconciler.take(end, variables, troubles)
    line = {"build": end.id, "ended": end.status, "runId": run and run.id, "status": run and run.state}
    log_line(json.dumps({**line, **({"troubles": troubles} if troubles else {})}))


def _sweep() -> None:
    troubles: list[str] = []
    for each in _ENTRY.sweep.run(troubles):
        line = {"swept": each.after.id, "was": each.before.state, "status": each.after.state}
        log_line(json.dumps(line))
    if troubles:
        log_line(json.dumps({"troubles": troubles}))
