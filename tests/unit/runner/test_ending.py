"""What the end of an attempt's process means."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.runner.ending import Death, Report, outcome_at_end
from livejob.runner.stop import StopReason
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input

REPORTED = Outcome(Input.SUCCEED, result=b"1", exit_code=0)


def ended(death: Death) -> tuple[Input, str]:
    """Input and failure type of a death without a report."""
    outcome = outcome_at_end(None, death)
    assert outcome.failure is not None
    return outcome.input, outcome.failure.type


@pytest.mark.parametrize(
    "death",
    [
        Death(0),
        Death(-signal.SIGSEGV),
        Death(-signal.SIGKILL, StopReason.TIMEOUT, is_killed=True),
        Death(-signal.SIGKILL, is_oom=True),
    ],
)
def test_a_report_counts(death: Death):
    """An attempt that has reported has that outcome, however its process ends."""
    assert Outcome(Input.SUCCEED, result=b"1", exit_code=death.exit_code) == outcome_at_end(REPORTED, death)


@pytest.mark.parametrize(
    ("death", "meaning"),
    [
        (Death(0), (Input.FAIL, FailureType.HANDLER_EXITED)),
        (Death(7), (Input.FAIL, FailureType.HANDLER_EXITED)),
        (Death(-signal.SIGSEGV), (Input.FAIL, FailureType.HANDLER_KILLED)),
        (Death(-signal.SIGKILL), (Input.FAIL, FailureType.HANDLER_KILLED)),
        (Death(-40), (Input.FAIL, FailureType.HANDLER_KILLED)),
        (Death(-signal.SIGKILL, is_oom=True), (Input.FAIL, FailureType.OUT_OF_MEMORY)),
        (Death(-signal.SIGSEGV, is_oom=True), (Input.FAIL, FailureType.HANDLER_KILLED)),
        (Death(1, is_oom=True), (Input.FAIL, FailureType.HANDLER_EXITED)),
        (Death(-signal.SIGTERM, StopReason.CANCEL), (Input.CANCEL, FailureType.CANCELLED)),
        (Death(0, StopReason.TIMEOUT), (Input.TIME_OUT, FailureType.TIMED_OUT)),
        (Death(-9, StopReason.SHUTDOWN, is_killed=True), (Input.FAIL, FailureType.SESSION_STOPPED)),
        (Death(-9, StopReason.CANCEL, is_killed=True, is_oom=True), (Input.CANCEL, FailureType.CANCELLED)),
    ],
)
def test_without_a_report_the_process_tells(death: Death, meaning: tuple[Input, FailureType]):
    """A request to stop explains an end first, then the kernel's killer, then exit code and signal."""
    assert meaning == ended(death)


def test_the_message_names_limit_and_signal():
    """Messages have what a person needs: the limit, the signal by name."""
    out_of_memory = outcome_at_end(None, Death(-9, is_oom=True, limit_bytes=256 * 1024 * 1024))
    crashed = outcome_at_end(None, Death(-signal.SIGSEGV))

    assert out_of_memory.failure is not None
    assert crashed.failure is not None
    assert "256 MiB" in out_of_memory.failure.message
    assert "SIGSEGV (Segmentation fault)" in crashed.failure.message


@pytest.mark.parametrize(
    "report",
    [
        Report(REPORTED, ("/var/task/job.py",)),
        Report(Outcome(Input.SUCCEED, result=b"", exit_code=0)),
        Report(Outcome(Input.FAIL, failure=Failure("ValueError", "é\n", "t", "r"), exit_code=3)),
    ],
)
def test_reports_travel(report: Report):
    """A report is the same after it has travelled."""
    assert report == Report.decode(report.encode())


@given(st.integers(min_value=0, max_value=400))
def test_half_a_report_is_none(length: int):
    """A report that was cut off anywhere is none: the process died while it wrote."""
    data = Report(Outcome(Input.FAIL, failure=Failure("E", "m" * 400), exit_code=1)).encode()

    assert Report.decode(data[:length]) is None


@given(st.binary(max_size=200))
def test_garbage_is_no_report(data: bytes):
    """Whatever a handler writes into the descriptor, the supervisor takes it."""
    assert Report.decode(data) is None
