"""What the emulator and its build host say to each other: one JSON object a line, each way.

    emulator -> host   {"start": BuildOrder}  {"stop": build id}
    host -> emulator   {"build": id, "changes": {fields of the build's record, as the API spells them}}

Standard library only: the emulator's side imports this too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Fields = dict[str, Any]
"""A record or a part of one, in CodeBuild's own JSON spelling; times are epoch seconds."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of a build. `type`: PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER, and for
    the latter two `value` says where the value is."""

    name: str
    value: str
    type: str = "PLAINTEXT"


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """Everything that a build host needs to know of a build.

    id:              `project:uuid`.
    phases:          so far: SUBMITTED has ended, QUEUED has begun.
    buildspec:       its text, a path in the source, an S3 ARN, or None for buildspec.yml in the source.
    variables:       of the project and the call, merged; they go before those of the buildspec.
    log_group:       None when the project has its logs turned off.
    pulls_as_role:   the image is pulled with the permissions of the build's role.
    credentials_url: where the build's role credentials are to be had, with `credentials_token`.
    """

    id: str
    arn: str
    number: int
    region: str
    account: str
    initiator: str
    phases: tuple[Fields, ...]
    image: str
    memory_bytes: int
    source_type: str
    source_location: str
    source_version: str
    buildspec: str | None
    variables: tuple[Variable, ...]
    timeout_s: float
    queued_timeout_s: float
    log_group: str | None
    log_stream: str
    role_arn: str
    encryption_key: str
    endpoint_url: str
    credentials_url: str
    credentials_token: str = field(repr=False)
    pulls_as_role: bool = False

    @property
    def uuid(self) -> str:
        return self.id.rpartition(":")[2]

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> BuildOrder:
        variables = tuple(Variable(**each) for each in fields["variables"])
        return BuildOrder(**{**fields, "phases": tuple(fields["phases"]), "variables": variables})


@dataclass(frozen=True, slots=True)
class Report:
    """What has changed in a build's record."""

    build: str
    changes: Fields


def is_inline(buildspec: str) -> bool:
    """True for the text of a buildspec, False for a path or an S3 ARN that leads to one."""
    return "\n" in buildspec or (":" in buildspec and not buildspec.startswith("arn:"))


def start_line(order: BuildOrder) -> bytes:
    return _line({"start": asdict(order)})


def stop_line(build_id: str) -> bytes:
    return _line({"stop": build_id})


def report_line(report: Report) -> bytes:
    return _line(asdict(report))


def read_command(line: bytes) -> BuildOrder | str:
    """An order to start a build, or the id of the build to stop."""
    message = json.loads(line)
    if "start" in message:
        return BuildOrder.from_fields(message["start"])
    return str(message["stop"])


def read_report(line: bytes) -> Report:
    return Report(**json.loads(line))


def _line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"
