"""What the end of an attempt's process means: pure, facts in and an outcome out.

The attempt's own report counts if there is one. Without it the process ended before the handler had
returned, and how it ended tells the rest.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from livejob.runner.execute import STOPPED
from livejob.runner.stop import StopReason
from livejob.wire.framing import FrameError, FrameReader, Head, encode_frame
from livejob.wire.limits import MIB
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input


@dataclass(frozen=True, slots=True)
class Death:
    """How an attempt's process ended.

    exit_code:   negative for a signal.
    stop_reason: why it had been asked to stop; None if it had not.
    is_killed:   whoever started it sent SIGKILL when the grace was over.
    is_oom:      the kernel has killed something of this worker for want of memory.
    limit_bytes: of memory; None when it is not known.
    """

    exit_code: int
    stop_reason: StopReason | None = None
    is_killed: bool = False
    is_oom: bool = False
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an attempt's process tells whoever started it before it ends.

    sources: paths of the source files that it has loaded.
    modules: names of the modules that it has imported and that are not the user's.
    """

    outcome: Outcome
    sources: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """As one frame."""
        outcome = self.outcome
        head: Head = {
            "input": outcome.input.value,
            "failure": outcome.failure.to_json() if outcome.failure is not None else None,
            "exit_code": outcome.exit_code,
            "sources": list(self.sources),
            "modules": list(self.modules),
        }
        return encode_frame(head, outcome.result or b"")

    @classmethod
    def decode(cls, data: bytes) -> Report | None:
        """The report in `data`; None when there is none, or it was cut off."""
        try:
            (head, body), *_ = FrameReader().feed(data)
            failure = head["failure"]
            outcome = Outcome(
                input=Input(str(head["input"])),
                result=body if failure is None else None,
                failure=Failure.from_json(failure) if isinstance(failure, dict) else None,
                exit_code=int(str(head["exit_code"])),
            )
            sources, modules = head["sources"], head["modules"]
        except (FrameError, KeyError, ValueError):  # a handler can write into any descriptor
            return None
        return cls(outcome, _texts(sources), _texts(modules))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def outcome_at_end(reported: Outcome | None, death: Death) -> Outcome:
    """What the attempt came to; its exit code is the process's."""
    if reported is not None:
        return Outcome(reported.input, reported.result, reported.failure, death.exit_code)
    if death.stop_reason is not None:
        what, failure_type, message = STOPPED[death.stop_reason]
        how = "it did not end within its grace and was killed" if death.is_killed else _how(death.exit_code)
        return Outcome(what, failure=Failure(failure_type, f"{message}; {how}"), exit_code=death.exit_code)
    return Outcome(Input.FAIL, failure=_failure(death), exit_code=death.exit_code)


def _failure(death: Death) -> Failure:
    if death.exit_code >= 0:
        return Failure(
            FailureType.HANDLER_EXITED,
            f"the handler's process ended with exit code {death.exit_code} before the handler had returned",
            remedy="Return a value for success, raise an exception for failure; do not call os._exit.",
        )
    if death.exit_code == -signal.SIGKILL and death.is_oom:
        limit = f"its {death.limit_bytes // MIB} MiB of memory" if death.limit_bytes else "the memory it had"
        return Failure(
            FailureType.OUT_OF_MEMORY,
            f"it needed more than {limit}, and the kernel ended it",
            remedy="Raise memory= of the job, or make it hold less at a time.",
        )
    return Failure(
        FailureType.HANDLER_KILLED,
        f"the handler's process was ended by {_how(death.exit_code)}",
        remedy="stderr shows where Python was, if a crash ended it.",
    )


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"signal {signal.Signals(-exit_code).name} ({signal.strsignal(-exit_code)})"
    except ValueError:  # a real-time signal has no name
        return f"signal {-exit_code}"
