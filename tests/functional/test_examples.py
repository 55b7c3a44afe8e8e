"""The examples' own tests, run as their reader would."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("tests", sorted(EXAMPLES.glob("*/tests")), ids=lambda path: path.parent.name)
def test_tests_of_an_example_pass(tests: Path) -> None:
    """`pytest` in the example's directory runs tests, and they pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    done = subprocess.run(command, cwd=tests.parent, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
