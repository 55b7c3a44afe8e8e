"""Starts runs and finds them again: the caller's way into one app and stage.

A deployed function needs no client of its own: `Job.run(...)` and `resize.run(...)` use the one that its
environment names (LIVEJOB_APP, LIVEJOB_STAGE). Programs that talk to several stages make a `Client` for
each.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from livejob.clock import Clock, SystemClock
from livejob.errors import InvokerRefused, PayloadInvalid, PayloadTooLarge, SettingsInvalid
from livejob.sdk.invokers import Answer, Invokers
from livejob.sdk.run import Pace, Run
from livejob.sdk.transfers import upload
from livejob.wire.documents import NotJson, encode_document
from livejob.wire.ids import RunId
from livejob.wire.limits import DOCUMENT_BYTES, PAYLOAD_BYTES
from livejob.wire.names import ENV_APP, ENV_STAGE, StageNames

if TYPE_CHECKING:
    import boto3


class Client:
    """Runs of one app and stage.

    app, stage:   default: the environment's LIVEJOB_APP and LIVEJOB_STAGE.
    session:      boto3 session whose credentials and region are used; default: a new one.
    endpoint_url: of AWS; default: boto3's own choice.
    clock, sleep: how waiting passes time.

    Raises:
        SettingsInvalid: app or stage is neither given nor in the environment.
    """

    def __init__(
        self,
        app: str | None = None,
        stage: str | None = None,
        *,
        session: boto3.Session | None = None,
        endpoint_url: str | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        names = StageNames(app or _from_environment(ENV_APP), stage or _from_environment(ENV_STAGE))
        self._invokers = Invokers(names, session, endpoint_url)
        self._pace = Pace(clock or SystemClock(), sleep)

    def run(self, job: str, payload: object = None, *, key: str | None = None) -> Run[Any]:
        """Start a run of `job`; returns as soon as it is recorded.

        payload: what `encode_document` takes: JSON values, dataclasses, pydantic models.
        key:     idempotency key: with a key that another run of the job has, no run is started and that
                 one is returned.

        Raises:
            PayloadInvalid, PayloadTooLarge: the payload cannot travel; nothing was sent.
            UnknownJob: no such job in the stage.
            NoSession: nobody is attached to the development stage, and the job's policy is to fail then.
            InvokerRefused: the invoker failed.
            AwsError: AWS refused or did not answer. Without a `key`, a run may have been started.
        """
        return self.run_document(job, payload_document(payload), key=key)

    def run_document(self, job: str, document: bytes, *, key: str | None = None) -> Run[Any]:
        """`run` with a payload that is UTF-8 JSON already, such as `payload_document` makes."""
        if len(document) > PAYLOAD_BYTES:
            answer = self._run_uploaded(job, document, key)
        else:
            request = b'{"action":"run","payload":' + document + _key_field(key) + b"}"
            answer = self._invokers.ask(job, request, is_repeatable=key is not None)
        return self._handle(_text(job, answer, "runId"), job)

    def get(self, run_id: str, *, job: str) -> Run[Any]:
        """A handle on a run that was started before. Asks nobody: `refresh` tells whether it exists."""
        return self._handle(run_id, job)

    def _run_uploaded(self, job: str, document: bytes, key: str | None) -> Answer:
        """Start a run with a payload that does not fit into an invocation."""
        request = json.dumps({"action": "upload", "sizeBytes": len(document)}).encode()
        place = self._invokers.ask(job, request, is_repeatable=True)
        upload(_text(job, place, "uploadUrl"), document)
        upload_id = json.dumps(_text(job, place, "uploadId")).encode()
        request = b'{"action":"run","uploadId":' + upload_id + _key_field(key) + b"}"
        # Its id is the run's, so asking twice starts one run.
        return self._invokers.ask(job, request, is_repeatable=True)

    def _handle(self, run_id: str, job: str) -> Run[Any]:
        return Run(RunId(run_id), job, self._invokers, self._pace)


class Job:
    """Jobs by name, in the app and stage of the environment.

    `Job.run("Resize", {"width": 300})` starts one from any function that knows its name; nothing of the
    job's code is imported.
    """

    @staticmethod
    def run(name: str, payload: object = None, *, key: str | None = None) -> Run[Any]:
        """Start a run of the job `name`; see `Client.run`."""
        return default_client().run(name, payload, key=key)

    @staticmethod
    def ref(name: str) -> JobReference:
        """The job `name`, to run it without importing its code."""
        return JobReference(name)

    @staticmethod
    def get(run_id: str, *, job: str) -> Run[Any]:
        """A handle on a run that was started before; see `Client.get`."""
        return default_client().get(run_id, job=job)


class JobReference:
    """A job of which only the name is known."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Job {self.name}>"

    def run(self, payload: object = None, *, key: str | None = None) -> Run[Any]:
        """Start a run of the job; see `Client.run`."""
        return Job.run(self.name, payload, key=key)


def default_client() -> Client:
    """The client of the app and stage that the environment names now.

    Raises:
        SettingsInvalid: it names none.
    """
    return _client_of(_from_environment(ENV_APP), _from_environment(ENV_STAGE))


@cache
def _client_of(app: str, stage: str) -> Client:
    # Kept, because a boto3 client takes tens of milliseconds to make and may be used from all threads.
    return Client(app, stage)


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingsInvalid(
            f"{name} is not set, so there is no telling whose job is meant",
            remedy="Set LIVEJOB_APP and LIVEJOB_STAGE (a deployed function gets them), or use "
            "Client(app=..., stage=...).",
        )
    return value


def payload_document(payload: object) -> bytes:
    """The payload as it travels, UTF-8 JSON.

    Raises:
        PayloadInvalid: JSON cannot hold it.
        PayloadTooLarge
    """
    try:
        document = encode_document(payload, "payload")
    except NotJson as error:
        raise PayloadInvalid(str(error)) from error
    if len(document) > DOCUMENT_BYTES:
        raise PayloadTooLarge(f"the payload has {len(document)} bytes", limit_bytes=DOCUMENT_BYTES)
    return document


def _key_field(key: str | None) -> bytes:
    return b"" if key is None else b',"key":' + json.dumps(key).encode()


def _text(job: str, answer: Answer, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise InvokerRefused(f"the invoker of {job} answered without {name}: {answer!r:.200}")
    return value
