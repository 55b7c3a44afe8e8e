"""A failed import as a place in the source."""

from __future__ import annotations

import pytest

from livejob.local_runner.import_checks import handler_files
from livejob.local_runner.import_problem import import_problem
from livejob.wire.outcome import Failure

TRACE = """Traceback (most recent call last):
  File "/var/task/jobs.py", line 2, in <module>
    import prices
  File "/var/task/shop/prices.py", line 3, in <module>
    VALUE = json.loads('{')
            ^^^^^^^^^^^^^^^
  File "/var/lang/lib/python3.12/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting property name
"""


def test_the_last_frame_of_the_source_counts():
    """Frames of packages below it are not where the person has to look."""
    problem = import_problem(Failure("HandlerImportFailed", "the import failed", TRACE), "/var/task", "")

    assert "shop/prices.py:3" == problem.where
    assert "VALUE = json.loads('{')\n        ^^^^^^^^^^^^^^^" == problem.detail


def test_the_last_of_the_output_is_shown():
    """Of much output only the end stands with the problem."""
    output = "".join(f"line {number}\n" for number in range(9))

    problem = import_problem(Failure("HandlerImportFailed", "it failed", TRACE), "/var/task/", output)

    assert [f"printed: line {number}" for number in range(4, 9)] == problem.detail.splitlines()[-5:]


def test_without_a_frame_in_the_source():
    """A handler that is not there has no line; its message says it all."""
    problem = import_problem(Failure("HandlerNotFound", "no function run in /var/task/a.py"), "/var/task", "")

    assert ("the handler", "no function run in /var/task/a.py", "") == (
        problem.where,
        problem.message,
        problem.detail,
    )


@pytest.mark.parametrize("handler", ["shop/orders.run", "shop.orders.run"])
def test_files_of_a_handler(handler: str):
    """Both ways to write a handler name the same files."""
    assert ("shop/orders.py", "shop/orders/__init__.py") == handler_files(handler)
