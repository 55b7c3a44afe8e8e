"""The rules for a job's arguments."""

from __future__ import annotations

import pytest

from livejob.errors import JobSpecInvalid
from livejob.project.job_arguments import default_name, make_spec, refuse_container
from livejob.project.specs import Container, JobSpec, Statement
from livejob.wire.limits import GIB

DEBUG = {"cmd": ["node", "--inspect={port}"], "port": 9230, "root": "/app"}
READ_BUCKET = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bucket/*"]}


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("resize", "Resize"),
        ("monthly_report", "MonthlyReport"),
        ("resizeImage", "ResizeImage"),
        ("_import__orders2", "ImportOrders2"),
    ],
)
def test_default_name_is_the_function_in_pascal_case(function: str, name: str) -> None:
    """A job that is not named is called after its function."""
    assert name == default_name(function)


def test_defaults_are_filled_in() -> None:
    """A job without arguments has SST's defaults and queues while nobody is attached."""
    spec = make_spec({}, "jobs/reports.monthly", "src/jobs/reports.py:3")

    assert spec == JobSpec(
        name="Monthly",
        handler="jobs/reports.monthly",
        defined_at="src/jobs/reports.py:3",
        runtime="python3.11",
        timeout_s=8 * 3600,
        memory_bytes=3 * GIB,
        concurrency=10,
        when_disconnected="queue",
        environment={},
        permissions=(),
    )


def test_every_argument_is_read() -> None:
    """Each argument ends in its field, in the units of the field."""
    arguments = {
        "name": "Month-End",
        "timeout": "1 hour",
        "memory": "7 GB",
        "concurrency": 2,
        "when_disconnected": "fail",
        "environment": {"LOG_LEVEL": "debug"},
        "permissions": [READ_BUCKET],
        "runtime": "python3.12",
        "architecture": "arm64",
        "retries": 2,
        "backoff": "1 minute",
        "queue_timeout": "1 hour",
        "log_retention": "30 days",
    }

    spec = make_spec(arguments, "reports.monthly", "reports.py:3")

    assert spec == JobSpec(
        name="Month-End",
        handler="reports.monthly",
        defined_at="reports.py:3",
        runtime="python3.12",
        timeout_s=3600,
        memory_bytes=7 * GIB,
        concurrency=2,
        when_disconnected="fail",
        environment={"LOG_LEVEL": "debug"},
        permissions=(Statement(("s3:GetObject",), ("arn:aws:s3:::bucket/*",)),),
        architecture="arm64",
        retries=2,
        backoff_s=60,
        queue_timeout_s=3600,
        log_days=30,
    )


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("name", "9lives", "name is '9lives', it must be 1 to 40 letters"),
        ("name", "x" * 41, "it must be 1 to 40 letters"),
        ("timeout", "soon", "timeout is 'soon', it must be a duration such as"),
        ("timeout", 0, "timeout is 0, it must be between 1 second and 36 hours"),
        ("timeout", "37 hours", "it must be between 1 second and 36 hours"),
        ("memory", 3, "memory is 3, it must be a size such as"),
        ("memory", "200 GB", "it must be between 128 MB and 145 GB"),
        ("concurrency", 0, "concurrency is 0, it must be a whole number from 1 to 1000"),
        ("concurrency", True, "it must be a whole number"),
        ("when_disconnected", "wait", 'when_disconnected is \'wait\', it must be "run", "queue" or "fail"'),
        ("environment", {"A": 1}, "it must be a table of texts by name"),
        ("environment", {"AWS_PROFILE": "x"}, "none of them starting with AWS_"),
        ("environment", ["A"], "it must be a table of texts by name"),
        ("permissions", {"actions": []}, "it must be a list of"),
        ("permissions", [{"actions": ["s3:GetObject"]}], "it must be a list of"),
        ("permissions", [{**READ_BUCKET, "actions": []}], "it must be a list of"),
        ("permissions", [{**READ_BUCKET, "actions": ["*"]}], "not all of its actions"),
        ("permissions", [{**READ_BUCKET, "actions": ["s3:*"]}], "not all of its actions"),
        ("permissions", [{**READ_BUCKET, "resources": ["*"]}], "each resource an ARN"),
        ("runtime", "python2.7", 'it must be "python3.9" to "python3.14", or "container"'),
        ("container", ["echo"], "container is ['echo'], it must be a table { cmd ="),
        ("container", {"command": ["echo"]}, "it must be a table { cmd ="),
        ("container", {"cmd": []}, "and cmd has at least the program"),
        ("container", {"cmd": "echo"}, "and cmd has at least the program"),
        ("container", {"cmd": ["echo", 1]}, "and cmd has at least the program"),
        ("container", {"cmd": ["echo"], "file": "../Dockerfile"}, "and file lies in the job's directory"),
        ("container", {"cmd": ["echo"], "build_args": {"A": 1}}, "and build_args are texts by name"),
        ("container", {"cmd": ["echo"], "debug": {"cmd": ["a"]}}, "whose debug is { cmd ="),
        ("container", {"cmd": ["echo"], "debug": {**DEBUG, "cmd": ["a"]}}, "has {port} where"),
        ("container", {"cmd": ["echo"], "debug": {**DEBUG, "port": 80}}, "port is from 1024"),
        ("container", {"cmd": ["echo"], "debug": {**DEBUG, "root": "app"}}, "root is a directory of the"),
        ("container", {"cmd": ["echo"]}, "go together; Monthly has one of them"),
        ("architecture", "arm_64", 'architecture is \'arm_64\', it must be "x86_64" or "arm64"'),
        ("retries", 11, "retries is 11, it must be a whole number from 0 to 10"),
        ("retries", True, "it must be a whole number from 0 to 10"),
        ("backoff", "11 minutes", "it must be between 1 second and 10 minutes"),
        ("backoff", 0, "it must be between 1 second and 10 minutes"),
        ("queue_timeout", "4 minutes", "it must be between 5 minutes and 8 hours"),
        ("log_retention", "2 days", 'it must be "forever", or days as "30 days": 1, 3, 5, 7'),
        ("log_retention", "36 hours", 'it must be "forever", or days'),
        ("tiemout", "1 hour", "a job has no argument 'tiemout'; did you mean timeout?"),
        ("colour", "red", "a job has no argument 'colour'; known are name, timeout,"),
    ],
)
def test_argument_out_of_its_limits_is_refused(argument: str, value: object, message: str) -> None:
    """The error names the place, what was found, and what is allowed."""
    with pytest.raises(JobSpecInvalid) as caught:
        make_spec({argument: value}, "reports.monthly", "src/reports.py:12")

    assert caught.value.message.startswith("src/reports.py:12: ")
    assert message in caught.value.message


def test_container_job_has_a_command_and_an_image() -> None:
    """A container job says what runs and how its image is made; both have defaults where there can be one."""
    arguments = {
        "name": "Resize",
        "runtime": "container",
        "timeout": "5 minutes",
        "container": {"cmd": ["python3", "resize.py"], "build_args": {"VERSION": "3"}},
    }

    spec = make_spec(arguments, "jobs/resize", "livejob.toml [jobs.Resize]")

    assert Container(("python3", "resize.py"), "Dockerfile", {"VERSION": "3"}) == spec.container
    assert spec.is_container


@pytest.mark.parametrize("timeout", [60, 330])
def test_container_jobs_time_is_codebuilds(timeout: int) -> None:
    """CodeBuild keeps the time of a container job, in minutes and from five of them on."""
    container = {"runtime": "container", "container": {"cmd": ["true"]}}

    with pytest.raises(JobSpecInvalid, match="5 minutes or more, in whole minutes"):
        make_spec({**container, "name": "Resize", "timeout": timeout}, "jobs/resize", "livejob.toml")


@pytest.mark.parametrize("argument", [{"runtime": "container"}, {"container": {"cmd": ["true"]}}])
def test_function_is_no_container_job(argument: dict[str, object]) -> None:
    """Who decorates a function as a container job is told where it is defined."""
    with pytest.raises(JobSpecInvalid) as caught:
        refuse_container(argument, "src/reports.py:12")

    assert "src/reports.py:12: a function is no container job" == caught.value.message
    assert "[jobs.Name]" in caught.value.remedy
