"""What the daemon is told of an attempt's end, as messages. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence

from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input
from livejob.wire.worker import Ended, Notice, SourcesLoaded, StartAttempt


def ended(start: StartAttempt, outcome: Outcome, peak_bytes: int) -> Ended:
    """`peak_bytes`: largest resident size of the attempt's process."""
    return Ended(
        run_id=start.run_id,
        attempt=start.attempt,
        input=outcome.input.value,
        failure=outcome.failure.to_json() if outcome.failure is not None else {},
        exit_code=outcome.exit_code or 0,
        peak_bytes=peak_bytes,
        body=outcome.result or b"",
    )


def refused(start: StartAttempt, reason: str) -> Ended:
    """Of an attempt that was not begun."""
    failure = Failure(FailureType.WORKER_FAILED, reason, remedy="Run it again.")
    return ended(start, Outcome(Input.FAIL, failure=failure, exit_code=-1), peak_bytes=0)


def sources_loaded(paths: Sequence[str], root: str) -> SourcesLoaded:
    """`paths` absolute; those below `root` are told relative to it."""
    return SourcesLoaded([path.removeprefix(root + os.sep) for path in paths])


def left_behind(names: Sequence[str]) -> Notice:
    """`names` of the processes that were killed."""
    shown = ", ".join(sorted(set(names)))
    text = f"killed what the attempt had left behind: {shown} ({len(names)} in all)"
    return Notice(text, {"count": str(len(names))})


def out_of_memory(outcome: Outcome) -> Notice | None:
    """Of a process that the handler had started; None when the attempt's own end says so by itself."""
    if outcome.failure is not None and outcome.failure.type == FailureType.OUT_OF_MEMORY:
        return None
    return Notice("the kernel killed a process of the attempt for want of memory")
