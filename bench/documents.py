"""Large payloads and results, in development and in production, beside a raw copy to S3 and back.

`python -m bench.documents [--times N]`. A job returns its payload; the figure is the time from `Client.run`
to the result in the caller's hands, everything real: invoker, S3, worker or build. The raw copy puts the same
bytes into the same bucket and gets them again, twice, which is what a payload and a result have to travel at
the least. A run with a small payload shows what is not due to the size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from bench._figures import Report
from livejob.sdk.client import Client
from livejob.wire.names import StageNames

LIVEJOB = str(Path(sys.executable).with_name("livejob"))
MIB = 1024 * 1024
SIZES = {"100 bytes": 80, "10 MB": 10 * MIB, "100 MB": 100 * MIB}
APP, BUILD_STAGE, SESSION_STAGE = "bench-documents", "prod", "dev"
SOURCE = """
from livejob import job

@job(memory="3 GB")
def echo(payload):
    return payload
"""
RESULT_TIMEOUT_S = 300


@contextmanager
def started(directory: Path, *words: str) -> Iterator[None]:
    """A command that goes on until the block has ended; it is ready when it has said so."""
    process = subprocess.Popen(
        [LIVEJOB, *words], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready" in line or "Local AWS" in line:
                break
        yield
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def app_in_both_modes() -> Iterator[boto3.Session]:
    """The app as a production stage and in a session, and a session of boto3 for its local AWS."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "app"  # the temporary directory itself is closed to a worker's user
        directory.mkdir()
        (directory / "livejob.toml").write_text(f'app = "{APP}"\n')
        (directory / "jobs.py").write_text(SOURCE)
        with started(directory, "local-aws", "start"):
            deploy = [LIVEJOB, "deploy", "--local", "--yes", "--stage", BUILD_STAGE]
            subprocess.run(deploy, cwd=directory, capture_output=True, check=True)
            with started(directory, "start", "--local", "--json", "--stage", SESSION_STAGE):
                yield aws_session(directory)


def aws_session(directory: Path) -> boto3.Session:
    """As the local AWS's administrator; its address goes into the environment, where boto3 looks for it."""
    command = [LIVEJOB, "local-aws", "env", "--json"]
    told: Mapping[str, str] = json.loads(subprocess.check_output(command, cwd=directory))
    os.environ["AWS_ENDPOINT_URL"] = told["AWS_ENDPOINT_URL"]
    return boto3.Session(
        told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name=told["AWS_REGION"]
    )


def echo_ms(client: Client, payload: str) -> float:
    """One run, from the call to its result."""
    began_s = time.perf_counter()
    result: Any = client.run("Echo", payload).result(RESULT_TIMEOUT_S)
    took_ms = (time.perf_counter() - began_s) * 1000
    if result != payload:
        raise SystemExit("bench: the result is not what was sent")
    return took_ms


def raw_ms(session: boto3.Session, bucket: str, data: bytes) -> float:
    """The same bytes to S3 and back, twice."""
    s3 = session.client("s3")
    began_s = time.perf_counter()
    for key in ("raw/payload", "raw/result"):
        s3.put_object(Bucket=bucket, Key=key, Body=data)
        s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return (time.perf_counter() - began_s) * 1000


def measure(report: Report, session: boto3.Session, times: int) -> None:
    region = session.region_name
    account = session.client("sts").get_caller_identity()["Account"]
    clients = {
        "session": Client(APP, SESSION_STAGE, session=session),
        "build": Client(APP, BUILD_STAGE, session=session),
    }
    bucket = StageNames(APP, BUILD_STAGE).bucket(account, region)
    echo_ms(clients["session"], "warm")
    for size, chars in SIZES.items():
        payload = "ä€" + "x" * chars
        data = json.dumps(payload, ensure_ascii=False).encode()
        samples: dict[str, list[float]] = {"raw": [], **{mode: [] for mode in clients}}
        for _ in range(times):
            samples["raw"].append(raw_ms(session, bucket, data))
            for mode, client in clients.items():
                samples[mode].append(echo_ms(client, payload))
        report.add(f"{size}: raw, to S3 and back, twice", "ms", samples["raw"])
        report.add(f"{size}: payload and result, in a session", "ms", samples["session"])
        report.add(f"{size}: payload and result, in a build", "ms", samples["build"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times: int = parser.parse_args().times
    report = Report("Documents")
    with app_in_both_modes() as session:
        measure(report, session, times)
    report.print_table()
    print(f"  {report.write_json('documents')}")


if __name__ == "__main__":
    main()
