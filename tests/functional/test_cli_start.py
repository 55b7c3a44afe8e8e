"""What `livejob start` refuses before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.cli.exit_codes import ExitCode
from livejob.cli.main import run_command


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "livejob.toml").write_text('app = "shop"\n')
    (tmp_path / "jobs.py").write_text("from livejob import job\n\n@job\ndef resize(payload): ...\n")
    return tmp_path


def start(app: Path, *arguments: str) -> int:
    return run_command(["start", "--local", "--app-dir", str(app), *arguments])


def test_pdb_needs_a_terminal(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where stdin is no terminal --pdb is an error that says what can be had instead."""
    code = start(app, "--pdb")

    told = capsys.readouterr().err
    assert ExitCode.SURROUNDINGS == code
    assert "--pdb needs a terminal" in told
    assert "livejob start --debug" in told


def test_pdb_needs_plain_processes(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With containers --pdb is an error that names the engine to choose."""
    code = start(app, "--pdb", "--engine", "docker")

    told = capsys.readouterr().err
    assert ExitCode.SURROUNDINGS == code
    assert "--engine process" in told


@pytest.mark.parametrize("place", ["nowhere", "127.0.0.1:", "70000"])
def test_a_debug_server_is_a_port(app: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    """What is no port is refused, with an example."""
    code = start(app, "--debug-server", place)

    assert ExitCode.USAGE == code
    assert "like 127.0.0.1:5679" in capsys.readouterr().err


@pytest.mark.parametrize("other", [["--debug"], ["--wait"], ["--json"]])
def test_pdb_stands_alone(app: Path, capsys: pytest.CaptureFixture[str], other: list[str]) -> None:
    """A breakpoint stops in an editor or in the terminal, not in both; and JSON is no talk with a person."""
    code = start(app, "--pdb", *other)

    assert ExitCode.USAGE == code
    assert f"--pdb and {other[0]} exclude each other" in capsys.readouterr().err
