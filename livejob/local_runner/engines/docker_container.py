"""What containers look like: the spec of a worker or a command as the body of Docker's create call. Pure.

Source: Docker Engine API v1.41, 'Create a container'.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from livejob.local_runner.engines.commands import CommandSpec
from livejob.local_runner.engines.docker_user import User
from livejob.local_runner.engines.port import WorkerSpec
from livejob.wire.names import (
    DEBUGGER_ROOT,
    DEPENDENCIES_ROOT,
    LABEL_APP,
    LABEL_JOB,
    LABEL_OWNER,
    LABEL_STAGE,
    RUNTIME_ROOT,
    TASK_ROOT,
)

SUPERVISOR = "livejob.local_runner.supervisor"

PROCESS_LIMIT = 1024
"""Processes and threads of one worker. Source: Lambda quotas, 'Execution processes/threads'."""

# -P: the source directory must not shadow modules that the supervisor itself imports.
# -s: no packages from a home directory.
_PYTHON = ["python3", "-P", "-s"]
# Frames of frozen modules have no files, and debugpy warns of it.
_DEBUGGED = ["-X", "frozen_modules=off"]


class Body(TypedDict):
    """Docker's names for what is asked, as the API spells them."""

    Image: str
    Entrypoint: list[str]
    Cmd: list[str]
    User: str
    WorkingDir: str
    Env: list[str]
    Labels: dict[str, str]
    OpenStdin: bool
    StdinOnce: bool
    AttachStdin: bool
    AttachStdout: bool
    AttachStderr: bool
    HostConfig: dict[str, object]


def container_body(spec: WorkerSpec, user: User, network: str) -> Body:
    """The create call's body for one worker. `network` is "none", "host" or a network's name."""
    return Body(
        Image=spec.image,
        Entrypoint=_command(spec),
        Cmd=[],
        User=str(user),
        WorkingDir=TASK_ROOT,
        Env=[f"{name}={value}" for name, value in _environment(spec).items()],
        Labels=labels(spec),
        OpenStdin=True,
        # With the channel the worker's stdin ends, and the supervisor with it: also after kill -9.
        StdinOnce=True,
        AttachStdin=True,
        AttachStdout=True,
        AttachStderr=True,
        HostConfig={
            "NetworkMode": network,
            "Mounts": [_mount(source, target) for target, source in mounts(spec).items()],
            "ReadonlyRootfs": True,
            # Its pages count towards Memory: a full /tmp leaves that much less to the job.
            "Tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,size={spec.tmp_bytes},mode=1777"},
            "CapDrop": ["ALL"],
            # SELinux would refuse the mounts unless the developer's files were relabelled.
            "SecurityOpt": ["no-new-privileges", "label=disable"],
            "Memory": spec.memory_bytes,
            "MemorySwap": spec.memory_bytes,
            "PidsLimit": PROCESS_LIMIT,
            "Init": False,
            # The channel carries what the worker says; the engine must not keep a copy on disk.
            "LogConfig": {"Type": "none"},
        },
    )


class CommandBody(TypedDict):
    """The same for a command."""

    Image: str
    Entrypoint: list[str]
    Cmd: list[str]
    User: str
    WorkingDir: str
    Env: list[str]
    Labels: dict[str, str]
    AttachStdout: bool
    AttachStderr: bool
    Healthcheck: dict[str, list[str]]
    HostConfig: dict[str, object]


def command_body(spec: CommandSpec) -> CommandBody:
    """The create call's body for one command: as CodeBuild runs it, whatever the image says of itself."""
    worker = f"container:{spec.beside}"
    return CommandBody(
        Image=spec.image,
        Entrypoint=["/bin/sh", spec.script],
        Cmd=[],
        User="0:0",
        WorkingDir=spec.directory,
        Env=[f"{name}={value}" for name, value in spec.environment.items()],
        Labels=labels(spec),
        AttachStdout=True,
        AttachStderr=True,
        Healthcheck={"Test": ["NONE"]},
        HostConfig={
            "NetworkMode": worker,
            "PidMode": worker,
            "Memory": spec.memory_bytes,
            "MemorySwap": spec.memory_bytes,
            "LogConfig": {"Type": "none"},
        },
    )


def mounts(spec: WorkerSpec) -> dict[str, Path]:
    """Where in the container which directory of this machine is seen, read-only."""
    seen = {TASK_ROOT: spec.source, f"{RUNTIME_ROOT}/livejob": spec.package / "livejob"}
    if spec.dependencies is not None:
        seen[DEPENDENCIES_ROOT] = spec.dependencies
    if spec.debugger is not None and spec.debugger.path is not None:
        seen[f"{DEBUGGER_ROOT}/{spec.debugger.part}".rstrip("/")] = spec.debugger.path / spec.debugger.part
    return seen


def labels(spec: WorkerSpec | CommandSpec) -> dict[str, str]:
    """By which a container is known as livejob's, and whose."""
    return {
        LABEL_OWNER: spec.owner,
        LABEL_APP: spec.app,
        LABEL_STAGE: spec.stage,
        LABEL_JOB: spec.job,
    }


def _command(spec: WorkerSpec) -> list[str]:
    if spec.debugger is not None:
        return [*_PYTHON, *_DEBUGGED, "-m", SUPERVISOR, "--debugger", spec.debugger.name]
    return [*_PYTHON, "-m", SUPERVISOR]


def _environment(spec: WorkerSpec) -> dict[str, str]:
    roots = [RUNTIME_ROOT, *([DEBUGGER_ROOT] if spec.debugger is not None else []), DEPENDENCIES_ROOT]
    return {"PYTHONDONTWRITEBYTECODE": "1", **spec.environment, "PYTHONPATH": ":".join(roots)}


def _mount(source: Path, target: str) -> dict[str, object]:
    return {"Type": "bind", "Source": str(source.absolute()), "Target": target, "ReadOnly": True}
