"""Defines jobs: the `@job` decorator and what it makes of a function.

The decorated function stays what it was: call it, and the handler runs right here. `.run(...)` starts a
run in the app and stage of the environment instead. Deployments read the decorator's arguments from the
source and never import it, so each must be written as a plain value; they are checked by the same rules
here, where they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from livejob.sdk.client import Client, default_client
from livejob.sdk.run import Run

if TYPE_CHECKING:
    from livejob.project.specs import WhenDisconnected

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

        client: of another app or stage than the environment names.
        """
        return (client or default_client()).run_as(self.name, payload, key, self._revive)

    def _revive(self, value: object) -> ResultT:
        return value  # type: ignore[return-value]


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
    memory: str | int | None = None,
    concurrency: int | None = None,
    when_disconnected: WhenDisconnected | None = None,
    environment: Mapping[str, str] | None = None,
    permissions: Sequence[Mapping[str, Sequence[str]]] | None = None,
    runtime: str | None = None,
) -> JobDecorator: ...


def job(handler: Callable[..., Any] | None = None, /, *, name: str | None = None, **settings: Any) -> Any:
    """Make a job of a function: `@job`, or `@job(timeout="1 hour", memory="7 GB", ...)`."""
    if handler is not None:
        return JobDefinition(handler.__name__, handler)

    def decorate(handler: Callable[..., Any]) -> JobDefinition[Any, Any, ..., Any]:
        return JobDefinition(name or handler.__name__, handler)

    return decorate
