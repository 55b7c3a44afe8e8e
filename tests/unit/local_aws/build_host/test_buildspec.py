"""Reading buildspecs."""

from __future__ import annotations

import pytest

from livejob.local_aws.build_host.buildspec import BuildspecInvalid, PhaseSpec, parse_buildspec

WHOLE = """
version: 0.2
env:
  shell: bash
  variables: {NUMBER: 010, FLAG: yes}
  parameter-store: {PARAMETER: /a/b}
  secrets-manager: {SECRET: "name:key"}
phases:
  install:
    runtime-versions: {python: 3.12}
  build:
    on-failure: ABORT
    commands:
      - echo one
      - |
        echo two
        echo three
    finally:
      - echo last
artifacts: {files: ['**/*']}
"""


def test_whole_buildspec_is_read() -> None:
    """Every part comes out, and scalars are what is written, not what YAML would make of them."""
    spec = parse_buildspec(WHOLE)

    assert "bash" == spec.shell
    assert {"NUMBER": "010", "FLAG": "yes"} == spec.variables
    assert ({"PARAMETER": "/a/b"}, {"SECRET": "name:key"}) == (spec.parameter_store, spec.secrets_manager)
    assert PhaseSpec(("echo one", "echo two\necho three\n"), ("echo last",), "ABORT") == spec.phase("BUILD")
    assert PhaseSpec() == spec.phase("POST_BUILD")
    assert spec.notices[0].startswith("Skipping install of runtimes.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 0.2\nphases: {build: {commands: [", "YAML syntax error"),
        ("just text", "the buildspec must be a mapping"),
        ("version: 0.1\nphases: {build: {commands: [a]}}", "version must be 0.2, not '0.1'"),
        ("version: 0.2", "at least one phase is required"),
        ("version: 0.2\nphases: {deploy: {commands: [a]}}", "unknown phase 'deploy'"),
        ("version: 0.2\nphases: {build: {commands: a}}", "phases.build.commands must be a list of commands"),
        ("version: 0.2\nphases: {build: {commands: [{a: b}]}}", "found subkeys instead"),
        ("version: 0.2\nphases: {build: {run-as: me, commands: [a]}}", "run-as is not supported"),
        ("version: 0.2\nrun-as: me\nphases: {build: {commands: [a]}}", "run-as is not supported"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY, commands: [a]}}", "not 'RETRY'"),
        ("version: 0.2\nenv: {shell: zsh}\nphases: {build: {commands: [a]}}", "env.shell must be one of"),
        ("version: 0.2\nenv: {variables: {A: [1]}}\nphases: {build: {commands: [a]}}", "env.variables.A"),
    ],
)
def test_buildspec_that_cannot_be_executed_is_refused(text: str, words: str) -> None:
    """The reason names the place."""
    with pytest.raises(BuildspecInvalid) as caught:
        parse_buildspec(text)

    assert words in str(caught.value)


def test_phase_without_commands_is_empty() -> None:
    """A key without a value is as good as none."""
    spec = parse_buildspec("version: 0.2\nphases:\n  build:\n    commands:\n")

    assert PhaseSpec() == spec.phase("BUILD")
