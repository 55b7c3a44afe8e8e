"""What EventBridge is told, against AWS's published sample."""

from __future__ import annotations

from typing import Any

from livejob.local_aws.plugs.codebuild.events import events_of_change

START_S = 1504239149.0
ARN = "arn:aws:codebuild:us-west-2:123456789012:build/my-sample-project:8745a7a9"


def a_record(**changes: Any) -> dict[str, Any]:
    """A build's record, as in the sample of the user guide."""
    return {
        "arn": ARN,
        "buildNumber": 3,
        "startTime": START_S,
        "currentPhase": "QUEUED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": "my-sample-project",
        "phases": [
            {
                "phaseType": "SUBMITTED",
                "phaseStatus": "SUCCEEDED",
                "startTime": START_S,
                "endTime": START_S,
                "durationInSeconds": 0,
            },
            {"phaseType": "QUEUED", "startTime": START_S},
        ],
        "source": {"type": "S3", "location": "bucket/artifact.zip"},
        "environment": {
            "image": "aws/codebuild/standard:5.0",
            "privilegedMode": False,
            "computeType": "BUILD_GENERAL1_SMALL",
            "type": "LINUX_CONTAINER",
            "environmentVariables": [],
        },
        "logs": {"groupName": "/aws/codebuild/my-sample-project", "streamName": "8745a7a9", "deepLink": "l"},
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "initiator": "MyCodeBuildDemoUser",
        **changes,
    }


def test_new_build_tells_its_submission_and_its_state() -> None:
    """The first events are the phase that has passed and IN_PROGRESS."""
    phase, state = events_of_change({}, a_record())

    assert ("CodeBuild Build Phase Change", "SUBMITTED") == (
        phase.detail_type,
        phase.detail["completed-phase"],
    )
    assert ("CodeBuild Build State Change", "IN_PROGRESS") == (
        state.detail_type,
        state.detail["build-status"],
    )
    assert ARN == phase.resource == state.resource


def test_state_change_has_the_shape_of_the_user_guide() -> None:
    """Every field of the sample is there, and times are spelled as there."""
    end = {"phaseType": "COMPLETED", "startTime": START_S + 120}
    before = a_record()
    after = a_record(
        buildStatus="SUCCEEDED",
        buildComplete=True,
        currentPhase="COMPLETED",
        phases=[
            before["phases"][0],
            {
                **before["phases"][1],
                "phaseStatus": "FAILED",
                "endTime": START_S + 119,
                "durationInSeconds": 119,
                "contexts": [{"statusCode": "CODE", "message": "why"}],
            },
            end,
        ],
    )

    *_, event = events_of_change(before, after)

    information = event.detail.pop("additional-information")
    assert {
        "build-status": "SUCCEEDED",
        "project-name": "my-sample-project",
        "build-id": ARN,
        "current-phase": "COMPLETED",
        "current-phase-context": "[]",
        "version": "1",
    } == event.detail
    assert ("Sep 1, 2017 4:12:29 AM", True, 60, "MyCodeBuildDemoUser") == (
        information["build-start-time"],
        information["build-complete"],
        information["timeout-in-minutes"],
        information["initiator"],
    )
    assert {"location": "bucket/artifact.zip", "type": "S3"} == information["source"]
    assert {
        "phase-context": ["CODE: why"],
        "start-time": "Sep 1, 2017 4:12:29 AM",
        "end-time": "Sep 1, 2017 4:14:28 AM",
        "duration-in-seconds": 119,
        "phase-type": "QUEUED",
        "phase-status": "FAILED",
    } == information["phases"][1]
    assert {"start-time": "Sep 1, 2017 4:14:29 AM", "phase-type": "COMPLETED"} == information["phases"][2]


def test_change_that_is_no_event_tells_nothing() -> None:
    """That the log's stream is known now is not told."""
    assert [] == list(events_of_change(a_record(), a_record(logs={})))
