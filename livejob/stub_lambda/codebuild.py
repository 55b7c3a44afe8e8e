"""CodeBuild as a backend: a run is one build of its job's project.

Nothing of a run but its id travels in the build's parameters: they are shown in the console, in the API and
in events to whoever may see builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from botocore.exceptions import ClientError

from livejob.aws import error_code, translated
from livejob.errors import BuildNotStarted
from livejob.stub_lambda.backend import BuildEnd, EndStatus, Order, Trouble
from livejob.wire.names import ENV_ATTEMPT, ENV_RUN_ID, StageNames
from livejob.wire.outcome import Failure, FailureType

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient

GOES_ON = "IN_PROGRESS"

_REFUSALS = {
    "AccountLimitExceededException": (
        FailureType.ACCOUNT_LIMIT,
        "Wait until builds have ended, or ask for more: Service Quotas, AWS CodeBuild, 'Concurrently "
        "running builds' of the job's machine size.",
    ),
    "InvalidInputException": (
        FailureType.BUILD_NOT_STARTED,
        "Deploy the stage again; if that does not help, the message says what CodeBuild does not take.",
    ),
    "ResourceNotFoundException": (
        FailureType.BUILD_NOT_STARTED,
        "The job's project is gone: deploy the stage again.",
    ),
}


class CodeBuildBackend:
    """The projects of one stage."""

    def __init__(self, client: CodeBuildClient, names: StageNames) -> None:
        self._client = client
        self._names = names

    @property
    def name(self) -> Literal["codebuild"]:
        return "codebuild"

    def start(self, order: Order) -> str:
        project = self._names.project(order.job)
        with translated("codebuild:StartBuild", f"project/{project}"):
            try:
                answer = self._client.start_build(
                    projectName=project,
                    # CodeBuild remembers it for five minutes; after that the claim decides.
                    idempotencyToken=f"{order.run_id}-{order.attempt}",
                    environmentVariablesOverride=[
                        {"name": ENV_RUN_ID, "value": order.run_id, "type": "PLAINTEXT"},
                        {"name": ENV_ATTEMPT, "value": str(order.attempt), "type": "PLAINTEXT"},
                    ],
                )
            except ClientError as error:
                code = error_code(error)
                if code not in _REFUSALS:
                    raise
                raise _refusal(order, code, error) from error
        return answer["build"]["id"]

    def stop(self, execution_id: str) -> None:
        with translated("codebuild:StopBuild", f"build/{execution_id}"):
            try:
                self._client.stop_build(id=execution_id)
            except self._client.exceptions.ResourceNotFoundException:
                return

    def end(self, execution_id: str) -> BuildEnd | None:
        with translated("codebuild:BatchGetBuilds", f"build/{execution_id}"):
            builds = self._client.batch_get_builds(ids=[execution_id])["builds"]
        if not builds or builds[0]["buildStatus"] == GOES_ON:
            return None
        status = cast(EndStatus, builds[0]["buildStatus"])
        return BuildEnd(execution_id, status, tuple(_troubles(builds[0]["phases"])))


def end_of_event(detail: Mapping[str, Any]) -> tuple[BuildEnd, Mapping[str, str]] | None:
    """How a build ended, and its environment variables, by the detail of a "CodeBuild Build State Change".

    None when the build goes on. Source: AWS CodeBuild, 'Build notifications input format reference'.
    """
    status = detail["build-status"]
    if status == GOES_ON:
        return None
    information = detail["additional-information"]
    variables = information["environment"]["environment-variables"]
    build_id = str(detail["build-id"]).partition(":build/")[2]
    troubles = tuple(
        Trouble(phase["phase-type"], phase["phase-status"], *_code_and_message(phase))
        for phase in information["phases"]
        if phase.get("phase-status", "SUCCEEDED") != "SUCCEEDED"
    )
    return (
        BuildEnd(build_id, cast(EndStatus, status), troubles),
        {each["name"]: each["value"] for each in variables},
    )


def _code_and_message(phase: Mapping[str, Any]) -> tuple[str, str]:
    """Out of `["CODE: message"]`; both empty when there is none."""
    [text, *_] = phase.get("phase-context") or [""]
    code, _, message = str(text).partition(": ")
    return code.strip(": "), message


def _troubles(phases: list[Any]) -> Iterator[Trouble]:
    for phase in phases:
        status = phase.get("phaseStatus", "SUCCEEDED")
        if status != "SUCCEEDED":
            [context, *_] = phase.get("contexts") or [{}]
            yield Trouble(
                phase["phaseType"], status, context.get("statusCode", ""), context.get("message", "")
            )


def _refusal(order: Order, code: str, error: ClientError) -> BuildNotStarted:
    failure_type, remedy = _REFUSALS[code]
    message = f"CodeBuild did not take {order.run_id}: {error.response['Error'].get('Message', code)}"
    return BuildNotStarted(
        message, remedy=remedy, failure=Failure(failure_type, message, remedy=remedy).clipped()
    )
