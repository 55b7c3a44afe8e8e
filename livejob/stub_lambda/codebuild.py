"""CodeBuild as a backend: a run is one build of its job's project.

Nothing of a run but its id travels in the build's parameters: they are shown in the console, in the API and
in events to whoever may see builds. The payload of a container job is the build's source: CodeBuild unpacks
that in the directory where the command starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from botocore.exceptions import ClientError

from livejob.aws import error_code, translated
from livejob.errors import BuildNotStarted
from livejob.stub_lambda.backend import COMMANDS_PHASE, BuildEnd, BuildStart, EndStatus, Order, Trouble
from livejob.stub_lambda.inputs import RunInputs
from livejob.wire.names import ENV_ATTEMPT, ENV_RUN_ID, StageNames, build_log
from livejob.wire.outcome import Failure, FailureType

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_codebuild.literals import SourceTypeType

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


class _Source(TypedDict, total=False):
    """Of a StartBuild; empty for the project's own."""

    sourceTypeOverride: SourceTypeType
    sourceLocationOverride: str


class CodeBuildBackend:
    """The projects of one stage. inputs: where the payloads of container jobs are put for their builds."""

    def __init__(self, client: CodeBuildClient, names: StageNames, inputs: RunInputs) -> None:
        self._client = client
        self._names = names
        self._inputs = inputs

    @property
    def name(self) -> Literal["codebuild"]:
        return "codebuild"

    def start(self, order: Order) -> str:
        project = self._names.project(order.job)
        source = self._source(order)
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
                    **source,
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
        [build] = builds
        return BuildEnd(
            execution_id,
            cast(EndStatus, build["buildStatus"]),
            tuple(_troubles(build["phases"])),
            _log(build["arn"], build.get("logs", {}).get("streamName")),
            _busy_s((each["phaseType"], each.get("durationInSeconds")) for each in build["phases"]),
        )

    def _source(self, order: Order) -> _Source:
        if order.payload is None:
            return {}
        place = self._inputs.put(order.run_id, order.payload)
        return {"sourceTypeOverride": "S3", "sourceLocationOverride": place}


def end_of_event(detail: Mapping[str, Any]) -> tuple[BuildEnd, Mapping[str, str]] | None:
    """How a build ended, and its environment variables, by the detail of a "CodeBuild Build State Change".

    None when the build goes on. Source: AWS CodeBuild, 'Build notifications input format reference'.
    """
    status = detail["build-status"]
    if status == GOES_ON:
        return None
    information = detail["additional-information"]
    troubles = tuple(
        Trouble(phase["phase-type"], phase["phase-status"], *_code_and_message(phase))
        for phase in information["phases"]
        if phase.get("phase-status", "SUCCEEDED") != "SUCCEEDED"
    )
    end = BuildEnd(
        _id_in(detail["build-id"]),
        cast(EndStatus, status),
        troubles,
        _log(detail["build-id"], information.get("logs", {}).get("stream-name")),
        _busy_s((each["phase-type"], each.get("duration-in-seconds")) for each in information["phases"]),
    )
    return end, _variables_in(detail)


def start_of_event(detail: Mapping[str, Any]) -> tuple[BuildStart, Mapping[str, str]]:
    """A build that begins with its commands, and its environment variables, by the detail of a "CodeBuild
    Build Phase Change": the end of the phase before them. Source: as `end_of_event`."""
    information = detail["additional-information"]
    start = BuildStart(
        _id_in(detail["build-id"]),
        _log(detail["build-id"], information.get("logs", {}).get("stream-name")),
        60.0 * float(information["timeout-in-minutes"]),
    )
    return start, _variables_in(detail)


def _id_in(arn: object) -> str:
    return str(arn).partition(":build/")[2]


def _variables_in(detail: Mapping[str, Any]) -> Mapping[str, str]:
    variables = detail["additional-information"]["environment"]["environment-variables"]
    return {each["name"]: each["value"] for each in variables}


def _log(arn: object, stream: str | None) -> str:
    """Where the build's output is; "" before it has any."""
    region = str(arn).split(":")[3]
    return build_log(region, _id_in(arn), stream) if stream else ""


def _busy_s(phases: Iterable[tuple[str, float | None]]) -> float | None:
    """Of phases with their seconds, those of the job's commands."""
    return next((seconds for name, seconds in phases if name == COMMANDS_PHASE), None)


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
