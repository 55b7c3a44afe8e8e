"""A worker's container, as it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livejob.local_runner.engines.docker_container import container_body
from livejob.local_runner.engines.docker_user import User
from livejob.local_runner.engines.port import WorkerDebugger, WorkerSpec
from livejob.wire.ids import SessionId
from livejob.wire.limits import MIB


def a_body(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "owner": SessionId("ses_1"),
        "app": "shop",
        "stage": "dev",
        "job": "Resize",
        "image": "livejob/python:3.11",
        "source": Path("/home/mia/shop/src"),
        "package": Path("/home/mia/venv/site-packages"),
        "environment": {},
        "memory_bytes": 512 * MIB,
    }
    return dict(container_body(WorkerSpec(**{**fields, **changes}), User(1000, 1000), "none"))


def test_container_gives_nothing_away():
    """Read-only root, no capability, no new privileges, a user that is not root, no log on disk."""
    body = a_body()

    host = body["HostConfig"]
    assert "1000:1000" == body["User"]
    assert host["ReadonlyRootfs"] is True
    assert ["ALL"] == host["CapDrop"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert {"Type": "none"} == host["LogConfig"]


def test_memory_cannot_be_had_from_swap():
    """The limit of memory and swap together is the limit of memory."""
    host = a_body(memory_bytes=256 * MIB)["HostConfig"]

    assert (256 * MIB, 256 * MIB) == (host["Memory"], host["MemorySwap"])


def test_only_the_livejob_package_is_mounted_of_its_directory():
    """What lies beside livejob (a whole site-packages) is not seen by the worker."""
    mounts = {each["Target"]: each for each in a_body()["HostConfig"]["Mounts"]}

    assert {"/var/task", "/opt/livejob/livejob"} == mounts.keys()
    assert "/home/mia/venv/site-packages/livejob" == mounts["/opt/livejob/livejob"]["Source"]
    assert all(each["ReadOnly"] for each in mounts.values())


def test_dependencies_are_mounted_where_lambda_has_layers():
    """A directory of packages is seen read-only at /opt/python."""
    mounts = a_body(dependencies=Path("/home/mia/shop/.livejob/deps"))["HostConfig"]["Mounts"]

    assert {
        "Type": "bind",
        "Source": "/home/mia/shop/.livejob/deps",
        "Target": "/opt/python",
        "ReadOnly": True,
    } in mounts


def test_environment_is_the_spec_and_what_python_needs():
    """The job's environment is passed; where livejob is found is not for it to say."""
    env = dict(each.split("=", 1) for each in a_body(environment={"COLOR": "a=b", "PYTHONPATH": "/x"})["Env"])

    assert {
        "COLOR": "a=b",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/opt/livejob:/opt/python",
    } == env


def test_labels_name_the_owner():
    """By its labels a worker's owner, app, stage and job are known."""
    assert {
        "dev.livejob.owner": "ses_1",
        "dev.livejob.app": "shop",
        "dev.livejob.stage": "dev",
        "dev.livejob.job": "Resize",
    } == a_body()["Labels"]


def test_a_debugger_is_mounted_and_loaded_when_there_is_one():
    """debugpy alone is seen, read-only, and the supervisor is told; without it nothing is different."""
    plain, debugged = (
        a_body(),
        a_body(debugger=WorkerDebugger("debugpy", Path("/home/mia/venv/site-packages"), "debugpy")),
    )

    [mount] = [each for each in debugged["HostConfig"]["Mounts"] if each not in plain["HostConfig"]["Mounts"]]
    assert ("/opt/debugger/debugpy", True) == (mount["Target"], mount["ReadOnly"])
    assert "/home/mia/venv/site-packages/debugpy" == mount["Source"]
    assert "--debugger" in debugged["Entrypoint"]
    assert "--debugger" not in plain["Entrypoint"]
    assert "frozen_modules=off" not in plain["Entrypoint"]
