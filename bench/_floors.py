"""What nothing can go below: a fork, a fork and the import of a user's module, the start of a container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import docker

FORKS = """
import json, os, sys, time
import boto3, numpy, pandas
import gc; gc.collect(); gc.freeze()

TEXT = "import boto3, numpy, pandas\\ndef run(payload):\\n    return time.monotonic_ns()"
SOURCE = compile(TEXT, "job", "exec")
samples = []
for _ in range(int(sys.argv[1])):
    reading, writing = os.pipe()
    began_ns = time.monotonic_ns()
    if os.fork() == 0:
        module = {"time": time}
        exec(SOURCE, module)
        os.write(writing, str(module["run"](None)).encode())
        os._exit(0)
    samples.append((int(os.read(reading, 64)) - began_ns) / 1e6)
    os.wait()
    os.close(reading)
    os.close(writing)
print(json.dumps(samples))
"""


def fork_ms(count: int) -> list[float]:
    """From a fork of this process to the child's first line."""
    samples = []
    for _ in range(count):
        reading, writing = os.pipe()
        began_ns = time.monotonic_ns()
        if os.fork() == 0:
            os.write(writing, str(time.monotonic_ns()).encode())
            os._exit(0)
        samples.append((int(os.read(reading, 64)) - began_ns) / 1e6)
        os.wait()
        os.close(reading)
        os.close(writing)
    return samples


def import_ms(packages: Path, count: int) -> list[float]:
    """From a fork of a process that has numpy, pandas and boto3 to the first line of a user's function."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(count)],
        env={**os.environ, "PYTHONPATH": str(packages)},
        stdout=subprocess.PIPE,
        check=True,
    )
    samples: list[float] = json.loads(done.stdout)
    return samples


def container_ms(url: str, image: str, count: int) -> list[float]:
    """From the creation of a container to the first byte that a Python in it prints."""
    client = docker.DockerClient(url)
    samples = []
    try:
        for _ in range(count):
            began_s = time.monotonic()
            container = client.containers.create(
                image, entrypoint=["python3", "-c", "print(1, flush=True)"], command=[], network_mode="none"
            )
            output = container.attach(stream=True)
            container.start()
            next(output)
            samples.append((time.monotonic() - began_s) * 1000)
            container.remove(force=True)
    finally:
        client.close()
    return samples
