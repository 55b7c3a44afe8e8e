"""What an attempt finds in its environment."""

from __future__ import annotations

from livejob.local_runner.supervisor.environment import (
    OTHER_CREDENTIALS,
    EndpointAddress,
    attempt_environment,
)
from livejob.wire.ids import RunId
from livejob.wire.worker import StartAttempt

ADDRESS = EndpointAddress("http://127.0.0.1:1/credentials/x", "token")


def start(**environment: str) -> StartAttempt:
    return StartAttempt(RunId("run_1"), 2, "Resize", "job.handler", 0, environment)


def test_the_jobs_variables_win():
    """A variable of the job replaces the worker's of the same name."""
    found = attempt_environment({"A": "worker", "B": "worker"}, start(A="job"), ADDRESS)

    assert ("job", "worker") == (found["A"], found["B"])


def test_livejobs_own_names_win():
    """A job cannot give itself another identity or another place of credentials."""
    found = attempt_environment(
        {}, start(LIVEJOB_RUN_ID="run_9", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://elsewhere"), ADDRESS
    )

    assert ("run_1", "2", "Resize") == tuple(
        found[name] for name in ("LIVEJOB_RUN_ID", "LIVEJOB_ATTEMPT", "LIVEJOB_JOB")
    )
    assert ADDRESS.uri == found["AWS_CONTAINER_CREDENTIALS_FULL_URI"]


def test_no_other_credentials():
    """Static keys, profiles and other providers are left out, wherever they come from."""
    given = dict.fromkeys(OTHER_CREDENTIALS, "x")

    found = attempt_environment(given, start(**given), ADDRESS)

    assert set() == OTHER_CREDENTIALS & found.keys()
    assert ("/dev/null", "/dev/null") == (found["AWS_SHARED_CREDENTIALS_FILE"], found["AWS_CONFIG_FILE"])


def test_the_token_is_not_shown():
    """The token is in no repr, so in no log."""
    assert "token" not in repr(ADDRESS).replace("EndpointAddress", "")
