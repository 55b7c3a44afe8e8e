"""`livejob start --local` and the commands beside it, everything real, in each engine that can be had."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import (
    PLANTED_KEY,
    PLANTED_SECRET,
    QUICKSTART,
    LiveCommand,
    copy_app,
    live_command,
    processes_with,
)

PROBES = '''
import os, time
from pathlib import Path
import boto3
from livejob import JobCancelled, job

@job(permissions=[{"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::quickstart-reports"]}])
def look_around(payload):
    """What the environment holds, and what a call outside the role comes to."""
    try:
        boto3.client("s3").put_object(Bucket="quickstart-reports", Key="mine", Body=b"x")
    except Exception as error:
        refused = str(error)
    listed = boto3.client("s3").list_objects_v2(Bucket="quickstart-reports")["KeyCount"]
    return {"environment": dict(os.environ), "refused": refused, "listed": listed, "cwd": os.getcwd()}

@job
def echo(payload):
    return payload

@job
def sleep(payload):
    print("asleep")
    try:
        time.sleep(600)
    except JobCancelled:
        print("woken")
        raise
'''


@pytest.fixture(scope="module", params=["process", "docker"])
def command(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveCommand]:
    """A session of the quickstart with a few probes more."""
    environment = {}
    if request.param == "docker":
        docker: DockerUnderTest = request.getfixturevalue("docker")
        environment["DOCKER_HOST"] = docker.endpoint.url
    directory = copy_app(QUICKSTART, tmp_path_factory.mktemp(f"e2e-{request.param}"))
    (directory / "src" / "probes.py").write_text(PROBES)
    with live_command(directory, "--engine", request.param, environment=environment) as running:
        yield running


def test_a_deployed_job_runs_here_under_its_role(command: LiveCommand):
    """A call through the Lambda API runs the handler as the deployed role, which alone may write there."""
    lambda_ = command.admin().client("lambda", endpoint_url=command.endpoint_url)
    request = {"action": "run", "payload": {"month": "2026-11"}}

    answer = lambda_.invoke(FunctionName="livejob-quickstart-e2e-MonthlyReport", Payload=json.dumps(request))
    told = json.loads(answer["Payload"].read())
    command.wait_event("RunEnded", run_id=told["runId"], state="SUCCEEDED")
    shown = json.loads(command.livejob("show", told["runId"], "--json").out)

    assert told["jobId"] == told["runId"]
    assert "live" == told["backend"]
    assert "SUCCEEDED" == shown["state"]
    body = (
        command.admin()
        .client("s3", endpoint_url=command.endpoint_url)
        .get_object(Bucket="quickstart-reports", Key="2026-11.txt")["Body"]
    )
    assert b"all is well" == body.read()


def test_nobody_but_the_role_writes(command: LiveCommand):
    """The bucket of the quickstart refuses even the administrator."""
    s3 = command.admin().client("s3", endpoint_url=command.endpoint_url)

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="quickstart-reports", Key="mine", Body=b"x")


def test_a_call_outside_the_role_is_refused_and_an_allowed_one_passes(command: LiveCommand):
    """Under the job's role only what its permissions say goes through."""
    seen = command.run_json("LookAround", None)["result"]

    assert "AccessDenied" in seen["refused"]
    assert "LookAround-job" in seen["refused"]
    assert isinstance(seen["listed"], int)


def test_the_developers_keys_are_nowhere(command: LiveCommand):
    """Neither the environment of a handler, nor record, logs, events nor files hold the developer's keys."""
    record = command.run_json("LookAround", None)
    state = json.loads((command.directory / ".livejob/local-aws/state.json").read_text())
    secrets = [PLANTED_KEY, PLANTED_SECRET, state["secret_access_key"], state["admin_secret_access_key"]]

    places = {
        "record": json.dumps(record),
        "events": json.dumps(command.events),
        "stderr": command.errors.read_text(),
        **{
            str(path): path.read_text(errors="replace")
            for path in command.directory.rglob("*")
            if path.is_file() and path.name != "state.json"
        },
    }
    found = [(place, secret[:4]) for place, text in places.items() for secret in secrets if secret in text]

    assert [] == found
    assert "AWS_ACCESS_KEY_ID" not in record["result"]["environment"]


@pytest.mark.parametrize("payload", [0, False, "", None, [], {"größe": "äöü \u2028 😀"}])
def test_a_payload_comes_back_as_it_was(command: LiveCommand, payload: object):
    """Falsy and non-ASCII payloads stay what they are, there and back."""
    ended = command.livejob("run", "Echo", "--payload", json.dumps(payload))

    assert (0, payload) == (ended.code, json.loads(ended.out))


def test_a_large_payload_travels_by_reference(command: LiveCommand):
    """Five megabytes from a pipe come back byte for byte."""
    text = json.dumps("ä" * 2_500_000, ensure_ascii=False)

    ended = command.livejob("run", "Echo", "-", stdin=text)

    assert (0, json.loads(text)) == (ended.code, json.loads(ended.out))


def test_exit_codes_tell_the_outcome(command: LiveCommand):
    """A handler that raises gives 10 and its trace; one beyond its timeout gives 11."""
    failed = command.livejob("run", "Divide", "--payload", '{"a": 1, "b": 0}')
    late = command.livejob("run", "CountSheep", "--payload", '{"sheep": 99}')

    assert (10, 11) == (failed.code, late.code)
    assert "ZeroDivisionError: division by zero" in failed.err
    assert "timeout of 2 s" in late.err


def test_a_run_is_cancelled_from_another_terminal(command: LiveCommand):
    """`livejob cancel` ends the handler, whose cleanup runs, and the record says CANCELLED."""
    run_id = command.livejob("run", "Sleep", "--detach").out.strip()
    command.wait_event("RunOutput", run_id=run_id)

    cancelled = command.livejob("cancel", run_id)
    ended = command.wait_event("RunEnded", run_id=run_id)

    assert 0 == cancelled.code
    assert "CANCELLED" == ended["state"]
    assert "asleep\nwoken\n" == command.livejob("logs", run_id).out


def test_a_save_is_in_the_next_run(command: LiveCommand):
    """An edited handler answers with its new code, with no restart."""
    source = command.directory / "src" / "reports.py"
    source.write_text(source.read_text().replace('return "hello"', 'return "good evening"'))
    command.wait_event("SourceSaved", paths=["reports.py"])

    result = command.run_json("MonthlyReport", {"month": "2027-01"})["result"]

    assert "good evening" == result["greeting"]


def test_a_second_start_says_who_holds_the_stage(command: LiveCommand):
    """Another `livejob start` of the same developer is refused with owner, process and the way out."""
    ended = command.livejob("start", "--local", "--engine", "process")

    assert 4 == ended.code
    assert f"process {command.process.pid}" in ended.err
    assert "--takeover" in ended.err


def test_an_unknown_job_and_a_payload_that_is_no_json_are_told(command: LiveCommand):
    """Bad input names what is wrong and what to do; nothing is started."""
    unknown = command.livejob("run", "Ecko", "--payload", "1")
    broken = command.livejob("run", "Echo", "--payload", "{month: 1}")

    assert (3, "Did you mean Echo?") == (unknown.code, unknown.err.rpartition("hint: ")[2].strip())
    assert 0 != broken.code
    assert "LJ-201" in broken.err


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path):
    """After Ctrl-C there is no process, no emulator, no key file; the exit code is 0."""
    directory = copy_app(QUICKSTART, tmp_path)
    with live_command(directory, "--engine", "process") as command:
        command.livejob("run", "Divide", "--payload", '{"a": 4, "b": 2}')

        code = command.stop()

    assert 0 == code
    assert [] == processes_with(str(directory))
    assert not (directory / ".livejob/local-aws/state.json").exists()
    assert not (directory / ".livejob/local-aws/scratch").exists()


def test_after_kill_minus_nine_the_next_start_has_the_stage(tmp_path: Path):
    """A daemon that was killed leaves no emulator and no worker, and the next start is ready."""
    directory = copy_app(QUICKSTART, tmp_path)
    with live_command(directory, "--engine", "process") as first:
        run_id = first.livejob("run", "CountSheep", "--payload", '{"sheep": 4}', "--detach").out.strip()
        first.wait_event("RunStarted", run_id=run_id)
        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait()

    with live_command(directory, "--engine", "process") as second:
        ended = second.livejob("run", "Divide", "--payload", '{"a": 4, "b": 2}')

    assert (0, "2.0\n") == (ended.code, ended.out)
    assert [] == processes_with(str(directory))
