"""A session's stage in the local AWS, looked at and deployed again while the session goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from livejob.cli.live_stage import LiveStage
from livejob.cli.wiring import Target
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.resources import MODE_TAG, StageContext
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage import find_stage, remove_stage
from livejob.errors import NotConfirmed
from livejob.project.loading import load_settings
from livejob.project.specs import Statement
from livejob.wire.names import StageNames
from tests.support.agreement import AgreeToAll
from tests.support.job_specs import a_job, jobs_of
from tests.support.local_aws_fixtures import LocalAwsUnderTest
from tests.support.stage_images import ToldOfImages

LISTING = Statement(("s3:ListBucket",), ("arn:aws:s3:::reports",))


@dataclass
class Deployed:
    """A stage with one job, as a session has deployed it."""

    aws: LocalAwsUnderTest
    stage: LiveStage
    stack: str

    def make_production(self) -> None:
        """As somebody's `livejob deploy` does: from then on the stack's tag says so."""
        client = self.aws.root.client("cloudformation", endpoint_url=self.aws.endpoint_url)
        [stack] = client.describe_stacks(StackName=self.stack)["Stacks"]
        tags = [each for each in stack["Tags"] if each["Key"] != MODE_TAG]
        client.update_stack(
            StackName=self.stack,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[*tags, {"Key": MODE_TAG, "Value": "production"}],
        )


@pytest.fixture
def deployed(local_aws: LocalAwsUnderTest, tmp_path: Path) -> Iterator[Deployed]:
    names = StageNames("followed", "dev")
    (tmp_path / "livejob.toml").write_text('app = "followed"\n')
    settings = load_settings(tmp_path, {"stage": "dev"}, {}, "mia")
    events: list[ResourceEvent] = []
    target = Target(names, local_aws.developer, local_aws.endpoint_url)
    stage = LiveStage(target, settings, events.append, ToldOfImages())
    stage.deploy_first(jobs_of(a_job("Resize")), AgreeToAll())
    yield Deployed(local_aws, stage, names.stack)
    clients = DeployClients(local_aws.root, local_aws.endpoint_url)
    context = StageContext(names, local_aws.account, local_aws.region, "0.1.0")
    removal = find_stage(clients, context)
    assert removal is not None
    remove_stage(clients, context, removal, events.append, AgreeToAll())


def test_what_is_looked_at_is_what_is_deployed(deployed: Deployed) -> None:
    """The developer may look and deploy; what was shown is what is changed, and then nothing is left."""
    jobs = jobs_of(a_job("Resize", LISTING), a_job("More"))

    shown = deployed.stage.look(jobs)
    done = deployed.stage.deploy(jobs)

    assert {"JobResizeRole", "JobMoreRole"} < {each.logical_id for each in shown}
    assert (tuple(shown), {"Resize", "More"}) == (done.changes, done.job_roles.keys())
    assert [] == list(deployed.stage.look(jobs))


def test_what_no_resource_has_needs_no_deployment(deployed: Deployed) -> None:
    """The memory and the environment of a job that only sessions run are nothing in AWS."""
    jobs = jobs_of(a_job("Resize", memory_bytes=2**30, environment={"LEVEL": "debug"}))

    assert [] == list(deployed.stage.look(jobs))


def test_stage_that_has_become_production_is_left_alone(deployed: Deployed) -> None:
    """A session takes no production stage back in passing; that is asked at a start only."""
    deployed.make_production()
    jobs = jobs_of(a_job("Resize"), a_job("More"))

    with pytest.raises(NotConfirmed, match="production"):
        deployed.stage.look(jobs)
    with pytest.raises(NotConfirmed, match="production"):
        deployed.stage.deploy(jobs)
