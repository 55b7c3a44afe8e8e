"""Runs a handler once and says what came of it.

Who calls it prepares the process (environment, import of the app's sources, SIGTERM) and carries the
outcome away; this knows neither where it runs nor who listens.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from livejob.runner.context import Context, JobCancelled, JobTimedOut
from livejob.runner.handler import IMPORT_FAILURES, HandlerUnusable
from livejob.runner.signature import Handler, arguments_for, payload_hint
from livejob.runner.stop import StopReason, StopSignal
from livejob.runner.traces import describe, failure_of, format_trace
from livejob.wire.documents import JsonValue, NotJson, encode_document
from livejob.wire.limits import DOCUMENT_BYTES, MIB
from livejob.wire.outcome import Failure, FailureType, Outcome
from livejob.wire.states import Input
from livejob.wire.typed import NotOfType, convert

EXIT_SUCCEEDED = 0
EXIT_FAILED = 1
EXIT_STOPPED = 143
"""128 + SIGTERM, as shells and container engines have it."""

STOPPED = {
    StopReason.CANCEL: (Input.CANCEL, FailureType.CANCELLED, "it was cancelled while it ran"),
    StopReason.TIMEOUT: (Input.TIME_OUT, FailureType.TIMED_OUT, "it ran longer than its timeout"),
    StopReason.SHUTDOWN: (Input.FAIL, FailureType.SESSION_STOPPED, "the session that ran it was stopped"),
}
"""What the end of a stopped attempt is: input, failure type, message."""


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt. `load` gives the handler, or raises what `load_handler` does; `payload` is UTF-8 JSON."""

    load: Callable[[], Handler]
    payload: bytes
    context: Context


@dataclass(frozen=True, slots=True)
class _Returned:
    value: object


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


LookAt = Callable[[BaseException], None]


def _nobody_looks(error: BaseException) -> None:
    pass


def execute(
    order: Order,
    stop: StopSignal,
    report: Callable[[Outcome], None],
    look_at: LookAt = _nobody_looks,
) -> None:
    """Run the handler; `report` is called once, as soon as the outcome is known.

    look_at: called with what the handler or the import of its module raised, if that is a failure, before
    anything is made of it; its frames are as they were. For a debugger; must not raise.

    A handler that was asked to stop before it had returned is stopped, whatever it did then; one that had
    returned has succeeded. After the report an async handler's loop is closed, which waits for the threads
    that it uses. Raises nothing that the handler raises.
    """
    with ExitStack() as after_report:
        end = _handle(order, stop, after_report)
        failed = _failed_code(end.error) if isinstance(end, _Raised) else None
        if failed is not None and stop.reason() is None:
            look_at(failed)
        # From here on a request to stop comes too late.
        reason = stop.reason()
        report(_outcome(end) if reason is None else _stopped(reason, end))


def _failed_code(error: BaseException) -> Exception | None:
    """What a person wants to see in a debugger: no stop, no exit, no handler or payload that is none."""
    if isinstance(error, HandlerUnusable):
        is_of_import = error.failure.type in IMPORT_FAILURES
        return error.__cause__ if is_of_import and isinstance(error.__cause__, Exception) else None
    return error if isinstance(error, Exception) else None


def _handle(order: Order, stop: StopSignal, closing: ExitStack) -> _Returned | _Raised:
    try:
        with stop.told_to(_interrupt):
            handler = order.load()
            payload = _typed_payload(handler, json.loads(order.payload))
            value = handler(*arguments_for(handler, payload, order.context))
    except BaseException as error:  # noqa: BLE001 - everything a handler can raise becomes its outcome
        return _Raised(error)
    # An async function has done nothing yet; so has a decorated one whose inspection would not tell.
    return _await(value, stop, closing) if inspect.isawaitable(value) else _Returned(value)


def _typed_payload(handler: Handler, payload: JsonValue) -> object:
    """The payload as what the handler's annotation promises.

    Raises:
        HandlerUnusable: it does not fit.
    """
    hint = payload_hint(handler)
    if hint is Any:
        return payload
    try:
        return convert(payload, hint, "payload")
    except NotOfType as error:
        remedy = "Send what the handler's annotation says, or change the annotation."
        failure = Failure(FailureType.PAYLOAD_INVALID, str(error), remedy=remedy)
        raise HandlerUnusable(failure.clipped()) from error


def _interrupt(reason: StopReason) -> None:
    """Raise in what the main thread does; where that is an event loop of the handler's own, cancel its tasks.

    (An exception raised into a loop may land in any of its callbacks, and asyncio keeps it there.)
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        if reason is StopReason.TIMEOUT:
            raise JobTimedOut("the run has used up its timeout") from None
        raise JobCancelled(STOPPED[reason][2]) from None
    loop.call_soon_threadsafe(_cancel_tasks, loop)


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _await(value: Awaitable[object], stop: StopSignal, closing: ExitStack) -> _Returned | _Raised:
    runner = asyncio.Runner()
    closing.callback(runner.close)
    return runner.run(_awaited(value, stop))


async def _awaited(value: Awaitable[object], stop: StopSignal) -> _Returned | _Raised:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def cancel(_: StopReason) -> None:
        # Thread-safe, because it is called from a signal handler and has to wake the loop.
        loop.call_soon_threadsafe(task.cancel)

    try:
        with stop.told_to(cancel):
            return _Returned(await value)
    except BaseException as error:  # noqa: BLE001 - as above; caught here it has no frames of asyncio
        return _Raised(error)


def _outcome(end: _Returned | _Raised) -> Outcome:
    if isinstance(end, _Raised):
        return _raised(end.error)
    try:
        result = encode_document(end.value, "result")
    except NotJson as error:
        return _failed(
            Failure(
                FailureType.RESULT_NOT_SERIALIZABLE,
                str(error),
                remedy="Return what JSON has: dict with text keys, list, str, number, bool, None.",
            )
        )
    except MemoryError as error:
        return _raised(error)
    except Exception as error:  # noqa: BLE001 - a model's own code makes the document
        return _failed(failure_of(error, FailureType.RESULT_NOT_SERIALIZABLE))
    if len(result) > DOCUMENT_BYTES:
        return _failed(
            Failure(
                FailureType.RESULT_TOO_LARGE,
                f"the result has {len(result)} bytes, {DOCUMENT_BYTES // MIB} MiB are the most",
                remedy="Put the data into S3 and return its key.",
            )
        )
    return Outcome(Input.SUCCEED, result=result, exit_code=EXIT_SUCCEEDED)


def _raised(error: BaseException) -> Outcome:
    match error:
        case HandlerUnusable():
            return _failed(error.failure)
        case SystemExit():
            return _exited(error)
        case MemoryError():
            # The same name as when the kernel ends the process: to the user it is the same trouble.
            failure = failure_of(error, FailureType.OUT_OF_MEMORY)
            message = f"the handler asked for more memory than there is: {describe(error)}"
            remedy = "Raise memory= of the job, or make it hold less at a time."
            return _failed(Failure(failure.type, message, failure.trace, remedy))
        case _:
            return _failed(failure_of(error))


def _exited(error: SystemExit) -> Outcome:
    """sys.exit is no result, with 0 neither: the caller waits for what the handler returns."""
    code, said = error.code, ""
    if code is None:
        code = 0
    if not isinstance(code, int):
        # Python prints it and exits with 1; whoever reads the output should find it there.
        said, code = str(code), 1
        sys.stderr.write(f"{said}\n")
    failure = Failure(
        FailureType.HANDLER_EXITED,
        f"the handler called sys.exit({said or code}) instead of returning",
        format_trace(error),
        "Return a value (None will do) for success, raise an exception for failure.",
    )
    return Outcome(Input.FAIL, failure=failure.clipped(), exit_code=code & 0xFF)


def _failed(failure: Failure) -> Outcome:
    return Outcome(Input.FAIL, failure=failure.clipped(), exit_code=EXIT_FAILED)


def _stopped(reason: StopReason, end: _Returned | _Raised) -> Outcome:
    """The trace shows where the handler was, or what went wrong while it cleaned up."""
    what, failure_type, message = STOPPED[reason]
    trace = ""
    if isinstance(end, _Raised):
        trace = format_trace(end.error)
        if not isinstance(end.error, JobCancelled | asyncio.CancelledError | HandlerUnusable):
            message = f"{message}, and its clean-up failed: {describe(end.error)}"
    failure = Failure(failure_type, message, trace)
    return Outcome(what, failure=failure.clipped(), exit_code=EXIT_STOPPED)
