"""Commands that look at runs which CodeBuild executes: `show`, `logs`, `rerun`."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from livejob.runs.model import Run
from livejob.wire.limits import INLINE_DOCUMENT_BYTES
from livejob.wire.names import build_log
from livejob.wire.outcome import Failure
from livejob.wire.states import Input
from tests.support.cli_fixtures import JOB, AppUnderTest
from tests.support.codebuild import LOGS, ProjectUnderTest, buildspec, create_role, phase_of
from tests.support.runs import a_change, a_run, at, let

BUILD = "livejob-shop-prod_Resize:1234"
LOG = [
    "[Container] 2026/01/02 03:04:05.678901 Running command python3 -m livejob.build_runner",
    "",
    "[livejob] Resize {run} attempt 1",
    "one",
    "größe 2",
    "[livejob] {run} SUCCEEDED",
    "",
    "[Container] 2026/01/02 03:04:06.678901 Phase complete: BUILD State: SUCCEEDED",
]


def a_built_run(app: AppUnderTest, *ends, **fields: object) -> Run:
    """A run that CodeBuild took, 30 s after it was asked."""
    run = app.runs.create(a_run(JOB, **fields))
    log = build_log("us-east-1", f"{app.stage.names.project(JOB)}:1234", "1234")
    return let(
        app.runs,
        run,
        a_change(Input.SUBMIT, at(1), owner=BUILD),
        a_change(Input.CLAIM, at(31), owner=BUILD, backend="codebuild", bundle="0123abcd", log=log),
        a_change(Input.RUN, at(32)),
        *ends,
    )


WriteLog = Callable[[Run], None]


@pytest.fixture
def write_log(app: AppUnderTest) -> WriteLog:
    """Writes a build's log for a run."""

    def write(run: Run) -> None:
        aws = app.stage.aws
        logs = aws.root.client("logs", endpoint_url=aws.endpoint_url)
        group = f"/aws/codebuild/{app.stage.names.project(JOB)}"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="1234")
        now_ms = time.time_ns() // 1_000_000
        events = [{"timestamp": now_ms, "message": line.format(run=run.id) + "\n"} for line in LOG]
        logs.put_log_events(logGroupName=group, logStreamName="1234", logEvents=events)

    return write


def test_show_tells_backend_phases_and_cost(app: AppUnderTest) -> None:
    """Who ran it, how long each part took, and what it cost both ways."""
    run = a_built_run(app, a_change(Input.SUCCEED, at(62)))

    told, as_json = app.livejob("show", run.id), app.livejob("show", run.id, "--json")

    assert "backend   codebuild" in told.out
    assert "bundle    0123abcd" in told.out
    assert "phases    queued 1.0 s · provisioning 30.0 s · starting 1.0 s · run 30.0 s" in told.out
    assert "cost      $0.01 on CodeBuild (2 min of BUILD_GENERAL1_SMALL); live $0" in told.out
    assert {"queued": 1, "provisioning": 30, "starting": 1, "run": 30} == as_json.json["phases"]
    assert (0.01, 0) == (as_json.json["cost"]["spent_usd"], as_json.json["cost"]["live_usd"])


def test_show_tells_of_attempts_that_are_tried_again(app: AppUnderTest) -> None:
    """Why an attempt failed stands beside it, and when the next one may begin."""
    failure = Failure("ValueError", "no such width")
    run = a_built_run(app, a_change(Input.REQUEUE, at(62), failure=failure, due_ms=at(90)), retries=1)

    told = app.livejob("show", run.id)

    assert f"attempt 1 on codebuild by {BUILD} went back to the queue after ValueError: no" in told.out
    assert "due       " in told.out


def test_logs_of_a_build_are_what_the_handler_wrote(app: AppUnderTest, write_log: WriteLog) -> None:
    """Neither CodeBuild's own lines nor the runner's are output of the run."""
    run = a_built_run(app, a_change(Input.SUCCEED, at(62)))
    write_log(run)

    told, followed = app.livejob("logs", run.id), app.livejob("logs", "-f", run.id)

    assert (0, "one\ngröße 2\n", "") == (told.code, told.out, told.err)
    assert told.out == followed.out


def test_logs_of_a_build_that_has_written_nothing_are_empty(app: AppUnderTest) -> None:
    """A log that CloudWatch does not have yet is no error."""
    run = a_built_run(app)

    assert (0, "") == (app.livejob("logs", run.id).code, app.livejob("logs", run.id).out)


def test_rerun_starts_a_run_with_the_same_payload(app: AppUnderTest) -> None:
    """The payload of the old run is the new one's; the old one's key is not used again."""
    old = a_built_run(app, a_change(Input.SUCCEED, at(62)), key="order-7")
    app.job_does(lambda run: None)

    told = app.livejob("rerun", old.id, "--detach")

    [asked] = app.api.asked
    assert {"action": "run", "payload": {}} == asked
    assert 0 == told.code
    assert told.out.strip() != old.id


def test_rerun_takes_another_payload(app: AppUnderTest) -> None:
    """An edited payload takes the place of the old one."""
    old = a_built_run(app)
    app.job_does(lambda run: None)

    app.livejob("rerun", old.id, "--payload", '{"width": 7}', "--detach")

    [asked] = app.api.asked
    assert {"action": "run", "payload": {"width": 7}} == asked


def test_rerun_reads_a_large_payload(app: AppUnderTest) -> None:
    """A payload that lies in the bucket is fetched from there."""
    payload = "x" * INLINE_DOCUMENT_BYTES
    run = a_run(JOB)
    document = app.stage.open_documents().store("payloads", run.id, f'"{payload}"'.encode())
    app.runs.create(a_run(JOB, id=run.id, payload=document))
    app.job_does(lambda run: None)

    app.livejob("rerun", run.id, "--detach")

    [asked] = app.api.asked
    assert payload == asked["payload"]


def test_show_tells_how_long_a_build_was_in_codebuilds_queue(app: AppUnderTest) -> None:
    """CodeBuild itself says when there was a machine; what a build waited before is no provisioning."""
    build_id, machine_ms = a_real_build(app)
    submitted_ms = machine_ms - 20_000
    run = let(
        app.runs,
        app.runs.create(a_run(JOB, created_ms=submitted_ms)),
        a_change(Input.SUBMIT, submitted_ms, owner=build_id),
        a_change(Input.CLAIM, machine_ms + 5000, owner=build_id, backend="codebuild"),
    )

    phases = app.livejob("show", run.id, "--json").json["phases"]

    assert (20, 5) == (phases["queued"], phases["provisioning"])


def a_real_build(app: AppUnderTest) -> tuple[str, int]:
    """A build of CodeBuild's, and when it came to a machine."""
    aws = app.stage.aws
    client = aws.root.client("codebuild", endpoint_url=aws.endpoint_url)
    name = app.stage.names.project(JOB)
    client.create_project(
        name=name,
        serviceRole=create_role(aws, LOGS),
        source={"type": "NO_SOURCE", "buildspec": buildspec("true")},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "any",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
    )
    project = ProjectUnderTest(aws, name, "")
    build = project.run()
    return build["id"], round(phase_of(build, "PROVISIONING")["startTime"].timestamp() * 1000)
