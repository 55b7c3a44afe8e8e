"""SAM beside livejob: its environment, the image that it expects, and `sam local start-lambda` on an app.

Nothing is fetched once it lies below ${XDG_CACHE_HOME:-~/.cache}/livejob/bench: aws-sam-cli in an
environment of its own, Lambda's runtime client, and the images in the engine's data. The Lambda-like image
is the one that livejob makes, with the runtime client and the packages of the heavy handlers, under the
name that SAM looks for; SAM adds its runtime interface emulator itself.
"""

from __future__ import annotations

import io
import json
import os
import platform
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker

from bench._sam_engine import BridgedEngine, NotHad
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import DockerEndpoint
from livejob.local_runner.image.build import build_image
from livejob.local_runner.image.interpreter import find_python

MINOR = ".".join(platform.python_version_tuple()[:2])
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "livejob" / "bench"
SAM_CLI = "aws-sam-cli==1.170.0"
RUNTIME_CLIENT = "awslambdaric==4.2.2"
IMAGE = f"public.ecr.aws/lambda/python:{MINOR}-x86_64"
PORT = 3001
JOBS = ("Tick", "Other", "Long")
STOP_S = 60.0

BOOTSTRAP = f"""\
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python{MINOR}
exec /var/lang/bin/python{MINOR} -m awslambdaric "$_HANDLER"
"""
"""As Lambda's own image has it, without its bootstrap.py, which sets the paths that ENV sets here."""

JOB_SHIM = '''\
"""In SAM's copy of the app: a handler of Lambda's kind from the same source."""


def job(*given, **options):
    def handler_of(function):
        return lambda event, context: function(event)

    return handler_of(*given) if given else handler_of
'''


def sam_command() -> Path:
    """SAM, installed into its environment when it is not there yet. Takes half a minute then.

    Raises:
        NotHad
    """
    venv = CACHE / "sam-venv"
    sam = venv / "bin" / "sam"
    if not sam.exists():
        _install(sys.executable, "-m", "venv", str(venv))
        _install(str(venv / "bin" / "pip"), "install", "-qq", SAM_CLI)
    return sam


def build_sam_image(engine: BridgedEngine, packages: Path | None) -> None:
    """The image under the name that SAM looks for; `packages` are of the heavy handlers.

    Raises:
        NotHad
    """
    connection = DockerConnection(DockerEndpoint(engine.url))
    base = build_image(connection, find_python(MINOR, os.environ)).tag
    client = docker.DockerClient(engine.url, timeout=300)
    try:
        client.images.build(
            fileobj=_context(base, _runtime_client(), packages), custom_context=True, tag=IMAGE
        )
    finally:
        client.close()


@contextmanager
def started_sam(engine: BridgedEngine, app: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """SAM on the functions of an app whose source lies in `app`/src, with their containers started ahead.

    Listens on PORT in the engine's network, after a while.
    """
    template = app / "template.json"
    template.write_text(json.dumps(_template()))
    (app / "src" / "livejob.py").write_text(JOB_SHIM)
    command = [
        *(str(sam_command()), "local", "start-lambda", "--template", str(template)),
        *("--warm-containers", "EAGER", "--skip-pull-image", "--port", str(PORT), "--region", "us-east-1"),
    ]
    with log.open("w") as log_file:
        process = subprocess.Popen(
            engine.inside(*command),
            cwd=app,
            env=_environment(engine, app),
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_S)
        _remove_containers(engine)


def _runtime_client() -> Path:
    """Lambda's runtime client for Python, installed when it is not there yet."""
    directory = CACHE / f"runtime-client-{MINOR}"
    if not directory.exists():
        making = directory.with_suffix(".new")
        _install(sys.executable, "-m", "pip", "install", "-qq", "--target", str(making), RUNTIME_CLIENT)
        making.rename(directory)
    return directory


def _install(*command: str) -> None:
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotHad(f"SAM cannot be installed: {error}") from error


def _context(base: str, runtime_client: Path, packages: Path | None) -> io.BytesIO:
    """What the image is built from, as a tar."""
    lines = [f"FROM {base}", "COPY runtime /var/runtime", "ENV PYTHONPATH=/var/runtime:/opt/python"]
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.add(runtime_client, "runtime")
        _add_text(tar, "runtime/bootstrap", BOOTSTRAP, 0o755)
        if packages is not None:
            tar.add(packages, "packages")
            lines.append("COPY packages /opt/python")
        _add_text(tar, "Dockerfile", "\n".join(lines), 0o644)
    context.seek(0)
    return context


def _add_text(tar: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(text.encode()), mode, 0
    tar.addfile(entry, io.BytesIO(text.encode()))


def _template() -> Mapping[str, object]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            job: {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "CodeUri": "src",
                    "Handler": f"jobs.{job.lower()}",
                    "Runtime": f"python{MINOR}",
                    "Timeout": 900,
                    "MemorySize": 3008,
                },
            }
            for job in JOBS
        },
    }


def _environment(engine: BridgedEngine, app: Path) -> Mapping[str, str]:
    """Without keys: with unreachable ones each start loses seconds in a look-up of the account."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**own, "DOCKER_HOST": engine.url, "HOME": str(app), "SAM_CLI_TELEMETRY": "0"}


def _remove_containers(engine: BridgedEngine) -> None:
    client = docker.DockerClient(engine.url)
    try:
        for container in client.containers.list(all=True):
            container.remove(force=True)
    finally:
        client.close()
