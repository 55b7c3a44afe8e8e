"""An app's directory with a stage behind it, and the command line called as a person calls it.

The run record is a real table in the local AWS. The invokers are scripted, at the boundary of the Lambda
API, so that a test decides what becomes of a run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from livejob.cli.main import run_command
from livejob.local_runner.logs import LogLine, RunLogs
from livejob.runs.dynamodb import DynamoRunStore
from livejob.runs.model import Document, Run
from livejob.wire.ids import RunId
from livejob.wire.states import State
from tests.support.lambda_api import LambdaApi, lambda_api
from tests.support.runs import a_run
from tests.support.stage_fixtures import StageUnderTest

JOB = "Resize"

SOURCE = """\
from livejob import job


@job
def resize(payload):
    return payload


@job
def monthly_report():
    return None
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class AppUnderTest:
    """An app on disk. `livejob(...)` runs a command line in it."""

    root: Path
    stage: StageUnderTest
    api: LambdaApi
    runs: DynamoRunStore
    capsys: pytest.CaptureFixture[str]

    def livejob(self, *arguments: str) -> Told:
        self.capsys.readouterr()
        code = run_command(arguments)
        captured = self.capsys.readouterr()
        return Told(code, captured.out, captured.err)

    def job_does(self, then: Callable[[Run], object]) -> None:
        """The job's invoker records a run, lets `then` happen to it, and answers."""

        def invoke(request: Any) -> object:
            if request["action"] != "run":
                return then(self.runs.get(RunId(request["runId"])))
            data = json.dumps(request["payload"]).encode()
            run = self.runs.create(a_run(JOB, payload=Document(len(data), inline=data)))
            then(run)
            return {"jobId": run.id, "runId": run.id, "status": State.QUEUED, "backend": "live"}

        self.api.add_job(self.stage.names.app, self.stage.names.stage, JOB, invoke)

    def write_output(self, run_id: RunId, *lines: str) -> None:
        """What a daemon on this machine leaves of a run's output."""
        log = RunLogs(self.root / ".livejob").open(run_id)
        log.write([LogLine(1, 1, "stdout", line, "\n") for line in lines])
        log.close()


@pytest.fixture
def app(
    new_stage: StageUnderTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[AppUnderTest]:
    """An app whose stage is in the local AWS, reached as any account is: by the environment."""
    stage = new_stage
    (tmp_path / "livejob.toml").write_text(f'app = "{stage.names.app}"\nsource = "src"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "src/jobs.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    keys = stage.aws.developer.get_credentials()
    assert keys is not None
    with lambda_api() as api:
        for name, value in {
            "AWS_ACCESS_KEY_ID": str(keys.access_key),
            "AWS_SECRET_ACCESS_KEY": str(keys.secret_key),
            "AWS_REGION": stage.aws.region,
            "AWS_DEFAULT_REGION": stage.aws.region,
            "AWS_ENDPOINT_URL": stage.aws.endpoint_url,
            "AWS_ENDPOINT_URL_LAMBDA": api.url,
            "AWS_ENDPOINT_URL_SSM": api.url,
            "LIVEJOB_STAGE": stage.names.stage,
        }.items():
            monkeypatch.setenv(name, value)
        yield AppUnderTest(tmp_path, stage, api, stage.open_runs(), capsys)
