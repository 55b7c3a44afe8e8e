"""Defines jobs: the `@job` decorator and what it makes of a function.

The decorated function stays what it was: call it, and the handler runs right here. `.run(...)` starts a
run in the app and stage of the environment instead. Deployments read the decorator's arguments from the
source and never import it, so each must be written as a plain value; they are checked by the same rules
here, where they are written.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from livejob.errors import PayloadInvalid
from livejob.project.job_arguments import make_spec, refuse_container
from livejob.runner.signature import payload_hint, result_hint
from livejob.sdk.client import Client, default_client, payload_document
from livejob.sdk.run import Run
from livejob.wire.documents import JsonValue
from livejob.wire.typed import NotOfType, convert

if TYPE_CHECKING:
    from livejob.project.specs import Architecture, OnSave, WhenDisconnected

PayloadT = TypeVar("PayloadT")
ResultT = TypeVar("ResultT")
CallP = ParamSpec("CallP")
CallT = TypeVar("CallT")


class JobDefinition(Generic[PayloadT, ResultT, CallP, CallT]):
    """A job, defined by its handler.

    PayloadT: what a run is given; None for a handler without parameters.
    ResultT:  what a run results in.
    CallP, CallT: parameters and return type of the handler itself, a coroutine for an async one.
    """

    def __init__(self, name: str, handler: Callable[CallP, CallT]) -> None:
        self.name = name
        self.__livejob_handler__ = handler
        update_wrapper(self, handler)

    def __repr__(self) -> str:
        return f"<Job {self.name}>"

    def __call__(self, *args: CallP.args, **kwargs: CallP.kwargs) -> CallT:
        """Call the handler here and now, as the plain function that it is: for its tests."""
        return self.__livejob_handler__(*args, **kwargs)

    @overload
    def run(
        self: JobDefinition[None, ResultT, CallP, CallT],
        payload: None = None,
        *,
        key: str | None = None,
        client: Client | None = None,
    ) -> Run[ResultT]: ...

    @overload
    def run(
        self, payload: PayloadT, *, key: str | None = None, client: Client | None = None
    ) -> Run[ResultT]: ...

    def run(
        self, payload: Any = None, *, key: str | None = None, client: Client | None = None
    ) -> Run[ResultT]:
        """Start a run; returns as soon as it is recorded. See `Client.run` for `key` and errors.

        The payload is checked against the handler's annotation first, and the run's `result()` is what the
        return annotation says (docs/typed-payloads.md).

        client: of another app or stage than the environment names.

        Raises:
            PayloadInvalid: the payload does not fit, too; the message names the field.
        """
        document = payload_document(payload)
        self.check_payload(document)
        run = (client or default_client()).run_document(self.name, document, key=key)
        return run.reading(self.read_result)

    def check_payload(self, document: bytes) -> None:
        """Check a payload (UTF-8 JSON) as the runner will: what the JSON says counts, not what it was.

        Raises:
            PayloadInvalid: it is not what the handler's annotation says.
        """
        hint = self._payload_hint
        if hint is Any:
            return
        try:
            convert(json.loads(document), hint, "payload")
        except NotOfType as error:
            raise PayloadInvalid(
                f"{error} (job {self.name})", remedy="Correct the payload, or the handler's annotation."
            ) from error

    def read_result(self, result: JsonValue) -> ResultT:
        """The result of a run, as the return annotation says, from its JSON value.

        Raises:
            NotOfType: it is not.
        """
        return cast(ResultT, convert(result, self._result_hint, "result"))

    # Evaluated at the first run: where the definition stands, names of its module may not be there yet.

    @cached_property
    def _payload_hint(self) -> object:
        return payload_hint(self.__livejob_handler__)

    @cached_property
    def _result_hint(self) -> object:
        return result_hint(self.__livejob_handler__)


class JobDecorator(Protocol):
    """`@job(...)` with its arguments given: takes the handler.

    A handler has at most two parameters, the payload and the context.
    """

    @overload
    def __call__(
        self, handler: Callable[[], Coroutine[Any, Any, ResultT]], /
    ) -> JobDefinition[None, ResultT, [], Coroutine[Any, Any, ResultT]]: ...

    @overload
    def __call__(self, handler: Callable[[], ResultT], /) -> JobDefinition[None, ResultT, [], ResultT]: ...

    @overload
    def __call__(
        self, handler: Callable[Concatenate[PayloadT, CallP], Coroutine[Any, Any, ResultT]], /
    ) -> JobDefinition[PayloadT, ResultT, Concatenate[PayloadT, CallP], Coroutine[Any, Any, ResultT]]: ...

    @overload
    def __call__(
        self, handler: Callable[Concatenate[PayloadT, CallP], ResultT], /
    ) -> JobDefinition[PayloadT, ResultT, Concatenate[PayloadT, CallP], ResultT]: ...


@overload
def job(
    handler: Callable[[], Coroutine[Any, Any, ResultT]], /
) -> JobDefinition[None, ResultT, [], Coroutine[Any, Any, ResultT]]: ...


@overload
def job(handler: Callable[[], ResultT], /) -> JobDefinition[None, ResultT, [], ResultT]: ...


@overload
def job(
    handler: Callable[Concatenate[PayloadT, CallP], Coroutine[Any, Any, ResultT]], /
) -> JobDefinition[PayloadT, ResultT, Concatenate[PayloadT, CallP], Coroutine[Any, Any, ResultT]]: ...


@overload
def job(
    handler: Callable[Concatenate[PayloadT, CallP], ResultT], /
) -> JobDefinition[PayloadT, ResultT, Concatenate[PayloadT, CallP], ResultT]: ...


@overload
def job(
    *,
    name: str | None = None,
    timeout: str | int | None = None,
    memory: str | None = None,
    concurrency: int | None = None,
    when_disconnected: WhenDisconnected | None = None,
    on_save: OnSave | None = None,
    environment: Mapping[str, str] | None = None,
    permissions: Sequence[Mapping[str, Sequence[str]]] | None = None,
    runtime: str | None = None,
    architecture: Architecture | None = None,
    retries: int | None = None,
    backoff: str | int | None = None,
    queue_timeout: str | int | None = None,
    log_retention: str | None = None,
) -> JobDecorator: ...


def job(handler: Callable[..., Any] | None = None, /, **settings: Any) -> Any:
    """Make a job of a function: `@job`, or `@job(timeout="1 hour", memory="7 GB")`.

    name:              default: the function's in PascalCase.
    timeout:           of one attempt: `"90 seconds"`, `"8 hours"`, or a number of seconds.
    memory:            of one attempt: `"512 MB"`, `"7 GB"`.
    concurrency:       how many of its runs one session executes at the same time.
    when_disconnected: what happens in a development stage to which nobody is attached: "run" on the real
                       backend, "queue" until somebody comes, "fail".
    on_save:           what becomes of a running run in a session when its source is saved: "finish" with
                       the code that it began with, or "restart" with the new.
    environment:       variables of the handler's process.
    permissions:       of the job's role, a list of
                       `{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bucket/*"]}`.
    runtime:           `"python3.12"`; default: that of the app.

    And of deployed runs:

    architecture:      `"x86_64"` or `"arm64"`.
    retries:           further attempts after one that failed; default 0.
    backoff:           pause before the second attempt, doubled before each later one; `"10 seconds"`.
    queue_timeout:     how long a run may wait for a machine; `"8 hours"`.
    log_retention:     how long output is kept; `"14 days"`, or `"forever"`.

    Raises:
        JobSpecInvalid: a setting is unknown or out of its limits; the message names the place.
    """
    if handler is not None:
        return _define(handler, settings)
    return lambda handler: _define(handler, settings)


def _define(handler: Callable[..., Any], settings: Mapping[str, Any]) -> JobDefinition[Any, Any, ..., Any]:
    place = _place(handler)
    refuse_container(settings, place)
    spec = make_spec(settings, f"{handler.__module__}.{handler.__name__}", place)
    return JobDefinition(spec.name, handler)


def _place(handler: Callable[..., Any]) -> str:
    """`file:line` of the handler's definition."""
    code = inspect.unwrap(handler).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
