"""The loop, from stub entry to recorded outcome; start, reload, and what an idle daemon costs.

`python -m bench.loop [--engine docker|process] [--runs N]`. Runs `livejob start --local` for real. The stub's
own code is called in this process, so that the emulator's way of running Lambda functions (a process, a
50 ms wait for output) is left out; one row shows it with that.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import boto3

from bench._figures import Report
from livejob.runs.dynamodb import DynamoRunStore
from livejob.wire.ids import RunId
from livejob.wire.names import StageNames

LIVEJOB = str(Path(sys.executable).with_name("livejob"))
NAMES = StageNames("bench", "dev")
JOB = "Tick"
SOURCE = """
import time
from livejob import job

VERSION = {version}

@job
def tick(payload):
    return [time.time_ns(), VERSION]
"""
DEADLINE_S = 60
IDLE_S = 20
PAUSE_S = 0.1
"""Between two runs, so that what one leaves to be done is not measured as the next one's."""


@dataclass
class Started:
    """A running `livejob start`, with the moment at which each event was read."""

    process: subprocess.Popen[str]
    ended_ns: dict[str, int] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)
    engine: str = ""
    news: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            now_ns = time.time_ns()
            event = json.loads(line)
            if event["event"] == "Ready":
                self.engine = event["engine"]
                self.ready.set()
            elif event["event"] == "RunEnded":
                with self.news:
                    self.ended_ns[event["run_id"]] = now_ns
                    self.news.notify_all()

    def wait_ended(self, run_id: str) -> int:
        with self.news:
            if not self.news.wait_for(lambda: run_id in self.ended_ns, DEADLINE_S):
                raise SystemExit(f"bench: {run_id} did not end")
            return self.ended_ns[run_id]


@contextmanager
def started(directory: Path, engine: str) -> Iterator[Started]:
    process = subprocess.Popen(
        [LIVEJOB, "start", "--local", "--json", "--stage", NAMES.stage, "--engine", engine],
        cwd=directory,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    session = Started(process)
    reader = threading.Thread(target=session.read)
    reader.start()
    try:
        if not session.ready.wait(DEADLINE_S):
            raise SystemExit("bench: livejob start did not get ready")
        yield session
    finally:
        process.send_signal(2)
        process.wait(DEADLINE_S)
        reader.join(DEADLINE_S)


def use_local_aws(directory: Path) -> str:
    """Take the local AWS's administrator into this process's environment; its account."""
    printed = subprocess.run(
        [LIVEJOB, "local-aws", "env", "--json"], cwd=directory, capture_output=True, check=True
    )
    os.environ.update(json.loads(printed.stdout))
    return str(boto3.client("sts").get_caller_identity()["Account"])


def stub_of(account: str) -> Callable[[], str]:
    """The stub as Lambda would hold it: wired when its module is imported, from the environment."""
    os.environ.update(
        {
            "LIVEJOB_APP": NAMES.app,
            "LIVEJOB_STAGE": NAMES.stage,
            "LIVEJOB_JOB": JOB,
            "LIVEJOB_TABLE": NAMES.table,
            "LIVEJOB_BUCKET": NAMES.bucket(account, os.environ["AWS_REGION"]),
            "LIVEJOB_WHEN_DISCONNECTED": "queue",
        }
    )
    from livejob.stub_lambda.handler import handler

    def invoke() -> str:
        with contextlib.redirect_stdout(io.StringIO()):
            return str(
                handler({"action": "run", "payload": None}, SimpleNamespace(aws_request_id="bench"))["runId"]
            )

    return invoke


@dataclass
class Bench:
    """Calls the job in different ways against one session."""

    directory: Path
    session: Started
    invoke: Callable[[], str]  # starts a run, returns its id
    runs: DynamoRunStore

    def one(self, pause_s: float = PAUSE_S) -> tuple[float, float, int]:
        """One run: ms from entry to the handler's first line, to the recorded outcome, and its version."""
        time.sleep(pause_s)
        entry_ns = time.time_ns()
        run_id = self.invoke()
        ended_ns = self.session.wait_ended(run_id)
        result = self.runs.get(RunId(run_id)).result
        assert result is not None and result.inline is not None, self.runs.get(RunId(run_id))
        first_ns, version = json.loads(result.inline)
        return (first_ns - entry_ns) / 1e6, (ended_ns - entry_ns) / 1e6, version

    def reload(self, version: int) -> float:
        """Save a new version and run at once: ms from the write to the new code's first line."""
        time.sleep(PAUSE_S)
        wrote_ns = time.time_ns()
        (self.directory / "jobs.py").write_text(SOURCE.format(version=version))
        entry_ns = time.time_ns()
        first_ms, _, ran = self.one(pause_s=0)
        if ran != version:
            raise SystemExit(f"bench: STALE: saved {version}, ran {ran}")
        return first_ms + (entry_ns - wrote_ns) / 1e6


def measure_ready(directory: Path, engine: str, count: int) -> list[float]:
    """Seconds from the command's process to its Ready line."""
    samples = []
    for _ in range(count):
        began_s = time.perf_counter()
        with started(directory, engine):
            samples.append(time.perf_counter() - began_s)
    return samples


def measure_help(count: int) -> list[float]:
    samples = []
    for _ in range(count):
        began_s = time.perf_counter()
        subprocess.run([LIVEJOB, "--help"], check=True, stdout=subprocess.DEVNULL)
        samples.append((time.perf_counter() - began_s) * 1000)
    return samples


def measure_idle(pid: int) -> tuple[float, float, float]:
    """Resident and proportional megabytes of the daemon's process, and its CPU in percent of one core."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    rss_mb, pss_mb = (int(fields[name].split()[0]) / 1024 for name in ("Rss", "Pss"))
    before = cpu_ticks(pid)
    time.sleep(IDLE_S)
    used_s = (cpu_ticks(pid) - before) / os.sysconf("SC_CLK_TCK")
    return rss_mb, pss_mb, 100 * used_s / IDLE_S


def cpu_ticks(pid: int) -> int:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


def measure_floor(runs: DynamoRunStore, run_id: RunId, count: int) -> list[float]:
    """Milliseconds of one consistent read of the record: what every step on the way costs at least."""
    samples = []
    for _ in range(count):
        began_s = time.perf_counter()
        runs.get(run_id)
        samples.append((time.perf_counter() - began_s) * 1000)
    return samples


def invoke_lambda() -> str:
    answer = boto3.client("lambda").invoke(
        FunctionName=NAMES.invoker(JOB), Payload=json.dumps({"action": "run", "payload": None})
    )
    return str(json.loads(answer["Payload"].read())["runId"])


def measure(directory: Path, engine: str, runs: int, report: Report) -> None:
    report.add("livejob --help", "ms", measure_help(10), "150")
    report.add("start --local: process to ready", "s", measure_ready(directory, engine, 5), "2.5")
    with started(directory, engine) as session:
        report.title += f", {session.engine}"
        rss_mb, pss_mb, cpu = measure_idle(session.process.pid)
        report.add("idle daemon: resident", "MB", [rss_mb], "60")
        report.add("idle daemon: proportional", "MB", [pss_mb])
        report.add(f"idle daemon: CPU over {IDLE_S} s", "%", [cpu], "0.5")
        invoke_stub = stub_of(use_local_aws(directory))
        store = DynamoRunStore(boto3.client("dynamodb"), NAMES.table)
        direct = Bench(directory, session, invoke_stub, store)
        cold_first_ms, cold_end_ms, _ = direct.one()
        for _ in range(10):
            direct.one()
        ran = [direct.one() for _ in range(runs)]
        report.add("stub entry → handler's first line", "ms", [first for first, _, _ in ran], "15")
        report.add("stub entry → outcome recorded", "ms", [end for _, end, _ in ran], "30")
        report.add("the same, first run of a cold job: first line", "ms", [cold_first_ms])
        report.add("the same, first run of a cold job: recorded", "ms", [cold_end_ms])
        report.add(
            "save → first line of the new code", "ms", [direct.reload(n) for n in range(1, runs // 3)], "50"
        )
        report.add("floor: one read of the record", "ms", measure_floor(store, RunId(invoke_stub()), 100))
        through_api = Bench(directory, session, invoke_lambda, store)
        through_api.one()
        calls = [through_api.one() for _ in range(runs // 3)]
        report.add(
            "Lambda API call → first line (with the emulator's Lambda)", "ms", [each[0] for each in calls]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["auto", "docker", "process"], default="auto")
    parser.add_argument("--runs", type=int, default=90)
    options = parser.parse_args()
    parent = Path(tempfile.mkdtemp(prefix="livejob-bench-"))
    directory = parent / NAMES.app
    try:
        directory.mkdir()
        (directory / "livejob.toml").write_text(f'app = "{NAMES.app}"\n')
        (directory / "jobs.py").write_text(SOURCE.format(version=0))
        report = Report("The loop")
        report.notes.append("everything shares these CPUs: emulator, daemon, worker and this bench")
        measure(directory, options.engine, options.runs, report)
    finally:
        shutil.rmtree(parent)
    report.print_table()
    print(f"  {report.write_json('loop')}")


if __name__ == "__main__":
    main()
