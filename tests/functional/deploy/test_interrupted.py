"""`livejob deploy` as a process that is killed at one point after the other, and called again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from livejob.wire.names import StageNames
from tests.support.cli_fixtures import SOURCE, AppUnderTest
from tests.support.held_api import held_api
from tests.support.held_stacks import HeldStack
from tests.support.live_command import LIVEJOB

DEPLOY = ("deploy", "--stage", "prod", "--aws", "--yes")


@pytest.fixture
def stack(app: AppUnderTest) -> Iterator[HeldStack]:
    """The stack of the app's stage `prod`, which is not deployed yet; nothing of it is left."""
    names, aws = StageNames(app.stage.names.app, "prod"), app.stage.aws
    stack = HeldStack(aws, names.stack, {})
    yield stack
    app.livejob("remove", "--stage", "prod", "--aws", "--yes")
    stack.delete()
    aws.root.client("dynamodb", endpoint_url=aws.endpoint_url).delete_table(TableName=names.table)
    bucket = names.bucket(aws.account, aws.region)
    aws.root.client("s3", endpoint_url=aws.endpoint_url).delete_bucket(Bucket=bucket)


def deploy_and_die(
    app: AppUnderTest, stack: HeldStack, action: str, number: signal.Signals, *, arrives: bool
) -> str:
    """Begin a deployment, which dies by the signal when it has just sent the call; what it said."""
    with held_api(app.stage.aws.port, f"Action={action}&", stack.name) as api:
        process = subprocess.Popen(
            [LIVEJOB, *DEPLOY],
            env={**os.environ, "AWS_ENDPOINT_URL": api.url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        api.wait_held()
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait(20)
        api.decide(passes=arrives)
        return process.communicate(timeout=20)[1]


@pytest.mark.parametrize(
    ("action", "arrives"),
    [("CreateChangeSet", True), ("ExecuteChangeSet", False), ("ExecuteChangeSet", True)],
)
def test_change_that_was_killed_is_made_by_the_next_deployment(
    app: AppUnderTest, stack: HeldStack, action: str, arrives: bool
) -> None:
    """With its change set, or while that is executed: the stage becomes as wanted, nothing is left."""
    app.livejob(*DEPLOY)
    (app.root / "src/jobs.py").write_text(SOURCE.replace("return payload", "return [payload]"))
    deploy_and_die(app, stack, action, signal.SIGKILL, arrives=arrives)

    told = app.livejob(*DEPLOY)
    again = app.livejob(*DEPLOY)

    assert 0 == told.code, told.err
    assert "nothing has changed" in again.err
    assert "UPDATE_COMPLETE" == stack.status()
    assert [] == stack.change_sets()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_new_stage_whose_creation_was_killed_is_made_by_the_next_deployment(
    app: AppUnderTest, stack: HeldStack, number: signal.Signals
) -> None:
    """What a first deployment left between its two steps, an empty stack, is in nobody's way."""
    said = deploy_and_die(app, stack, "ExecuteChangeSet", number, arrives=False)
    between = stack.status()

    told = app.livejob(*DEPLOY)

    assert (number is signal.SIGINT) == ("deploy again to follow it" in said)
    assert "REVIEW_IN_PROGRESS" == between
    assert 0 == told.code, told.err
    assert "CREATE_COMPLETE" == stack.status()
