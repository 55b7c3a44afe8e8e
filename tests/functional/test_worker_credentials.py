"""The credential endpoint inside a worker, asked as an SDK asks it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from livejob.wire.worker import CredentialsReply, CredentialsWanted
from tests.support.attempts import HANDLERS, WorkerDriver, open_worker, worker_spec
from tests.support.engine_fixtures import EngineUnderTest

DOCUMENT = json.dumps(
    {
        "AccessKeyId": "ASIAROLE",
        "SecretAccessKey": "role-secret",
        "Token": "role-token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
)


class Daemon:
    """Answers like a daemon, and counts how often it was asked."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.asked_count = 0

    def reply(self, wanted: CredentialsWanted) -> CredentialsReply:
        self.asked_count += 1
        document = "" if self.error else DOCUMENT
        return CredentialsReply(wanted.request, document, self.error)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def worker(engine: EngineUnderTest, daemon: Daemon) -> AsyncIterator[WorkerDriver]:
    """A worker of each engine whose credentials come from `daemon`."""
    spec = worker_spec(HANDLERS, image=engine.image)
    async with open_worker(engine.engine, spec, daemon.reply) as driver:
        yield driver


async def test_credentials_are_served(worker: WorkerDriver):
    """The address and token in the environment give the daemon's document."""
    attempt = await worker.run("surroundings.credentials", {})

    assert [200, DOCUMENT] == attempt.result


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({"token": "guessed"}, 401),
        ({"token": ""}, 401),
        ({"suffix": "x"}, 404),
        ({"method": "DELETE"}, 405),
        ({"token": "x" * 10_000}, 431),
    ],
)
async def test_whoever_cannot_prove_it_gets_nothing(
    worker: WorkerDriver, daemon: Daemon, question: dict[str, str], status: int
):
    """A wrong token, path or method, or a question too long, is refused without asking the daemon."""
    attempt = await worker.run("surroundings.credentials", question)

    assert status == attempt.result[0]
    assert 0 == daemon.asked_count


async def test_the_reason_of_a_refusal_arrives(worker: WorkerDriver, daemon: Daemon):
    """What keeps the daemon from giving credentials is said to whoever asked."""
    daemon.error = "you may not assume the rôle"

    attempt = await worker.run("surroundings.credentials", {})

    assert [500, "you may not assume the rôle"] == attempt.result


async def test_a_token_ends_with_its_attempt(worker: WorkerDriver, daemon: Daemon):
    """Address and token of an earlier attempt are worth nothing."""
    earlier = (await worker.run("surroundings.environment")).result

    attempt = await worker.run(
        "surroundings.credentials",
        {
            "url": earlier["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
            "token": earlier["AWS_CONTAINER_AUTHORIZATION_TOKEN"],
        },
    )

    assert 404 == attempt.result[0]
    assert 0 == daemon.asked_count


async def test_boto3_finds_them(worker: WorkerDriver):
    """boto3 uses the endpoint by itself, whatever else the machine has."""
    attempt = await worker.run("surroundings.credentials_of_boto3")

    assert ["ASIAROLE", "role-secret", "role-token"] == attempt.result


async def test_many_ask_at_once(worker: WorkerDriver, daemon: Daemon):
    """Questions that overlap are all answered."""
    attempt = await worker.run("surroundings.credentials_at_once", 8)

    assert [[200, DOCUMENT]] * 8 == attempt.result
    assert 8 == daemon.asked_count
