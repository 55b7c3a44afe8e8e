"""What a StartBuild asks for: the project's settings under the call's overrides, checked as AWS does. Pure.

What the local AWS cannot do is refused here, before anything runs, rather than left out.
Source: AWS CodeBuild API, StartBuild, CreateProject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livejob.local_aws.build_host.messages import Fields, Variable, is_inline
from livejob.local_aws.plugs.codebuild.limits import (
    CONCURRENT_BUILDS,
    DEFAULT_QUEUED_TIMEOUT_MINUTES,
    DEFAULT_TIMEOUT_MINUTES,
    MEMORY_BYTES,
    QUEUED_TIMEOUT_MINUTES,
    RESERVED_PREFIX,
    SOURCE_TYPES,
    TIMEOUT_MINUTES,
    VARIABLE_CHARS,
    VARIABLE_TYPES,
)

INVALID = "InvalidInputException"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WITHOUT_EFFECT = frozenset({None, False, "", "NO_ARTIFACTS", "NO_CACHE"})


class Refused(Exception):
    """The service refuses the call. `code` is the error's name in the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Settings:
    """What a build is made from: a project's settings with the call's put over them.

    `environment`, `source` and `logs_config` are in the API's own shape, as the build's record has them.
    """

    environment: Fields
    source: Fields
    source_version: str
    logs_config: Fields
    service_role: str
    encryption_key: str
    timeout_minutes: int
    queued_timeout_minutes: int
    variables: tuple[Variable, ...]
    memory_bytes: int


def settings_of(project: Mapping[str, Any], call: Mapping[str, Any]) -> Settings:
    """The settings for one build of `project`; `call` is StartBuild's request, or {} for the project alone.

    Raises:
        Refused: they are not allowed, or cannot be had in the local AWS.
    """
    environment = _environment(project.get("environment", {}), call)
    source = _source(project.get("source", {}), call)
    _refuse_unsupported(project, call, environment)
    return Settings(
        environment=environment,
        source=source,
        source_version=str(call.get("sourceVersion") or project.get("sourceVersion") or ""),
        logs_config=dict(call.get("logsConfigOverride") or project.get("logsConfig") or {}),
        service_role=str(call.get("serviceRoleOverride") or project.get("serviceRole", "")),
        encryption_key=str(call.get("encryptionKeyOverride") or project.get("encryptionKey", "")),
        timeout_minutes=_minutes(project, call, "timeoutInMinutes", TIMEOUT_MINUTES, DEFAULT_TIMEOUT_MINUTES),
        queued_timeout_minutes=_minutes(
            project, call, "queuedTimeoutInMinutes", QUEUED_TIMEOUT_MINUTES, DEFAULT_QUEUED_TIMEOUT_MINUTES
        ),
        variables=tuple(_variable(each) for each in environment["environmentVariables"]),
        memory_bytes=_memory_bytes(environment),
    )


def check_project(project: Mapping[str, Any]) -> None:
    """What AWS checks when a project is made or changed; whether it can be executed here comes later.

    Raises:
        Refused: it is not allowed.
    """
    _minutes(project, {}, "timeoutInMinutes", TIMEOUT_MINUTES, DEFAULT_TIMEOUT_MINUTES)
    _minutes(project, {}, "queuedTimeoutInMinutes", QUEUED_TIMEOUT_MINUTES, DEFAULT_QUEUED_TIMEOUT_MINUTES)
    environment = project.get("environment") or {}
    for each in environment.get("environmentVariables") or []:
        _variable({"type": "PLAINTEXT", **each})
    if environment.get("type") in MEMORY_BYTES:
        _memory_bytes(environment)
    if int(project.get("concurrentBuildLimit") or -1) > CONCURRENT_BUILDS:
        raise Refused(
            INVALID,
            "Project-level concurrent build limit cannot exceed the account-level concurrent build limit "
            f"of {CONCURRENT_BUILDS}.",
        )


def _environment(of_project: Mapping[str, Any], call: Mapping[str, Any]) -> Fields:
    overrides = {
        "type": call.get("environmentTypeOverride"),
        "image": call.get("imageOverride"),
        "computeType": call.get("computeTypeOverride"),
        "privilegedMode": call.get("privilegedModeOverride"),
        "imagePullCredentialsType": call.get("imagePullCredentialsTypeOverride"),
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    environment = {"type": "LINUX_CONTAINER", **of_project, **given}
    environment["privilegedMode"] = str(environment.get("privilegedMode", False)).lower() == "true"
    environment["environmentVariables"] = _merged(
        of_project.get("environmentVariables") or [], call.get("environmentVariablesOverride") or []
    )
    if not environment.get("image"):
        raise Refused(INVALID, "Environment image is required")
    return environment


def _merged(of_project: Iterable[Fields], of_call: Iterable[Fields]) -> list[Fields]:
    """By name: what the call says replaces what the project says."""
    by_name = {str(each.get("name", "")): {"type": "PLAINTEXT", **each} for each in (*of_project, *of_call)}
    return list(by_name.values())


def _variable(fields: Mapping[str, Any]) -> Variable:
    name, value, kind = str(fields.get("name", "")), str(fields.get("value", "")), str(fields.get("type"))
    if name.startswith(RESERVED_PREFIX):
        raise Refused(INVALID, f"No user environment variables can start with {RESERVED_PREFIX}")
    if not _IDENTIFIER.fullmatch(name):
        raise Refused(INVALID, f"Invalid environment variable name: {name!r}")
    if len(value) > VARIABLE_CHARS:
        raise Refused(INVALID, f"EnvironmentVariable should be at most {VARIABLE_CHARS} characters")
    if "\0" in value:
        raise Refused(INVALID, f"Environment variable {name} holds a null character")
    if kind not in VARIABLE_TYPES:
        raise _not_in(kind, "environmentVariablesOverride.type", VARIABLE_TYPES)
    return Variable(name, value, kind)


def _source(of_project: Mapping[str, Any], call: Mapping[str, Any]) -> Fields:
    overrides = {
        "type": call.get("sourceTypeOverride"),
        "location": call.get("sourceLocationOverride"),
        "buildspec": call.get("buildspecOverride"),
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    source = {"type": "NO_SOURCE", **of_project, **given}
    kind = source["type"]
    if kind not in SOURCE_TYPES:
        raise Refused(INVALID, f"Source type {kind} is not supported by the local AWS: use S3 or NO_SOURCE")
    buildspec = str(source.get("buildspec") or "")
    if kind == "NO_SOURCE" and not (is_inline(buildspec) or buildspec.startswith("arn:")):
        raise Refused(INVALID, "No buildspec specified: a source of type NO_SOURCE needs an inline one")
    if kind == "S3":
        _check_location(str(source.get("location", "")))
    return source


def _check_location(location: str) -> None:
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    if not bucket or not key:
        raise Refused(INVALID, f"Invalid S3 source location {location!r}: it must be bucket/path/file.zip")
    if key.endswith("/"):
        raise Refused(INVALID, "An S3 folder as source is not supported by the local AWS: use a zip file")


def _minutes(
    project: Mapping[str, Any], call: Mapping[str, Any], name: str, limits: tuple[int, int], default: int
) -> int:
    override = call.get(f"{name}Override")
    where, value = (f"{name}Override", override) if override is not None else (name, project.get(name))
    minutes = default if value is None else int(value)
    low, high = limits
    if not low <= minutes <= high:
        bound = f"greater than or equal to {low}" if minutes < low else f"less than or equal to {high}"
        raise Refused(
            INVALID,
            f"1 validation error detected: Value '{minutes}' at '{where}' failed to satisfy constraint: "
            f"Member must have value {bound}",
        )
    return minutes


def _memory_bytes(environment: Mapping[str, Any]) -> int:
    kind, compute = environment.get("type", "LINUX_CONTAINER"), environment.get("computeType")
    if kind not in MEMORY_BYTES:
        raise _not_in(kind, "environment.type", MEMORY_BYTES)
    if compute not in MEMORY_BYTES[kind]:
        raise _not_in(compute, "environment.computeType", MEMORY_BYTES[kind])
    return MEMORY_BYTES[kind][compute]


def _refuse_unsupported(project: Mapping[str, Any], call: Mapping[str, Any], environment: Fields) -> None:
    artifacts = call.get("artifactsOverride") or project.get("artifacts") or {}
    unsupported = {
        "artifacts": artifacts.get("type"),
        "secondarySources": call.get("secondarySourcesOverride") or project.get("secondarySources"),
        "fleet": call.get("fleetOverride") or environment.get("fleet"),
        "privilegedMode": environment["privilegedMode"],
        "fileSystemLocations": project.get("fileSystemLocations"),
        "debugSessionEnabled": call.get("debugSessionEnabled"),
    }
    for name, value in unsupported.items():
        if not isinstance(value, list | dict) and value in _WITHOUT_EFFECT:
            continue
        if value:
            raise Refused(INVALID, f"{name} is not supported by the local AWS: {value}")


def _not_in(value: object, where: str, allowed: Iterable[str]) -> Refused:
    return Refused(
        INVALID,
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(allowed)}]",
    )
