"""The entry of a production stage's invoker: wires it once for each sandbox, while Lambda initializes it.

Imported by the Lambda runtime and by nothing else. The environment is the function's own, as deployed:
LIVEJOB_APP, LIVEJOB_STAGE, LIVEJOB_JOB, LIVEJOB_TABLE, LIVEJOB_BUCKET, of a container job LIVEJOB_CONTAINER,
and those of `surroundings.RunPolicy`. No session, no bridge: its runs are builds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import boto3

from livejob.stub_lambda.answers import Answer
from livejob.stub_lambda.cancelling import Canceller, NotifiedBackend
from livejob.stub_lambda.handover import Handover
from livejob.stub_lambda.invoker import Invoker
from livejob.stub_lambda.recording import Recorder
from livejob.stub_lambda.submitting import Submitter
from livejob.stub_lambda.surroundings import JobIdentity
from livejob.stub_lambda.wiring import LambdaContext, log_line, open_backend, open_record, system_pace


def open_invoker(environment: Mapping[str, str]) -> Invoker:
    """The invoker of the job that the environment names, with AWS's services behind it."""
    session = boto3.Session()
    identity, clock = JobIdentity.of(environment), system_pace().clock
    record, backend = open_record(session, environment), open_backend(session, environment)
    recorder = Recorder(identity, record.documents, clock)
    submitter = Submitter(recorder, record.runs, Handover(record.runs, backend, clock))
    canceller = Canceller(record.runs, [NotifiedBackend(backend)], clock)
    return Invoker(record, recorder, submitter, canceller, clock, log_line)


_INVOKER = open_invoker(os.environ)


def handler(event: object, context: LambdaContext) -> Answer:
    """Answer one invocation: see `requests` for what may be asked, `answers` for what comes back."""
    return _INVOKER.handle(event, context.aws_request_id)
