"""When the machine of a run's build began to be made, by CodeBuild itself: the record knows only when it was
asked for one. Called by `show`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.clock import EpochMs
from livejob.runs.model import Run

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient

FIRST_PHASE = "PROVISIONING"
"""Before it are SUBMITTED and QUEUED. Source: AWS CodeBuild, 'Build phase transitions'."""


def build_of(run: Run) -> str:
    """The build of the run's present or last attempt; "" where none is known."""
    attempt = run.attempts[-1] if run.attempts else None
    if run.is_open and (attempt is None or attempt.ended_ms is not None):
        return run.submitted_id
    return attempt.owner if attempt is not None and attempt.backend == "codebuild" else ""


def machine_since_ms(client: CodeBuildClient, build_id: str) -> EpochMs | None:
    """When the build left the queue; None while it waits there, or when CodeBuild does not know it.

    Raises:
        AwsError
    """
    with translated("codebuild:BatchGetBuilds", f"build/{build_id}"):
        builds = client.batch_get_builds(ids=[build_id])["builds"]
    for phase in builds[0].get("phases", []) if builds else []:
        if phase.get("phaseType") == FIRST_PHASE and "startTime" in phase:
            return EpochMs(round(phase["startTime"].timestamp() * 1000))
    return None
