"""What the end of a command means."""

from __future__ import annotations

import pytest

from livejob.local_runner.containers.command_end import command_ended
from livejob.local_runner.engines.port import WorkerExit
from livejob.local_runner.worker_link import WorkerLost
from livejob.wire.ids import RunId
from livejob.wire.limits import MIB
from livejob.wire.worker import Ended, StartAttempt, StopAttempt

START = StartAttempt(RunId("run_1"), 1, "Resize", "resize", 0, {})


def a_stop(reason: str) -> StopAttempt:
    return StopAttempt(START.run_id, 1, reason, 10.0)  # type: ignore[arg-type]


def ended(exit_code: int, *, is_out_of_memory: bool = False, stop: StopAttempt | None = None) -> Ended:
    found = command_ended(START, WorkerExit(exit_code, is_out_of_memory, ""), stop, 64 * MIB)
    assert isinstance(found, Ended)
    return found


def test_success_is_a_result_of_null() -> None:
    """Exit code 0 is success; a command returns nothing."""
    assert ("succeed", b"null", 0) == (ended(0).input, ended(0).body, ended(0).exit_code)


@pytest.mark.parametrize("exit_code", [1, 3, 127, 137, 255])
def test_other_codes_are_failures(exit_code: int) -> None:
    """Every other code is told as it is, 137 of somebody else's kill too."""
    found = ended(exit_code)

    assert ("fail", "CommandFailed", exit_code) == (found.input, found.failure["type"], found.exit_code)
    assert f"its command ended with exit code {exit_code}" == found.failure["message"]


def test_memory_is_named() -> None:
    """The kernel's kill is OutOfMemory, with the limit."""
    failure = ended(137, is_out_of_memory=True).failure

    assert "OutOfMemory" == failure["type"]
    assert "64 MiB" in failure["message"]


@pytest.mark.parametrize(
    ("reason", "what"), [("cancel", "cancel"), ("timeout", "time_out"), ("shutdown", "fail")]
)
def test_stopped_command_is_stopped_whatever_its_code(reason: str, what: str) -> None:
    """Many programs end with 0 when they are told to end: that is no success."""
    assert what == ended(0, stop=a_stop(reason)).input


def test_lost_container_is_lost() -> None:
    """Without an exit code nothing is known of its end."""
    lost = WorkerExit(None, is_out_of_memory=False, detail="the engine went away")

    assert WorkerLost(lost) == command_ended(START, lost, None, 64 * MIB)
