"""Builds without CodeBuild: the build runner as a real process, with the credentials of its job's role.

build = builds.start("hello.handler", {"name": "Mia"})
run = build.wait_ended()
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import livejob
from livejob.aws import current_keys
from livejob.clock import EpochMs
from livejob.deploy.permissions import build_statements
from livejob.runs.documents import S3Documents
from livejob.runs.model import Run
from livejob.wire.ids import RunId
from livejob.wire.names import (
    ENV_APP,
    ENV_ATTEMPT,
    ENV_BUCKET,
    ENV_BUNDLE,
    ENV_HANDLER,
    ENV_JOB,
    ENV_RUN_ID,
    ENV_STAGE,
    ENV_TABLE,
    ENV_TASK_ROOT,
    ENV_TIMEOUT,
)
from livejob.wire.states import Input
from tests.support.attempts import HANDLERS
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.roles import session_with
from tests.support.runs import a_change, a_run
from tests.support.stage_fixtures import StageUnderTest, make_stage

JOB = "Resize"
BUNDLE = "0123abcd"
WAIT_S = 30.0
ROOT = Path(livejob.__file__).parent.parent


@dataclass(slots=True)
class BuildUnderTest:
    """One build: a process, its output in a file, and the run that it is for."""

    stage: StageUnderTest
    run_id: RunId
    id: str
    process: subprocess.Popen[bytes]
    output_path: Path

    def output(self) -> str:
        """What has been written so far, stdout and stderr together, without the runner's own lines."""
        lines = self.output_path.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("[livejob] "))

    def said(self) -> str:
        """The runner's own lines."""
        lines = self.output_path.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if line.startswith("[livejob] "))

    def run(self) -> Run:
        return self.stage.open_runs().get(self.run_id)

    def wait_ended(self) -> Run:
        """The run as the build left it."""
        self.process.wait(WAIT_S)
        return self.run()

    def wait_output(self, text: str) -> None:
        self.wait(lambda: text in self.output())

    def wait(self, is_so: Callable[[], bool]) -> None:
        until_s = time.monotonic() + WAIT_S
        while not is_so():
            if time.monotonic() > until_s:
                raise TimeoutError(f"the build stays as it is: {self.output_path.read_text()}")
            time.sleep(0.01)

    def result(self) -> Any:
        run = self.run()
        assert run.result is not None, run
        return json.loads(self.stage.open_documents().load(run.result))


@dataclass(slots=True)
class BuildsUnderTest:
    """Starts builds of the job `Resize` in one stage."""

    stage: StageUnderTest
    environment: dict[str, str]
    directory: Path
    started: list[BuildUnderTest] = field(default_factory=list)

    def queue(self, payload: object = None, **fields: Any) -> Run:
        """A run that was handed to CodeBuild, and waits for its build."""
        now_ms = time.time_ns() // 1_000_000
        run = a_run(JOB, created_ms=now_ms, **fields)
        data = json.dumps(payload, ensure_ascii=False).encode()
        client = self.stage.aws.root.client("s3", endpoint_url=self.stage.aws.endpoint_url)
        document = S3Documents(client, self.stage.bucket).store("payloads", run.id, data)
        runs = self.stage.open_runs()
        runs.create(replace(run, payload=document))
        return runs.apply(run.id, a_change(Input.SUBMIT, EpochMs(now_ms)))

    def start(
        self, handler: str, payload: object = None, *, timeout_s: int = 60, **fields: Any
    ) -> BuildUnderTest:
        """A build for a new run."""
        return self.build(self.queue(payload, **fields), handler, timeout_s=timeout_s)

    def build(
        self, run: Run, handler: str, *, timeout_s: int = 60, attempt: int | None = None
    ) -> BuildUnderTest:
        """A build for the next attempt of a run."""
        stream = str(uuid.uuid4())
        build_id = f"{self.stage.names.project(JOB)}:{stream}"
        output_path = self.directory / f"{stream}.log"
        environment = {
            **self.environment,
            ENV_RUN_ID: run.id,
            ENV_ATTEMPT: str(attempt or run.attempt_number + 1),
            ENV_HANDLER: handler,
            ENV_TIMEOUT: str(timeout_s),
            "CODEBUILD_BUILD_ID": build_id,
            "CODEBUILD_LOG_PATH": stream,
        }
        with output_path.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "livejob.build_runner"],
                env=environment,
                cwd=HANDLERS,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        build = BuildUnderTest(self.stage, run.id, build_id, process, output_path)
        self.started.append(build)
        return build

    def stop_all(self) -> None:
        for build in self.started:
            if build.process.poll() is None:
                build.process.send_signal(signal.SIGKILL)
            build.process.wait()


@pytest.fixture(scope="module")
def build_stage(local_aws: LocalAwsUnderTest) -> StageUnderTest:
    """A stage in which builds run."""
    return make_stage(local_aws)


@pytest.fixture(scope="module")
def job_environment(build_stage: StageUnderTest) -> dict[str, str]:
    """The environment of the job's builds, with a session of the role as it is deployed."""
    aws, names = build_stage.aws, build_stage.names
    statements = build_statements(names, aws.account, aws.region, JOB, f"{build_stage.bucket}/bundles/*")
    keys = current_keys(session_with(aws, statements, names.job_role(JOB)))
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": str(keys.session_token),
        ENV_APP: names.app,
        ENV_STAGE: names.stage,
        ENV_JOB: JOB,
        ENV_TABLE: names.table,
        ENV_BUCKET: build_stage.bucket,
        ENV_BUNDLE: BUNDLE,
        ENV_TASK_ROOT: str(HANDLERS),
    }


@pytest.fixture
def builds(
    build_stage: StageUnderTest, job_environment: dict[str, str], tmp_path: Path
) -> Iterator[BuildsUnderTest]:
    """Starts builds; those that still run at the end are killed."""
    builds = BuildsUnderTest(build_stage, job_environment, tmp_path)
    yield builds
    builds.stop_all()
