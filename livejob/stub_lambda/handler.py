"""The entry of a development stage's invoker: wires it once for each sandbox, while Lambda initializes it.

Imported by the Lambda runtime and by nothing else. The environment is the function's own, as deployed:
LIVEJOB_APP, LIVEJOB_STAGE, LIVEJOB_JOB, LIVEJOB_TABLE, LIVEJOB_BUCKET, LIVEJOB_WHEN_DISCONNECTED; of a
container job LIVEJOB_CONTAINER; with the policy "run" also those of `surroundings.RunPolicy`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import boto3

from livejob.bridge.doorbell import IotDoorbell
from livejob.runs.dynamodb_sessions import DynamoSessionStore
from livejob.runs.model import Run
from livejob.stub_lambda.answers import Answer
from livejob.stub_lambda.cancelling import Canceller, NotifiedBackend, NotifiedSession
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.invoker import Invoker
from livejob.stub_lambda.offer import Offer
from livejob.stub_lambda.recording import Recorder
from livejob.stub_lambda.starting import Starter, UnattendedRuns
from livejob.stub_lambda.surroundings import JobIdentity
from livejob.stub_lambda.wiring import (
    CLIENT_CONFIG,
    LambdaContext,
    log_line,
    open_backend,
    open_record,
    system_pace,
)
from livejob.wire.names import ENV_TABLE, ENV_WHEN_DISCONNECTED

if TYPE_CHECKING:
    from livejob.project.specs import WhenDisconnected


def open_stub(environment: Mapping[str, str]) -> Invoker:
    """The invoker of the job that the environment names, with AWS's services behind it."""
    session = boto3.Session()
    identity, pace = JobIdentity.of(environment), system_pace()
    record, backend = open_record(session, environment), open_backend(session, environment)
    sessions = DynamoSessionStore(session.client("dynamodb", config=CLIENT_CONFIG), environment[ENV_TABLE])
    doorbell = IotDoorbell(session.client("iot-data", config=CLIENT_CONFIG), identity.stage)

    def open_offer(run: Run) -> Offer:
        return Offer(run, record.runs, sessions, doorbell, pace)

    unattended = UnattendedRuns(
        identity.stage.stage,
        cast("WhenDisconnected", environment[ENV_WHEN_DISCONNECTED]),
        record.runs,
        Handover(record.runs, backend, pace.clock),
        pace.clock,
    )
    recorder = Recorder(identity, record.documents, pace.clock)
    starter = Starter(recorder, record.runs, open_offer, unattended)
    notified = (NotifiedSession(doorbell), NotifiedBackend(backend))
    canceller = Canceller(record.runs, notified, pace.clock)
    return Invoker(record, recorder, starter, canceller, pace.clock, log_line)


_STUB = open_stub(os.environ)


def handler(event: object, context: LambdaContext) -> Answer:
    """Answer one invocation: see `requests` for what may be asked, `answers` for what comes back."""
    return _STUB.handle(event, context.aws_request_id)
