"""How the `livejob` command finds its commands and tells errors."""

import click
import pytest

from livejob.cli.main import COMMANDS, livejob, run_command
from livejob.cli.options import GlobalOptions, global_options
from livejob.errors import LivejobError, UnknownJob

ERRORS: dict[str, BaseException] = {
    "known": UnknownJob("no job Resise", known="Resize"),
    "unknown": ZeroDivisionError("division by zero"),
    "interrupt": KeyboardInterrupt(),
}


@click.group()
def breaking() -> None:
    """Commands that break."""


@breaking.command()
@click.argument("how", type=click.Choice([*ERRORS]))
@global_options
def fail(options: GlobalOptions, how: str) -> None:
    raise ERRORS[how]


def test_error_is_told_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads the code, what happened, and what to do; a program reads nothing on stdout."""
    code = run_command(["fail", "known"], breaking)

    remedy = "Known jobs: Resize. A new one exists in a stage after `livejob start` or a deploy."
    assert 3 == code
    assert ("", f"error: LJ-104 no job Resise\nhint: {remedy}\n") == capsys.readouterr()


def test_traceback_comes_with_debug_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --debug no person sees a traceback."""
    run_command(["fail", "known"], breaking)
    plain = capsys.readouterr().err
    run_command(["fail", "known", "--debug"], breaking)
    debug = capsys.readouterr().err

    assert (False, True) == ("Traceback" in plain, "Traceback" in debug)
    assert debug.endswith(plain)


def test_unexpected_error_is_a_bug_of_livejob(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody has foreseen is told as a fault of livejob, with how to report it."""
    code = run_command(["fail", "unknown"], breaking)

    err = capsys.readouterr().err
    assert 1 == code
    assert err.startswith(
        "error: LJ-900 livejob broke: ZeroDivisionError: division by zero\nhint: Please report"
    )


def test_interrupt_has_the_code_of_shells() -> None:
    """Ctrl-C ends a command with 130."""
    assert 130 == run_command(["fail", "interrupt"], breaking)


def test_wrong_usage_points_to_the_commands_help(capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that cannot be understood names the help that explains it."""
    code = run_command(["fail", "known", "--debgu"], breaking)

    err = capsys.readouterr().err
    assert 2 == code
    assert "error: No such option" in err
    assert "--debug" in err
    assert "hint: livejob fail --help\n" in err


def test_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that does not exist is told."""
    assert 2 == run_command(["strat"])
    assert "No such command 'strat'" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of the table loads and has help."""
    code = run_command([name, "--help"], livejob)

    out = capsys.readouterr().out
    assert 0 == code
    assert out.startswith(f"Usage: livejob {name}")


def test_error_classes_can_be_raised_by_hand() -> None:
    """The base class has an empty remedy, so that it needs no context."""
    assert "" == LivejobError("x").remedy
