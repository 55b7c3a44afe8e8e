"""A production stage with everything real: the commands, the emulator, builds in containers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.deployed_app import DeployedApp, app_in_local_aws
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import QUICKSTART, copy_app
from tests.support.wheels import make_wheel

PROBES = '''
import os
from pathlib import Path

import tiny
from livejob import Context, job

@job(environment={"COLOR": "blue"})
def look_around(payload, context: Context):
    """Where a build finds what a worker has."""
    print("looking around", payload)
    return {
        "payload": payload,
        "attempt": context.attempt,
        "cwd": os.getcwd(),
        "file": __file__,
        "tiny": tiny.VALUE,
        "tiny_file": tiny.__file__,
        "color": os.environ["COLOR"],
        "told": [name for name in os.environ if "PAYLOAD" in name],
    }

@job
def crash():
    os._exit(3)
'''


@pytest.fixture(scope="module")
def works(docker: DockerUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedApp]:
    """The quickstart with a package and a few probes more, deployed as stage `prod`."""
    directory = copy_app(QUICKSTART, tmp_path_factory.mktemp("e2e-deploy"))
    (directory / "src/probes.py").write_text(PROBES)
    wheel = make_wheel(directory / "wheels", "tiny", "1.0", "VALUE = 42\n")
    (directory / "requirements.txt").write_text(f"{wheel}\n")
    with app_in_local_aws(directory, {"DOCKER_HOST": docker.endpoint.url}) as command:
        deployed = command.livejob("deploy", "--local")
        assert 0 == deployed.code, deployed.err
        yield command


def test_a_deployed_job_runs_in_a_build_under_its_role(works: DeployedApp):
    """CodeBuild executes the handler as the deployed role, which alone may write where it writes."""
    run = works.run("MonthlyReport", {"month": "2026-11"})

    assert ("SUCCEEDED", "codebuild") == (run["state"], run["backend"])
    assert "assumed-role/livejob-quickstart-prod-MonthlyReport-job/" in run["result"]["as"]


def test_a_build_looks_like_a_worker(works: DeployedApp):
    """Source, packages, working directory, variables and payload are where `livejob start` has them."""
    payload = {"name": "Zoë", "zero": 0, "nothing": None}

    run = works.run("LookAround", payload)

    assert {
        "payload": payload,
        "attempt": 1,
        "cwd": "/var/task",
        "file": "/var/task/probes.py",
        "tiny": 42,
        "tiny_file": "/opt/python/tiny.py",
        "color": "blue",
        "told": [],
    } == run["result"]


@pytest.mark.parametrize(
    ("job", "payload", "state", "failure"),
    [
        ("Divide", {"a": 1, "b": 0}, "FAILED", "ZeroDivisionError"),
        ("Crash", None, "FAILED", "HandlerExited"),
        ("CountSheep", {"sheep": 100}, "TIMED_OUT", "TimedOut"),
    ],
)
def test_ends_have_the_names_that_they_have_here(
    works: DeployedApp, job: str, payload: object, state: str, failure: str
):
    """An exception, a crash and a timeout in a build are told as on a developer's machine."""
    run = works.run(job, payload)

    assert (state, failure) == (run["state"], run["failure"]["type"])


def test_new_code_is_what_runs_next(works: DeployedApp):
    """After a deployment of changed code, the next run has it; only what holds the code is changed."""
    path = works.directory / "src/reports.py"
    path.write_text(path.read_text().replace('return "hello"', 'return "good morning"'))

    deployed = works.livejob("deploy", "--local", "--json")
    run = works.run("MonthlyReport", {"month": "2026-12"})

    changed = {
        event["kind"]
        for event in map(json.loads, deployed.out.splitlines())
        if event.get("is_stack") is False
    }
    assert {"AWS::CodeBuild::Project", "AWS::Lambda::Function"} == changed
    assert "good morning" == run["result"]["greeting"]
