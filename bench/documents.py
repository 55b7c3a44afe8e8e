"""Large payloads and results, both modes, against a copy of the same bytes to S3 and back.

`python -m bench.documents [--sizes 10,100] [--times N]`. A job gives back what it was given, so each run
moves its document four times: caller to S3, S3 to the job, the job to S3, S3 to the caller. So does the copy
that it is compared with, by plain boto3. What a run without a large document takes is measured as well.
Everything goes through the emulator's S3, which is slower than AWS's own and faster than the way to it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from bench._figures import Report
from livejob.sdk import Client

LIVEJOB = str(Path(sys.executable).with_name("livejob"))
APP, STAGES = "documents", {"live": "dev", "build": "prod"}
SOURCE = "from livejob import job\n\n\n@job\ndef echo(payload):\n    return payload\n"
MIB = 1 << 20
TIMEOUT_S = 300


@contextmanager
def app_with_aws() -> Iterator[Path]:
    """An app with both stages: `dev` with a session, and `prod` deployed."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        directory.chmod(0o755)  # a worker is another user, where root measures
        (directory / "livejob.toml").write_text(f'app = "{APP}"\n')
        (directory / "jobs.py").write_text(SOURCE)
        with running(directory, "start", "--local", "--json", "--stage", STAGES["live"], until='"Ready"'):
            deploy = [LIVEJOB, "deploy", "--local", "--yes", "--stage", STAGES["build"]]
            subprocess.run(deploy, cwd=directory, capture_output=True, check=True)
            yield directory


@contextmanager
def running(directory: Path, *command: str, until: str) -> Iterator[None]:
    """A command that runs meanwhile, once it has said so."""
    process = subprocess.Popen([LIVEJOB, *command], cwd=directory, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if not any(until in line for line in process.stdout):
            raise SystemExit(f"bench: livejob {command[0]} has ended")
        yield
    finally:
        process.terminate()
        process.communicate()


def administrator(directory: Path) -> tuple[boto3.Session, str]:
    told = subprocess.run(
        [LIVEJOB, "local-aws", "env", "--json"], cwd=directory, capture_output=True, check=True, text=True
    )
    keys: dict[str, str] = json.loads(told.stdout)
    session = boto3.Session(
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
    )
    return session, keys["AWS_ENDPOINT_URL"]


def document_of(size_bytes: int) -> str:
    """A text whose JSON has that size, beyond ASCII too."""
    part = "größe 😀 "
    return part * (size_bytes // len(part.encode()))


def run_ms(client: Client, payload: object) -> float:
    """One run from the call to the result, which has to be the payload."""
    began_s = time.perf_counter()
    result = client.run("Echo", payload).result(TIMEOUT_S)
    took_ms = (time.perf_counter() - began_s) * 1000
    if result != payload:
        raise SystemExit("bench: the result is not the payload")
    return took_ms


def copy_ms(s3: Any, bucket: str, data: bytes) -> float:
    """Twice to S3 and twice back."""
    began_s = time.perf_counter()
    for number in range(2):
        s3.put_object(Bucket=bucket, Key=f"copy{number}", Body=data)
        s3.get_object(Bucket=bucket, Key=f"copy{number}")["Body"].read()
    return (time.perf_counter() - began_s) * 1000


def measure(report: Report, directory: Path, sizes_mib: Sequence[int], times: int) -> None:
    session, endpoint_url = administrator(directory)
    s3: Any = session.client("s3", endpoint_url=endpoint_url)
    s3.create_bucket(Bucket="bench-copies")
    clients = {
        mode: Client(APP, stage, session=session, endpoint_url=endpoint_url) for mode, stage in STAGES.items()
    }
    for mode, client in clients.items():
        run_ms(client, "first")
        small = [run_ms(client, "") for _ in range(times)]
        report.add(f"{mode}: a run with a payload of 2 bytes", "ms", small)
    for size_mib in sizes_mib:
        payload = document_of(size_mib * MIB)
        data = json.dumps(payload, ensure_ascii=False).encode()
        copies = [copy_ms(s3, "bench-copies", data) for _ in range(times)]
        report.add(f"copy: {size_mib} MiB twice to S3 and back", "ms", copies)
        for mode, client in clients.items():
            took = [run_ms(client, payload) for _ in range(times)]
            report.add(f"{mode}: {size_mib} MiB as payload and as result", "ms", took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100", help="MiB, with commas")
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    report = Report("Documents")
    with app_with_aws() as directory:
        measure(report, directory, [int(each) for each in given.sizes.split(",")], given.times)
    report.print_table()
    print(f"  {report.write_json('documents')}")


if __name__ == "__main__":
    main()
