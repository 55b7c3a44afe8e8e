"""The settings of an app, as one table: the fields of `Settings`.

Each has its name, type and default, and by `_setting` its parser, its words for docs, its flag and its
environment variable. docs/settings.md, `livejob config` and the command line's flags are made from it.
Where values come from is `loading`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from livejob.project.specs import OnSave
from livejob.project.units import parse_duration_s
from livejob.wire.names import NAME_PATTERN

EngineChoice = Literal["auto", "docker", "process"]

LIVEJOB_DIRECTORY = ".livejob"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """What the table says of one setting. `parse` takes what was written and raises ValueError with what
    is allowed. `env` are variables, the first that is set counts. "" and () mean: not settable that way."""

    name: str
    parse: Callable[[object], object]
    doc: str
    flag: str = ""
    env: tuple[str, ...] = ()
    is_in_file: bool = True
    is_required: bool = False


def _setting(
    parse: Callable[[object], object],
    doc: str,
    *,
    default: object = MISSING,
    flag: str = "",
    env: tuple[str, ...] = (),
    is_in_file: bool = True,
) -> Any:
    row = {"parse": parse, "doc": doc, "flag": flag, "env": env, "is_in_file": is_in_file}
    return field(metadata=row) if default is MISSING else field(default=default, metadata=row)


def _name(value: object) -> str:
    if not isinstance(value, str) or not NAME_PATTERN.fullmatch(value):
        raise ValueError("1 to 40 letters, digits and hyphens, first a letter")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _accounts(value: object) -> Mapping[str, str]:
    is_table = isinstance(value, dict) and all(
        isinstance(each, str) and re.fullmatch(r"\d{12}", each) for each in value.values()
    )
    if not is_table:
        raise ValueError('a table of stages and account ids, like { prod = "123456789012" }')
    return dict(value)  # type: ignore[call-overload, no-any-return]


def _engine(value: object) -> object:
    if value not in get_args(EngineChoice):
        raise ValueError(" or ".join(get_args(EngineChoice)))
    return value


def _integer(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _on_save(value: object) -> object:
    if value not in get_args(OnSave):
        raise ValueError(" or ".join(get_args(OnSave)))
    return value


def _switch(value: object) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _drain_s(value: object) -> float:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return float(parse_duration_s(value))


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Every setting with its value.

    root:       directory of livejob.toml.
    origins:    setting -> where its value comes from: `--stage`, `LIVEJOB_STAGE`, `livejob.toml`, `default`.
    job_tables: the [jobs.Name] tables as they are written.
    """

    root: Path
    origins: Mapping[str, str]
    job_tables: Mapping[str, Mapping[str, object]]

    app: str = _setting(_name, "Name of the app; first part of every resource's name.")
    stage: str = _setting(
        _name,
        "Stage that commands work on. Default: the one in .livejob/stage, or else your user name.",
        flag="--stage",
        env=("LIVEJOB_STAGE",),
    )
    source: str = _setting(
        _text, "Directory with the jobs' code, relative to livejob.toml; becomes /var/task.", default="."
    )
    region: str | None = _setting(
        _text,
        "AWS region. Default: the one of your AWS profile; us-east-1 in the local AWS.",
        default=None,
        flag="--region",
        env=("AWS_REGION", "AWS_DEFAULT_REGION"),
    )
    profile: str | None = _setting(
        _text,
        "AWS profile whose credentials are used.",
        default=None,
        flag="--profile",
        env=("AWS_PROFILE",),
    )
    accounts: Mapping[str, str] | None = _setting(
        _accounts,
        "Account of stages that have a fixed one; with credentials of another nothing is done there.",
        default=None,
    )
    engine: EngineChoice = _setting(  # noqa: RUF009 - makes a field, as dataclasses.field does
        _engine,
        "What runs workers: docker, process (no container), or auto (docker, if it answers).",
        default="auto",
        flag="--engine",
        env=("LIVEJOB_ENGINE",),
    )
    image: str | None = _setting(
        _text,
        "Image of the workers. Default: Lambda's own image of the job's runtime.",
        default=None,
        flag="--image",
        env=("LIVEJOB_IMAGE",),
    )
    local_aws_port: int | None = _setting(
        _integer(1, 65535),
        "Port of the local AWS on 127.0.0.1. Default: 4610, or the next free one.",
        default=None,
        flag="--local-aws-port",
        env=("LIVEJOB_LOCAL_AWS_PORT",),
    )
    local_setup: str | None = _setting(
        _text,
        "Script that makes resources of your own in the local AWS, relative to livejob.toml.",
        default=None,
    )
    concurrency: int = _setting(
        _integer(1, 1000),
        "How many runs of one job a session executes at the same time, where the job does not say.",
        default=10,
        flag="--concurrency",
        env=("LIVEJOB_CONCURRENCY",),
    )
    drain_s: float = _setting(
        _drain_s,
        "How long running attempts may go on after a stop: seconds, or a duration.",
        default=10.0,
        flag="--drain",
        env=("LIVEJOB_DRAIN",),
    )

    on_save: OnSave = _setting(  # noqa: RUF009 - makes a field, as dataclasses.field does
        _on_save,
        "What becomes of a running run when its source is saved, where its job does not say: "
        "finish with the code that it began with, or restart with the new.",
        default="finish",
        flag="--restart-running",
        env=("LIVEJOB_ON_SAVE",),
    )
    deploy_on_change: bool = _setting(
        _switch,
        "Deploy by itself what a changed job definition needs in the stage of the session, "
        "instead of asking for Enter.",
        default=False,
        flag="--deploy-on-change",
        env=("LIVEJOB_DEPLOY_ON_CHANGE",),
    )
    preload: bool = _setting(
        _switch,
        "Import the packages that a job needs once for all its runs. Changes nothing but speed.",
        default=True,
        env=("LIVEJOB_PRELOAD",),
    )

    check_on_save: bool = _setting(
        _switch,
        "Import the changed jobs once after a save, to show at once what is broken.",
        default=True,
        env=("LIVEJOB_CHECK_ON_SAVE",),
    )

    pydevd: str | None = _setting(
        _text,
        "Version of pydevd-pycharm for `--debug-server`, as PyCharm's run configuration shows it. "
        "Default: the newest.",
        default=None,
        flag="--pydevd",
        env=("LIVEJOB_PYDEVD",),
    )

    @property
    def source_directory(self) -> Path:
        return (self.root / self.source).resolve()

    @property
    def livejob_directory(self) -> Path:
        """`.livejob/`: what livejob keeps on this machine for this app."""
        return self.root / LIVEJOB_DIRECTORY


def setting_rows() -> Iterator[SettingRow]:
    """The table, for docs, `livejob config` and the command line's flags."""
    for each in fields(Settings):
        if each.metadata:
            yield SettingRow(each.name, is_required=each.default is MISSING, **each.metadata)
