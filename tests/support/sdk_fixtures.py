"""A caller's world: an API with jobs behind it, a client that speaks to it, and a clock that tests step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from livejob.clock import SteppedClock
from livejob.sdk import Client
from tests.support.lambda_api import LambdaApi, lambda_api

APP, STAGE, JOB = "shop", "mia", "Resize"
RUN_ID = "run_" + "0" * 32


class ScriptedInvoker:
    """An invoker that says one prepared answer after the other, and repeats the last one."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self._answers = list(answers)

    def __call__(self, request: Any) -> object:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def started(status: str = "CLAIMED") -> dict[str, Any]:
    """An invoker's answer to "run"."""
    return {"jobId": RUN_ID, "runId": RUN_ID, "status": status, "backend": "live"}


def standing(status: str, **fields: object) -> dict[str, Any]:
    """An invoker's answer to "status"."""
    return {
        "runId": RUN_ID,
        "job": JOB,
        "status": status,
        "attempt": 1,
        "backend": "live",
        "createdMs": 1_700_000_000_000,
        "startedMs": 1_700_000_000_100,
        "endedMs": None,
        "failure": None,
        "log": "",
        **fields,
    }


@dataclass
class Caller:
    """A client, the API it talks to, and the time it lives in: sleeping only steps the clock."""

    client: Client
    api: LambdaApi
    clock: SteppedClock
    slept_s: list[float]

    def job_answers(self, *answers: dict[str, Any] | Exception) -> None:
        """The job's invoker says these, one after the other."""
        self.api.add_job(APP, STAGE, JOB, ScriptedInvoker(*answers))


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    """Kept for the whole run of the suite, because boto3 takes long to read what services there are."""
    return boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")


@pytest.fixture
def caller(aws_session: boto3.Session) -> Iterator[Caller]:
    clock = SteppedClock()
    slept_s: list[float] = []

    def sleep(seconds: float) -> None:
        assert len(slept_s) < 1000, "waits without end"
        slept_s.append(seconds)
        clock.advance(seconds)

    with lambda_api() as api:
        client = Client(APP, STAGE, session=aws_session, endpoint_url=api.url, clock=clock, sleep=sleep)
        yield Caller(client, api, clock, slept_s)
