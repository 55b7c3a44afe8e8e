"""What VS Code needs to attach to the debugger of a container job: one configuration for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livejob.project.specs import DebugCommand, JobSpec

HOST = "127.0.0.1"


def command_configuration(job: JobSpec, debug: DebugCommand, directory: str) -> dict[str, Any]:
    """directory: of the job, by the editor's own word for the workspace.

    Source: VS Code, "Python debugging" and "Node.js debugging", attach configurations.
    """
    name = f"livejob: {job.name}"
    if debug.is_python:
        return {
            "name": name,
            "type": "debugpy",
            "request": "attach",
            "connect": {"host": HOST, "port": debug.port},
            "pathMappings": [{"localRoot": directory, "remoteRoot": debug.root}],
            "justMyCode": False,
        }
    return {
        "name": name,
        "type": "node",
        "request": "attach",
        "address": HOST,
        "port": debug.port,
        "localRoot": directory,
        "remoteRoot": debug.root,
    }


def job_directory(workspace: Path, source: Path, job: JobSpec) -> str:
    """The directory of a container job, by VS Code's word for the workspace, in which it lies."""
    inside = (source / job.handler).relative_to(workspace).as_posix()
    return f"${{workspaceFolder}}/{inside}"
