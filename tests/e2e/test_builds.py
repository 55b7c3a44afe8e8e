"""The life of runs in a production stage, everything real: invoker, CodeBuild in containers, reconciler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.wire.limits import MIB
from tests.support.deployed_app import DeployedApp, app_in_local_aws
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import live_command

JOBS = """
import os, signal, time
from livejob import JobCancelled, job

@job
def echo(payload, context):
    print("größe", context.attempt)
    return payload

@job
def divide(payload):
    return payload["a"] / payload["b"]

@job(retries=2, backoff="1 second")
def flaky(payload, context):
    print("attempt", context.attempt)
    if context.attempt < payload["good"]:
        if payload.get("kills_its_runner"):
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        raise ConnectionError("not yet")
    return context.attempt

@job(timeout="3 seconds")
def too_long(payload):
    time.sleep(600)

@job
def sleep(payload):
    try:
        print("asleep", flush=True)
        time.sleep(600)
    except JobCancelled:
        print("woken")
        raise

@job(when_disconnected="run")
def anywhere(payload):
    return payload
"""


@pytest.fixture(scope="module")
def app(docker: DockerUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedApp]:
    """An app with jobs of every kind, deployed as stage `prod`."""
    directory = tmp_path_factory.mktemp("builds")
    (directory / "livejob.toml").write_text('app = "builds"\nsource = "src"\n')
    (directory / "src").mkdir()
    (directory / "src" / "jobs.py").write_text(JOBS)
    with app_in_local_aws(directory, {"DOCKER_HOST": docker.endpoint.url}) as app:
        deployed = app.livejob("deploy", "--stage", "prod", "--local", "--yes")
        assert 0 == deployed.code, deployed.err
        yield app


def test_a_run_is_a_build(app: DeployedApp):
    """From the command line over invoker, CodeBuild and runner to the result, and all that is known of it."""
    run = app.run("Echo", {"name": "Mia"})

    shown = app.show(run["id"])
    [attempt] = shown["attempts"]
    assert ("SUCCEEDED", "codebuild", {"name": "Mia"}) == (run["state"], run["backend"], run["result"])
    assert ["queued", "provisioning", "starting", "run"] == list(shown["phases"])
    assert shown["phases"]["queued"] >= (attempt["submitted_ms"] - attempt["due_ms"]) / 1000
    assert attempt["owner"].startswith("livejob-builds-prod_Echo:")
    assert (0.005, 64) == (shown["cost"]["spent_usd"], len(shown["bundle"]))
    assert "größe 1\n" == app.livejob("logs", run["id"]).out


def test_a_rerun_is_a_run_of_its_own(app: DeployedApp):
    """With the same payload, or with another."""
    first = app.run("Divide", {"a": 6, "b": 0})

    again = app.livejob("rerun", first["id"])
    other = app.livejob("rerun", first["id"], "--payload", '{"a": 6, "b": 3}')

    assert ("FAILED", "ZeroDivisionError") == (first["state"], first["failure"]["type"])
    assert (10, "") == (again.code, again.out)
    assert "jobs.py" in again.err
    assert (0, "2.0\n") == (other.code, other.out)


def test_a_failed_attempt_is_tried_again(app: DeployedApp):
    """The reconciler starts the next build after the pause, until one succeeds."""
    run = app.run("Flaky", {"good": 3})

    assert ("SUCCEEDED", 3) == (run["state"], run["result"])
    assert ["QUEUED", "QUEUED", "SUCCEEDED"] == [each["state"] for each in run["attempts"]]
    assert 3 == len({each["owner"] for each in run["attempts"]})


def test_a_runner_that_dies_without_a_word_is_noticed(app: DeployedApp):
    """CodeBuild's own word closes the attempt by name, and the next one is made."""
    run = app.run("Flaky", {"good": 2, "kills_its_runner": True})

    assert ("SUCCEEDED", 2) == (run["state"], run["result"])
    assert "OutOfMemory" == run["attempts"][0]["failure"]["type"]


def test_a_run_that_takes_too_long_times_out(app: DeployedApp):
    """The job's own timeout, to the second, not CodeBuild's."""
    run = app.run("TooLong")

    assert ("TIMED_OUT", "TimedOut") == (run["state"], run["failure"]["type"])
    assert "timeout of 3 s" in run["failure"]["message"]


def test_a_running_build_is_cancelled(app: DeployedApp):
    """The handler hears of it, cleans up, and the run is CANCELLED."""
    run_id = app.start("Sleep")
    app.wait_state(run_id, "RUNNING")

    app.livejob("cancel", run_id)

    followed = app.livejob("logs", "-f", run_id)
    assert "asleep\nwoken\n" == followed.out
    assert "CANCELLED" == app.show(run_id)["state"]


def test_a_key_in_use_starts_no_second_build(app: DeployedApp):
    """Two calls with one key are one run, executed once."""
    ids = [app.start("Echo", 1, "--key", "order-7") for _ in range(2)]

    assert ids[0] == ids[1]
    assert 1 == len(app.run("Echo", 1, "--key", "order-7")["attempts"])


def check_echo(app: DeployedApp, size_bytes: int, directory: Path, *options: str) -> None:
    """A payload of so many bytes comes back as it was."""
    payload = "größe 😀 " * (size_bytes // 14)
    (directory / "payload.json").write_text(json.dumps(payload, ensure_ascii=False))

    ended = app.livejob("run", "Anywhere", "--payload-file", str(directory / "payload.json"), *options)

    assert 0 == ended.code, ended.err
    assert payload == json.loads(ended.out)


@pytest.mark.parametrize("size_bytes", [10 * MIB, 100 * MIB])
def test_documents_of_any_size_arrive(app: DeployedApp, size_bytes: int, tmp_path: Path):
    """Payload and result are the same at both ends, beyond ASCII too."""
    check_echo(app, size_bytes, tmp_path)


def test_a_development_stage_without_a_session_runs_all_the_same(app: DeployedApp, tmp_path: Path):
    """With the policy to run, a run that no session takes becomes a build; one that a session takes does not,
    and its documents may be as large.
    """
    with live_command(app.directory, "--engine", "process", environment=app.environment):
        live = app.run("Anywhere", "here", "--stage", "e2e")
        check_echo(app, 100 * MIB, tmp_path, "--stage", "e2e")
    run = app.run("Anywhere", "there", "--stage", "e2e")

    assert ("SUCCEEDED", "live", "here") == (live["state"], live["backend"], live["result"])
    assert ("SUCCEEDED", "codebuild", "there") == (run["state"], run["backend"], run["result"])
