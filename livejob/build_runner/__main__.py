"""The entry of a build: wires the runner from the build's environment."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping

import boto3
from botocore.config import Config

from livejob.build_runner.build import Build
from livejob.build_runner.execution import EXIT_FAILED, BuildRunner
from livejob.build_runner.heartbeat import Heartbeat
from livejob.build_runner.record import BuildRecord, Pace
from livejob.clock import SystemClock
from livejob.errors import LivejobError
from livejob.runner.processes import become_subreaper
from livejob.runs.documents import S3Documents
from livejob.runs.dynamodb import DynamoRunStore
from livejob.wire.limits import BUILD_HEARTBEAT_S

_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


def open_runner(environment: Mapping[str, str]) -> BuildRunner:
    """The runner of the build that the environment describes, with AWS's services behind it."""
    build = Build.of(environment)
    session = boto3.Session()
    clock = SystemClock()
    record = BuildRecord(
        build,
        DynamoRunStore(session.client("dynamodb", config=_CONFIG), build.table),
        S3Documents(session.client("s3", config=_CONFIG), build.bucket),
        Pace(clock, time.sleep),
    )
    heartbeat = Heartbeat(record, BUILD_HEARTBEAT_S, _say)
    return BuildRunner(build, record, heartbeat, clock, _say)


def _say(line: str) -> None:
    sys.stderr.write(f"[livejob] {line}\n")
    sys.stderr.flush()


def main() -> int:
    """Run; the exit code."""
    become_subreaper()
    try:
        runner = open_runner(os.environ)
        signal.signal(signal.SIGTERM, lambda number, frame: runner.on_stop_signal())
        return runner.run(os.environ)
    except LivejobError as error:
        _say(f"{error.code} {error.message} | hint: {error.remedy}")
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
