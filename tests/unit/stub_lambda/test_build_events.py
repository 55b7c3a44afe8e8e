"""CodeBuild's own words about a build's end, as EventBridge brings them."""

from __future__ import annotations

from typing import Any

from livejob.stub_lambda.backend import BuildEnd, BuildStart, Trouble
from livejob.stub_lambda.codebuild import end_of_event, start_of_event

BUILD = "livejob-shop-prod_Resize:8b0e7d7c-6f0d-4e5c-9a4e-6f6f2a1c7d11"
LOG = "cloudwatch://us-east-1/aws/codebuild/livejob-shop-prod_Resize/8b0e7d7c"


def a_detail(status: str, *phases: dict[str, Any]) -> dict[str, Any]:
    """Of a "CodeBuild Build State Change", as the reference shows it."""
    return {
        "build-status": status,
        "project-name": "livejob-shop-prod_Resize",
        "build-id": f"arn:aws:codebuild:us-east-1:123456789012:build/{BUILD}",
        "additional-information": {
            "environment": {
                "environment-variables": [
                    {"name": "LIVEJOB_RUN_ID", "type": "PLAINTEXT", "value": "run_1"},
                    {"name": "LIVEJOB_ATTEMPT", "type": "PLAINTEXT", "value": "2"},
                ],
            },
            "phases": [
                {"phase-type": "SUBMITTED", "phase-status": "SUCCEEDED", "phase-context": []},
                *phases,
                {"phase-type": "COMPLETED"},
            ],
        },
    }


def test_a_build_that_goes_on_has_no_end():
    """The first event of a build tells that it was started."""
    assert end_of_event(a_detail("IN_PROGRESS")) is None


def test_an_end_names_build_run_and_attempt():
    """The run and its attempt are in the build's variables."""
    found = end_of_event(a_detail("SUCCEEDED"))

    assert (BuildEnd(BUILD, "SUCCEEDED"), {"LIVEJOB_RUN_ID": "run_1", "LIVEJOB_ATTEMPT": "2"}) == found


def test_what_went_wrong_is_in_its_phase():
    """Code and message of each phase that did not end well; a context without either is none."""
    phases = [
        {
            "phase-type": "PROVISIONING",
            "phase-status": "FAILED",
            "phase-context": ["BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE: no such image: x"],
        },
        {"phase-type": "BUILD", "phase-status": "FAILED", "phase-context": [": "]},
        {"phase-type": "POST_BUILD", "phase-status": "STOPPED"},
    ]

    found = end_of_event(a_detail("FAILED", *phases))

    assert found is not None
    assert (
        Trouble("PROVISIONING", "FAILED", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "no such image: x"),
        Trouble("BUILD", "FAILED", "", ""),
        Trouble("POST_BUILD", "STOPPED", "", ""),
    ) == found[0].troubles


def test_an_end_tells_of_log_and_time():
    """Where the output is, and for how long the commands ran, whichever phases came after."""
    detail = a_detail(
        "SUCCEEDED",
        {"phase-type": "BUILD", "phase-status": "SUCCEEDED", "duration-in-seconds": 7},
        {"phase-type": "POST_BUILD", "phase-status": "SUCCEEDED", "duration-in-seconds": 1},
    )
    detail["additional-information"]["logs"] = {"group-name": "g", "stream-name": "8b0e7d7c"}

    found = end_of_event(detail)

    assert found is not None
    assert (LOG, 7) == (found[0].log, found[0].busy_s)


def test_a_beginning_tells_how_long_the_build_may_last():
    """Of the end of a phase before the commands: build, log and limit."""
    detail = {**a_detail("IN_PROGRESS"), "completed-phase": "DOWNLOAD_SOURCE"}
    detail["additional-information"]["logs"] = {"group-name": "g", "stream-name": "8b0e7d7c"}
    detail["additional-information"]["timeout-in-minutes"] = 30.0

    start, variables = start_of_event(detail)

    assert BuildStart(BUILD, LOG, 1800) == start
    assert "run_1" == variables["LIVEJOB_RUN_ID"]
