"""What a job's definition may say: one rule for each argument, wherever it is written.

Used by `discovery` for `@job(...)` and for `[jobs.Name]` tables. Knows values only, not where they come
from: the caller gives the place for messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, TypeGuard, get_args

from livejob.errors import JobSpecInvalid
from livejob.project.specs import CONTAINER_RUNTIME, Container, DebugCommand, JobSpec, OnSave, Statement
from livejob.project.units import parse_duration_s, parse_size_bytes
from livejob.wire.limits import (
    BACKOFF_MAX_S,
    CONTAINER_TIMEOUT_MIN_S,
    GIB,
    JOB_MEMORY_MAX_BYTES,
    JOB_MEMORY_MIN_BYTES,
    JOB_TIMEOUT_MAX_S,
    JOB_TIMEOUT_MIN_S,
    MIB,
    QUEUE_TIMEOUT_MAX_S,
    QUEUE_TIMEOUT_MIN_S,
    RETRIES_MAX,
)
from livejob.wire.names import NAME_PATTERN

CONCURRENCY_MAX = 1000
WHEN_DISCONNECTED = ("run", "queue", "fail")
ARCHITECTURES = ("x86_64", "arm64")

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""Source: CloudWatch Logs, PutRetentionPolicy, retentionInDays; up to ten years."""

FOREVER = "forever"

_DAY_S = 24 * 3600

_RUNTIME = re.compile(r"python3\.(9|1[0-4])")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENV_RESERVED = ("AWS_", "LIVEJOB_", "LAMBDA_")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*]*[A-Za-z0-9][A-Za-z0-9*]*")
_WORDS = re.compile(r"[^_\W]+")


def default_name(function: str) -> str:
    """The name of a job whose author gave none: the function's in PascalCase.

    `monthly_report` -> `MonthlyReport`, `resizeImage` -> `ResizeImage`.
    """
    return "".join(word[0].upper() + word[1:] for word in _WORDS.findall(function))


def make_spec(arguments: Mapping[str, object], handler: str, place: str) -> JobSpec:
    """The job that `arguments`, as they are written, describe. None counts as not written.

    handler: `path/to/file.function`; the function gives the name when `arguments` has none.
    place:   `file:line`, for messages and `JobSpec.defined_at`.

    Raises:
        JobSpecInvalid: an argument that is unknown or out of its limits; the message names the place.
    """
    for unknown in arguments.keys() - ARGUMENTS.keys():
        raise JobSpecInvalid(f"{place}: {_unknown(unknown)}")
    fields: dict[str, Any] = {}
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, value in {"name": default_name(handler.rpartition(".")[2]), **given}.items():
        field, parse = ARGUMENTS[name]
        try:
            fields[field] = parse(value)
        except ValueError as allowed:
            raise JobSpecInvalid(f"{place}: {name} is {value!r:.200}, it must be {allowed}") from None
    spec = JobSpec(handler=handler, defined_at=place, **fields)
    _check_container(spec)
    return spec


def refuse_container(arguments: Mapping[str, object], place: str) -> None:
    """Nothing, unless a function is said to be a container job: that one has a directory, and no function.

    Raises:
        JobSpecInvalid
    """
    if arguments.get("runtime") == CONTAINER_RUNTIME or arguments.get("container") is not None:
        raise JobSpecInvalid(
            f"{place}: a function is no container job",
            remedy='Define it in livejob.toml, [jobs.Name]: runtime = "container", '
            'handler = "path/to/directory", container = { cmd = ["program", "argument"] }.',
        )


def _check_container(spec: JobSpec) -> None:
    if spec.is_container != (spec.runtime == CONTAINER_RUNTIME):
        raise JobSpecInvalid(
            f'{spec.defined_at}: runtime = "container" and container = {{ cmd = [...] }} go together; '
            f"{spec.name} has one of them"
        )
    if spec.is_container and (spec.timeout_s < CONTAINER_TIMEOUT_MIN_S or spec.timeout_s % 60):
        raise JobSpecInvalid(
            f"{spec.defined_at}: the timeout of a container job is 5 minutes or more, in whole minutes: "
            "CodeBuild itself keeps it"
        )


def _unknown(name: str) -> str:
    close = get_close_matches(name, ARGUMENTS, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(ARGUMENTS)}"
    return f"a job has no argument {name!r}; {hint}"


def _name(value: object) -> str:
    if not isinstance(value, str) or not NAME_PATTERN.fullmatch(value):
        raise ValueError("1 to 40 letters, digits and hyphens, first a letter (set it with name=)")
    return value


def _timeout_s(value: object) -> int:
    seconds = parse_duration_s(value)
    if not JOB_TIMEOUT_MIN_S <= seconds <= JOB_TIMEOUT_MAX_S:
        raise ValueError(f"between {JOB_TIMEOUT_MIN_S} second and {JOB_TIMEOUT_MAX_S // 3600} hours")
    return seconds


def _memory_bytes(value: object) -> int:
    size_bytes = parse_size_bytes(value)
    if not JOB_MEMORY_MIN_BYTES <= size_bytes <= JOB_MEMORY_MAX_BYTES:
        raise ValueError(f"between {JOB_MEMORY_MIN_BYTES // MIB} MB and {JOB_MEMORY_MAX_BYTES // GIB} GB")
    return size_bytes


def _concurrency(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= CONCURRENCY_MAX:
        raise ValueError(f"a whole number from 1 to {CONCURRENCY_MAX}")
    return value


def _when_disconnected(value: object) -> str:
    if value not in WHEN_DISCONNECTED:
        raise ValueError('"run", "queue" or "fail"')
    return str(value)


def _architecture(value: object) -> str:
    if value not in ARCHITECTURES:
        raise ValueError('"x86_64" or "arm64"')
    return str(value)


def _retries(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= RETRIES_MAX:
        raise ValueError(f"a whole number from 0 to {RETRIES_MAX}")
    return value


def _backoff_s(value: object) -> int:
    seconds = parse_duration_s(value)
    if not 1 <= seconds <= BACKOFF_MAX_S:
        raise ValueError(f"between 1 second and {BACKOFF_MAX_S // 60} minutes")
    return seconds


def _queue_timeout_s(value: object) -> int:
    seconds = parse_duration_s(value)
    if not QUEUE_TIMEOUT_MIN_S <= seconds <= QUEUE_TIMEOUT_MAX_S:
        raise ValueError(
            f"between {QUEUE_TIMEOUT_MIN_S // 60} minutes and {QUEUE_TIMEOUT_MAX_S // 3600} hours"
        )
    return seconds


def _log_days(value: object) -> int | None:
    if value == FOREVER:
        return None
    seconds = parse_duration_s(value)
    if seconds % _DAY_S or seconds // _DAY_S not in LOG_DAYS:
        raise ValueError(f'"{FOREVER}", or days as "30 days": {", ".join(map(str, LOG_DAYS))}')
    return seconds // _DAY_S


def _on_save(value: object) -> str:
    if value not in get_args(OnSave):
        raise ValueError('"finish" or "restart"')
    return str(value)


def _runtime(value: object) -> str:
    if value != CONTAINER_RUNTIME and (not isinstance(value, str) or not _RUNTIME.fullmatch(value)):
        raise ValueError('"python3.9" to "python3.14", or "container"')
    return str(value)


def _container(value: object) -> Container:
    if not isinstance(value, Mapping) or not value.keys() <= {"cmd", "file", "build_args", "debug"}:
        raise ValueError(_CONTAINER_FORM)
    command = value.get("cmd")
    if not _is_command(command):
        raise ValueError(f"{_CONTAINER_FORM}, and cmd has at least the program")
    file = value.get("file", "Dockerfile")
    if not isinstance(file, str) or not file or PurePosixPath(file).is_absolute() or ".." in file.split("/"):
        raise ValueError(f"{_CONTAINER_FORM}, and file lies in the job's directory")
    build_args = _build_args(value.get("build_args", {}))
    return Container(tuple(command), file, build_args, _debug(value.get("debug")))


def _debug(value: object) -> DebugCommand | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.keys() != {"cmd", "port", "root"}:
        raise ValueError(_DEBUG_FORM)
    command, port, root = value["cmd"], value["port"], value["root"]
    if not _is_command(command) or not any("{port}" in word for word in command):
        raise ValueError(f"{_DEBUG_FORM}, and cmd has {{port}} where its debugger is to listen")
    if not isinstance(port, int) or isinstance(port, bool) or not 1024 <= port <= 65535:
        raise ValueError(f"{_DEBUG_FORM}, and port is from 1024 to 65535")
    if not isinstance(root, str) or not PurePosixPath(root).is_absolute():
        raise ValueError(f"{_DEBUG_FORM}, and root is a directory of the image")
    return DebugCommand(tuple(command), port, root)


def _is_command(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_argument, value))


def _build_args(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(name, str) and _ENV_NAME.fullmatch(name) and _is_argument(text)
        for name, text in value.items()
    ):
        raise ValueError(f"{_CONTAINER_FORM}, and build_args are texts by name")
    return dict(value)


def _is_argument(value: object) -> bool:
    """A text that a command line and an environment can hold."""
    return isinstance(value, str) and "\0" not in value


_DEBUG_FORM = 'a table whose debug is { cmd = ["program", "{port}"], port = 5680, root = "/var/task" }'
_CONTAINER_FORM = (
    'a table { cmd = ["program", "argument"], file = "Dockerfile", build_args = { NAME = "text" } }'
)


def _environment(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(_is_variable(*item) for item in value.items()):
        raise ValueError(
            "a table of texts by name, the names of letters, digits and _, none of them starting with "
            + " or ".join(_ENV_RESERVED)
        )
    return dict(value)


def _is_variable(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _ENV_NAME.fullmatch(name) is not None
        and not name.startswith(_ENV_RESERVED)
    )


def _permissions(value: object) -> tuple[Statement, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(_PERMISSIONS_FORM)
    return tuple(_statement(each) for each in value)


def _statement(value: object) -> Statement:
    if not isinstance(value, Mapping) or value.keys() != {"actions", "resources"}:
        raise ValueError(_PERMISSIONS_FORM)
    actions, resources = _texts(value["actions"]), _texts(value["resources"])
    if not all(_ACTION.fullmatch(action) for action in actions):
        raise ValueError(f"{_PERMISSIONS_FORM}, each action of one service and not all of its actions")
    if not all(resource.startswith("arn:") for resource in resources):
        raise ValueError(f"{_PERMISSIONS_FORM}, each resource an ARN")
    return Statement(actions, resources)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError(_PERMISSIONS_FORM)
    return tuple(value)


_PERMISSIONS_FORM = (
    'a list of {"actions": ["s3:GetObject", ...], "resources": ["arn:aws:s3:::bucket/*", ...]}'
)

ARGUMENTS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "name": ("name", _name),
    "timeout": ("timeout_s", _timeout_s),
    "memory": ("memory_bytes", _memory_bytes),
    "concurrency": ("concurrency", _concurrency),
    "when_disconnected": ("when_disconnected", _when_disconnected),
    "on_save": ("on_save", _on_save),
    "environment": ("environment", _environment),
    "permissions": ("permissions", _permissions),
    "runtime": ("runtime", _runtime),
    "architecture": ("architecture", _architecture),
    "retries": ("retries", _retries),
    "backoff": ("backoff_s", _backoff_s),
    "queue_timeout": ("queue_timeout_s", _queue_timeout_s),
    "log_retention": ("log_days", _log_days),
    "container": ("container", _container),
}
"""Argument -> field of JobSpec, and the parser that says by its ValueError what is allowed."""
