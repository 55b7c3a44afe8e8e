"""Deployments into the local AWS, and bundles with heavy packages.

`python -m bench.deploy [--times N]`. `livejob deploy` is called as a person calls it, so its process's own
start is in each figure. The packages' wheels come from the index or uv's cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench._figures import Report
from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundler
from livejob.errors import DependenciesUnusable
from livejob.project.specs import JobSpec

ROOT = Path(__file__).parents[1]
LIVEJOB = str(Path(sys.executable).with_name("livejob"))
LINUX = Platform("python3.12", "x86_64")


@contextmanager
def quickstart_with_aws() -> Iterator[Path]:
    """A copy of the quickstart whose local AWS runs."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "quickstart"
        ignored = shutil.ignore_patterns(".livejob", "__pycache__")
        shutil.copytree(ROOT / "examples/quickstart", directory, ignore=ignored)
        process = subprocess.Popen(
            [LIVEJOB, "local-aws", "start"], cwd=directory, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            process.stderr.readline()
            yield directory
        finally:
            process.terminate()
            process.wait()


def deploy_ms(directory: Path, stage: str) -> float:
    """One `livejob deploy`, from its process's start to its end."""
    began_s = time.perf_counter()
    subprocess.run(
        [LIVEJOB, "deploy", "--local", "--yes", "--stage", stage],
        cwd=directory,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        check=True,
    )
    return (time.perf_counter() - began_s) * 1000


def measure_deployments(report: Report, times: int) -> None:
    with quickstart_with_aws() as directory:
        source = directory / "src/reports.py"
        text = source.read_text()
        new, same, changed = [], [], []
        for number in range(times):
            new.append(deploy_ms(directory, f"prod{number}"))
            same.append(deploy_ms(directory, f"prod{number}"))
            source.write_text(f"{text}\nVERSION = {number}\n")
            changed.append(deploy_ms(directory, f"prod{number}"))
    report.add("deploy: new stage of three jobs", "ms", new)
    report.add("deploy: nothing has changed", "ms", same)
    report.add("deploy: code alone has changed", "ms", changed, "2000")


def measure_bundles(report: Report, times: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        app = Path(place)
        (app / "jobs.py").write_text("def resize(payload): ...\n")
        (app / "requirements.txt").write_text("numpy\npandas\n")
        job = JobSpec("Resize", "jobs.resize", "jobs.py:1")
        bundler = Bundler(app, app, app / ".livejob/bundles")
        cold, warm, changed = [], [], []
        for number in range(times):
            shutil.rmtree(app / ".livejob", ignore_errors=True)
            for samples in (cold, warm, changed):
                if samples is changed:
                    (app / "jobs.py").write_text(f"def resize(payload): return {number}\n")
                began_s = time.perf_counter()
                bundler.bundle(LINUX, [job])
                samples.append((time.perf_counter() - began_s) * 1000)
    report.add("bundle with numpy, pandas: first time (uv's cache warm)", "ms", cold)
    report.add("bundle with numpy, pandas: nothing has changed", "ms", warm)
    report.add("bundle with numpy, pandas: code alone has changed", "ms", changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times: int = parser.parse_args().times
    report = Report("Deployments")
    measure_deployments(report, times)
    try:
        measure_bundles(report, times)
    except DependenciesUnusable as error:
        print(f"bench: without packages: {error.message}", file=sys.stderr)
    report.print_table()
    print(f"  {report.write_json('deploy')}")


if __name__ == "__main__":
    main()
