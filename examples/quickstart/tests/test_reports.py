"""The quickstart's jobs, run right here: `pytest` in the directory above."""

import pytest
from reports import count_sheep, divide

from livejob.errors import RunFailed
from livejob.testing import run_job


def test_divide():
    """A job's result, as a caller would get it."""
    assert run_job(divide, {"a": 6, "b": 4}) == 1.5


def test_divide_by_zero_is_a_failed_run():
    """What a caller would see of a handler that raises."""
    with pytest.raises(RunFailed, match="FAILED: ZeroDivisionError: division by zero"):
        run_job(divide, {"a": 6, "b": 0})


def test_no_sheep(capsys):
    """Output is pytest's to capture, as of any other code."""
    run_job(count_sheep, {"sheep": 0})

    assert capsys.readouterr().out == ""
