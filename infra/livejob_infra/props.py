"""What a `Job` is given, and what livejob makes of it: SST's props in Python spelling -> JobSpec.

Pure: nothing here knows the CDK, so that a job's props can be checked without it. `Job` calls it with
what its author wrote. Errors have SST's words, and a remedy in addition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import NotRequired, TypedDict

from livejob.errors import JobSpecInvalid
from livejob.project.job_arguments import make_spec
from livejob.project.specs import Architecture, JobSpec
from livejob.project.units import parse_duration_s, parse_size_bytes
from livejob.wire.limits import GIB

CONTAINER = "container"
ARCHITECTURES: Mapping[str, Architecture] = {"x86_64": "x86_64", "arm_64": "arm64"}
"""SST's words -> livejob's."""

MEMORY_GB: Mapping[str, Sequence[int]] = {
    "x86_64": (3, 7, 15, 70, 145),
    "arm_64": (3, 4, 8, 15, 16, 64, 96),
}
"""Memory sizes of CodeBuild's machines; 3 and 15 on ARM are SST's names of the machines with 4 and 16.
Source: CodeBuild user guide, 'Build environment compute modes and types'."""

TIMEOUT_MIN_S = 5 * 60
TIMEOUT_MAX_S = 36 * 3600
"""Source: CodeBuild CreateProject, timeoutInMinutes: 5 to 2160."""

RETENTION_DAYS: Mapping[str, int] = {
    "one_day": 1,
    "three_days": 3,
    "five_days": 5,
    "one_week": 7,
    "two_weeks": 14,
    "one_month": 30,
    "two_months": 60,
    "three_months": 90,
    "four_months": 120,
    "five_months": 150,
    "six_months": 180,
    "one_year": 365,
    "thirteen_months": 400,
    "eighteen_months": 545,
    "two_years": 731,
    "three_years": 1096,
    "five_years": 1827,
    "six_years": 2192,
    "seven_years": 2557,
    "eight_years": 2922,
    "nine_years": 3288,
    "ten_years": 3653,
}
"""SST's words, which are the CDK's `RetentionDays` in lower case. Source: CloudWatch Logs
PutRetentionPolicy."""


class ContainerProps(TypedDict):
    """How the image of a container job is made, and what runs in it.

    cmd:        command and arguments; not empty.
    file:       the Dockerfile, relative to the handler's directory. Default `Dockerfile`.
    build_args: `docker build --build-arg`.
    """

    cmd: Sequence[str]
    file: NotRequired[str]
    build_args: NotRequired[Mapping[str, str]]


# Functional form: `from` is a keyword of Python, and SST's word.
CopyFile = TypedDict("CopyFile", {"from": str, "to": NotRequired[str]})
"""A file or directory that is put beside the source: `from` relative to src_path, `to` in /var/task."""


@dataclass(frozen=True, slots=True)
class JobProps:
    """A job's props as its author wrote them; `Job` says what each means."""

    handler: str
    src_path: str = "."
    runtime: str | None = None
    architecture: str = "x86_64"
    memory_size: str = "3 GB"
    timeout: str | int = "8 hours"
    environment: Mapping[str, str] | None = None
    copy_files: Sequence[CopyFile] = ()
    container: ContainerProps | None = None
    log_retention: str | None = None
    retries: int | None = None
    backoff: str | int | None = None
    queue_timeout: str | int | None = None


def job_spec(id_: str, props: JobProps) -> JobSpec:
    """The job that the props describe.

    id_: the construct's id, which is the job's name.

    Raises:
        JobSpecInvalid: a prop that is missing, unknown or out of its limits.
    """
    if props.runtime == CONTAINER:
        _check_container(id_, props)
    elif props.container is not None:
        raise invalid(
            f"The {id_} Job has `container` and is no container job.", 'Set runtime="container" with it.'
        )
    _check_architecture(id_, props.architecture)
    memory_bytes = _memory_bytes(id_, props.memory_size, props.architecture)
    timeout_s = _timeout_s(id_, props.timeout)
    if props.runtime == CONTAINER:
        _check_dockerfile(props)
    else:
        _check_handler(id_, props)
        _check_copies(id_, props)
    days = _retention_days(id_, props.log_retention)
    names = ("runtime", "container", "environment", "retries", "backoff", "queue_timeout")
    arguments = {"name": id_, **{name: getattr(props, name) for name in names}}
    spec = _spec(id_, props.handler, arguments)
    return replace(
        spec,
        architecture=ARCHITECTURES[props.architecture],
        memory_bytes=memory_bytes,
        timeout_s=timeout_s,
        log_days=days or spec.log_days,
    )


def check_environment(id_: str, variables: Mapping[str, str]) -> None:
    """Nothing, if a job may have these variables.

    Raises:
        JobSpecInvalid: a name that is not allowed, or that livejob or AWS sets.
    """
    _spec(id_, "-.handler", {"name": id_, "environment": variables})


def invalid(message: str, remedy: str) -> JobSpecInvalid:
    """The error, with the remedy in its traceback: that is all that a CDK app shows."""
    error = JobSpecInvalid(message, remedy=remedy)
    error.add_note(f"hint: {remedy}")
    return error


def _spec(id_: str, handler: str, arguments: Mapping[str, object]) -> JobSpec:
    """By the rules of `@job(...)`."""
    try:
        return make_spec(arguments, handler, f"The {id_} Job")
    except JobSpecInvalid as error:
        raise invalid(error.message, "Correct that prop of the Job.") from None


def _check_architecture(id_: str, value: str) -> None:
    if value not in ARCHITECTURES:
        raise invalid(
            f"Invalid architecture value for the {id_} Job: {value!r}.",
            f"Use {_list(list(ARCHITECTURES), 'or')}.",
        )


def _memory_bytes(id_: str, value: str, architecture: str) -> int:
    try:
        size_bytes = parse_size_bytes(value)
    except ValueError:
        size_bytes = 0
    sizes = [f"{size} GB" for size in MEMORY_GB[architecture]]
    if size_bytes in {size * GIB for size in MEMORY_GB[architecture]}:
        return size_bytes
    if size_bytes in {size * GIB for size in MEMORY_GB["x86_64"]}:
        raise invalid(
            f"ARM architecture only supports {_list(sizes)} memory sizes for the {id_} Job.",
            f'{value!r} is a size of x86_64: take the next of ARM, or architecture="x86_64".',
        )
    raise invalid(
        f"Invalid memory size value for the {id_} Job.", f"It is {value!r}; use {_list(sizes, 'or')}."
    )


def _timeout_s(id_: str, value: str | int) -> int:
    try:
        seconds = parse_duration_s(value)
    except ValueError:
        seconds = 0
    if not TIMEOUT_MIN_S <= seconds <= TIMEOUT_MAX_S:
        raise invalid(
            f"Invalid timeout value for the {id_} Job.",
            f'It is {value!r}; use "5 minutes" to "36 hours" (second(s), minute(s), hour(s), day(s)).',
        )
    return seconds


def _retention_days(id_: str, value: str | None) -> int | None:
    if value is None:
        return None
    days = RETENTION_DAYS.get(value)
    if days is None:
        close = get_close_matches(str(value), RETENTION_DAYS, 1)
        hint = f'Did you mean "{close[0]}"?' if close else f"Use one of {_list(list(RETENTION_DAYS))}."
        raise invalid(f"Invalid log retention value for the {id_} Job: {value!r}.", hint)
    return days


def _check_container(id_: str, props: JobProps) -> None:
    container = props.container
    if container is None or not container.get("cmd"):
        raise invalid(
            f"No commands defined for the {id_} Job.",
            'Name the command that runs in the container: container={"cmd": ["python3", "script.py"]}.',
        )
    for key in container.keys() - ContainerProps.__annotations__.keys():
        raise invalid(
            f"The container of the {id_} Job has no {key!r}.",
            f"Known are {_list(list(ContainerProps.__annotations__))}.",
        )
    if props.copy_files:
        raise invalid(
            f"The {id_} Job has `copy_files` and is a container job.",
            "COPY them in its Dockerfile.",
        )


def _check_dockerfile(props: JobProps) -> None:
    """It is there. What is in it is Docker's affair."""
    assert props.container is not None
    path = Path(props.src_path, props.handler, props.container.get("file", "Dockerfile"))
    if not path.is_file():
        raise invalid(
            f'Failed to build job "{props.handler}"\nThere is no {path}.',
            "The handler of a container job is the directory of its Dockerfile, relative to src_path; "
            "src_path is relative to the directory that the CDK app runs in.",
        )


def _check_handler(id_: str, props: JobProps) -> None:
    """The file is there. Whether it has the function is seen without importing it, by the bundle's maker."""
    file, _, function = props.handler.rpartition(".")
    if not file or not function.isidentifier():
        raise invalid(
            f'No handler defined for the "{id_}" Job: {props.handler!r} names no function.',
            'Write it as "path/to/file.function", relative to src_path and without .py.',
        )
    path = Path(props.src_path, f"{file}.py")
    if not path.is_file():
        raise invalid(
            f'Failed to build job "{props.handler}"\nThere is no {path}.',
            "Correct handler or src_path; src_path is relative to the directory that the CDK app runs in.",
        )


def _check_copies(id_: str, props: JobProps) -> None:
    for each in props.copy_files:
        to = each.get("to", each["from"])
        if PurePosixPath(to).is_absolute():
            raise invalid(
                f'Copy destination path "{to}" must be relative',
                f"Name where in /var/task the {id_} Job finds it: {to.lstrip('/')!r}.",
            )
        if not Path(props.src_path, each["from"]).exists():
            raise invalid(
                f'Failed to build job "{props.handler}"\nThere is no {each["from"]} to copy '
                f"in {props.src_path}.",
                "Correct copy_files of the job: `from` is relative to src_path.",
            )


def _list(words: Sequence[str], last: str = "and") -> str:
    quoted = [f'"{word}"' for word in words]
    return f" {last} ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
