"""Asks the invokers of a stage: one Lambda for each job, found by its SSM parameter.

The caller's permissions are `lambda:InvokeFunction` on that function and, unless the environment names
it (`LIVEJOB_INVOKER_<job>`), `ssm:GetParameter` on that parameter. boto3 is loaded at the first call, so
that importing a job's module stays cheap. Knows nothing of what the answers mean.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from livejob.aws import translated
from livejob.errors import InvokerRefused, NotDeployed, UnknownJob
from livejob.sdk.refusals import refusal_error
from livejob.wire.names import StageNames, invoker_env

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_lambda.client import LambdaClient

Answer = dict[str, Any]
"""An invoker's answer: a JSON object."""


class Invokers:
    """The invokers of one app and stage. Clients are made when first needed, once each."""

    def __init__(self, names: StageNames, session: boto3.Session | None, endpoint_url: str | None) -> None:
        self._names = names
        self._session = session
        self._endpoint_url = endpoint_url
        self._functions: dict[str, str] = {}
        self._lambdas: dict[bool, LambdaClient] = {}

    def ask(self, job: str, request: bytes, *, is_repeatable: bool) -> Answer:
        """Invoke the job's invoker with `request` (a JSON document) and wait for its answer.

        is_repeatable: asking twice does no more than asking once. Otherwise a connection that breaks
        is not tried again, because the invoker may have started the run already.

        Raises:
            UnknownJob: no such job in this app and stage.
            LivejobError: the invoker refused; of the class whose code it gave, else InvokerRefused.
            AwsError: AWS refused or did not answer.
        """
        function = self._function(job)
        try:
            with translated("lambda:InvokeFunction", f"function/{function}"):
                answer = self._lambda(is_repeatable).invoke(FunctionName=function, Payload=request)
                body = answer["Payload"].read()
        except NotDeployed as error:
            raise self._unknown(job, f"there is no function {function}") from error
        document = _object(job, body)
        if answer.get("FunctionError"):
            raise refusal_error(job, document)
        return document

    def _function(self, job: str) -> str:
        if job not in self._functions:
            self._functions[job] = os.environ.get(invoker_env(job)) or self._look_up(job)
        return self._functions[job]

    def _look_up(self, job: str) -> str:
        from botocore.exceptions import ClientError

        name = self._names.invoker_parameter(job)
        ssm = self._boto3_session().client("ssm", endpoint_url=self._endpoint_url)
        with translated("ssm:GetParameter", f"parameter{name}"):
            try:
                return ssm.get_parameter(Name=name)["Parameter"]["Value"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ParameterNotFound":
                    raise
                raise self._unknown(job, f"there is no parameter {name}") from error

    def _lambda(self, is_repeatable: bool) -> LambdaClient:
        if is_repeatable not in self._lambdas:
            from botocore.config import Config

            config = None if is_repeatable else Config(retries={"total_max_attempts": 1})
            self._lambdas[is_repeatable] = self._boto3_session().client(
                "lambda", endpoint_url=self._endpoint_url, config=config
            )
        return self._lambdas[is_repeatable]

    def _boto3_session(self) -> boto3.Session:
        if self._session is None:
            import boto3

            self._session = boto3.Session()
        return self._session

    def _unknown(self, job: str, reason: str) -> UnknownJob:
        return UnknownJob(
            f"no job {job} in stage {self._names.stage} of {self._names.app}: {reason}",
            remedy="Check the spelling, app, stage and region. A job is there once its stage is deployed, "
            "which `livejob start` does for a development stage.",
        )


def _object(job: str, body: bytes) -> Answer:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InvokerRefused(f"the invoker of {job} answered no JSON: {body[:200]!r}") from error
    if not isinstance(document, dict):
        raise InvokerRefused(f"the invoker of {job} answered no object: {body[:200]!r}")
    return document
