"""Pythons of this machine."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from livejob.errors import PythonMissing
from livejob.local_runner.image.interpreter import find_python, inspect_python, parse_minor

RUNNING = ".".join(platform.python_version_tuple()[:2])


def test_running_python_is_found_first():
    """The Python that runs livejob serves for its own version, wherever it is installed."""
    python = find_python(RUNNING, {})

    assert sys.version_info[:3] == python.version
    assert Path(sys.base_prefix).resolve() in python.executable.parents
    assert (python.stdlib / "os.py").is_file()


def test_version_that_is_not_here_is_told_with_what_to_do(tmp_path: Path):
    """The error says where it was looked for, what was tried, and how to get that Python."""
    shim = tmp_path / "python3.77"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    with pytest.raises(PythonMissing) as caught:
        find_python("3.77", {"PATH": str(tmp_path), "HOME": str(tmp_path)})

    assert f"tried {shim}" in caught.value.message
    assert "pyenv install 3.77" in caught.value.remedy


def test_pyenv_is_looked_into(tmp_path: Path):
    """A version that is on no PATH is found where pyenv keeps it, the newest one first."""
    for version in ("3.77.1", "3.77.2"):
        directory = tmp_path / ".pyenv/versions" / version / "bin"
        directory.mkdir(parents=True)
        (directory / "python3.77").write_text("not an interpreter")

    with pytest.raises(PythonMissing) as caught:
        find_python("3.77", {"HOME": str(tmp_path)})

    tried = caught.value.message.partition("tried ")[2].split(", ")
    assert ["3.77.2", "3.77.1"] == [Path(each).parts[-3] for each in tried]


def test_program_that_is_no_python_is_none(tmp_path: Path):
    """What cannot answer as a CPython is not taken for one."""
    assert inspect_python(Path("/bin/true")) is None
    assert inspect_python(tmp_path / "nothing") is None


@pytest.mark.parametrize(("given", "expected"), [("3.12", "3.12"), ("python3.11", "3.11")])
def test_runtime_names_a_version(given: str, expected: str):
    """Lambda's names of runtimes and plain versions mean the same."""
    assert expected == parse_minor(given)


@pytest.mark.parametrize("given", ["3.10", "python3.9", "2.7", "nodejs22.x", "3", ""])
def test_python_that_no_worker_can_run_is_refused(given: str):
    """Workers need 3.11; anything else is refused by name."""
    with pytest.raises(PythonMissing, match="no Python that a worker can run"):
        parse_minor(given)
