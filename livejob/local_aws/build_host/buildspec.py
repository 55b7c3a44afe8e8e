"""Reads a buildspec, version 0.2. Pure.

What CodeBuild knows and this host does not (run-as, retries) is refused rather than ignored; what has no
effect on the commands (artifacts, reports, cache) is passed over, because the projects that would use it
are refused before.

Source: AWS CodeBuild, 'Build specification reference'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

VERSION = "0.2"
SHELLS = ("sh", "bash")
PHASES = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")


class BuildspecInvalid(Exception):
    """The buildspec cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """The commands of a phase. `on_failure`: "ABORT", "CONTINUE", or None for the usual transition."""

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Buildspec:
    """A buildspec that can be executed.

    variables, parameter_store, secrets_manager: variable name -> its value, or where its value is.
    notices: what the buildspec asks for and does not get, one sentence each.
    """

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    phases: Mapping[str, PhaseSpec] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def phase(self, name: str) -> PhaseSpec:
        return self.phases.get(name, PhaseSpec())


def parse_buildspec(text: str) -> Buildspec:
    """The buildspec in `text`.

    Raises:
        BuildspecInvalid: it is not YAML, or not a buildspec that can be executed here.
    """
    try:
        # Every scalar as it is written: `on: yes` and `port: 0x10` are what they look like.
        document = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise BuildspecInvalid(f"YAML syntax error: {error}") from error
    spec = _mapping(document, "the buildspec")
    if spec.get("version") != VERSION:
        raise BuildspecInvalid(f"version must be {VERSION}, not {spec.get('version', 'absent')!r}")
    if "run-as" in spec:
        raise BuildspecInvalid("run-as is not supported by the local AWS: commands run as root")
    environment = _mapping(spec.get("env", {}), "env")
    shell = environment.get("shell", "sh")
    if shell not in SHELLS:
        raise BuildspecInvalid(f"env.shell must be one of {', '.join(SHELLS)}, not {shell!r}")
    return Buildspec(
        shell=str(shell),
        variables=_strings(environment, "variables"),
        parameter_store=_strings(environment, "parameter-store"),
        secrets_manager=_strings(environment, "secrets-manager"),
        phases=_phases(_mapping(spec.get("phases", {}), "phases")),
        notices=tuple(_notices(spec, environment)),
    )


def _phases(phases: Mapping[str, Any]) -> dict[str, PhaseSpec]:
    unknown = [name for name in phases if name.upper() not in PHASES or name != name.lower()]
    if unknown:
        raise BuildspecInvalid(f"unknown phase {unknown[0]!r}")
    if not phases:
        raise BuildspecInvalid("at least one phase is required")
    return {name.upper(): _phase(_mapping(value, f"phases.{name}"), name) for name, value in phases.items()}


def _phase(phase: Mapping[str, Any], name: str) -> PhaseSpec:
    if "run-as" in phase:
        raise BuildspecInvalid(f"phases.{name}.run-as is not supported by the local AWS")
    on_failure = phase.get("on-failure")
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise BuildspecInvalid(
            f"phases.{name}.on-failure must be ABORT or CONTINUE in the local AWS, not {on_failure!r}"
        )
    return PhaseSpec(
        commands=_commands(phase.get("commands", []), f"phases.{name}.commands"),
        finally_commands=_commands(phase.get("finally", []), f"phases.{name}.finally"),
        on_failure=on_failure,
    )


def _commands(value: object, where: str) -> tuple[str, ...]:
    if value == "":  # a key without a value
        return ()
    if not isinstance(value, list):
        raise BuildspecInvalid(f"{where} must be a list of commands")
    for position, command in enumerate(value):
        if not isinstance(command, str):
            raise BuildspecInvalid(
                f"Expected {where}[{position}] to be of string type: found subkeys instead; "
                "quote a command that holds a colon"
            )
    return tuple(value)


def _strings(environment: Mapping[str, Any], key: str) -> dict[str, str]:
    found = _mapping(environment.get(key, {}), f"env.{key}")
    for name, value in found.items():
        if not isinstance(value, str):
            raise BuildspecInvalid(f"env.{key}.{name} must be a string")
    return dict(found)


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise BuildspecInvalid(f"{where} must be a mapping")
    return value


def _notices(spec: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    install = spec.get("phases", {}).get("install", {})
    if isinstance(install, dict) and "runtime-versions" in install:
        yield (
            "Skipping install of runtimes. Runtime version selection is not supported by this build image."
        )
    if "exported-variables" in environment:
        yield "env.exported-variables is not supported by the local AWS and has no effect."
