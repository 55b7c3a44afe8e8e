"""Exit codes, which scripts rely on."""

from pathlib import Path

import pytest

from livejob import errors
from livejob.cli.exit_codes import ExitCode, code_of_end, code_of_error
from livejob.errors import LivejobError
from livejob.wire.states import OPEN, TERMINAL, State

DOCS = Path(__file__).parents[3] / "docs/cli.md"


def test_codes_are_stable() -> None:
    """A code never changes its meaning."""
    codes = {code.name: int(code) for code in ExitCode}

    assert {
        "OK": 0,
        "ERROR": 1,
        "USAGE": 2,
        "PROJECT": 3,
        "SURROUNDINGS": 4,
        "RUN_FAILED": 10,
        "RUN_TIMED_OUT": 11,
        "RUN_CANCELLED": 12,
        "RUN_LOST": 13,
        "RUN_EXPIRED": 14,
        "RUN_SKIPPED": 15,
        "INTERRUPTED": 130,
    } == codes


def test_every_end_of_a_run_has_its_own_code() -> None:
    """A script can tell all ends apart."""
    codes = [code_of_end(state) for state in TERMINAL]

    assert len(TERMINAL) == len(set(codes))
    assert ExitCode.OK is code_of_end(State.SUCCEEDED)


@pytest.mark.parametrize("state", OPEN)
def test_open_state_is_no_end(state: State) -> None:
    """A run that goes on has not gone wrong."""
    assert ExitCode.OK is code_of_end(state)


@pytest.mark.parametrize("family", LivejobError.__subclasses__(), ids=lambda cls: cls.__name__)
def test_every_family_of_errors_has_a_code(family: type[LivejobError]) -> None:
    """An error's exit code follows from its family."""
    expected = {
        errors.ProjectError: ExitCode.PROJECT,
        errors.PayloadError: ExitCode.USAGE,
        errors.RunError: ExitCode.ERROR,
        errors.EngineError: ExitCode.SURROUNDINGS,
        errors.SessionError: ExitCode.SURROUNDINGS,
        errors.LocalAwsError: ExitCode.SURROUNDINGS,
        errors.DeployError: ExitCode.SURROUNDINGS,
        errors.AwsError: ExitCode.SURROUNDINGS,
        errors.Bug: ExitCode.ERROR,
    }

    assert expected[family] is code_of_error(family("it broke", remedy="mend it"))


def test_docs_list_every_code() -> None:
    """docs/cli.md has each exit code in its table."""
    listed = {
        int(line.split("|")[1])
        for line in DOCS.read_text().splitlines()
        if line.startswith("| ") and line[2].isdigit()
    }

    assert {int(code) for code in ExitCode} == listed
