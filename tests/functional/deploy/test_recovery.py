"""Deployments that meet a stack in the midst of something: changing, interrupted, or left by a failure."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from livejob.deploy.artifacts import DeployClients
from livejob.deploy.packages import stub_package
from livejob.deploy.resources import StageContext
from livejob.deploy.review import Repair
from livejob.deploy.stack import Template
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage import DeployedStage, StageSource, deploy_stage, find_stage, remove_stage
from livejob.errors import StackFailed
from livejob.wire.names import StageNames
from tests.support.agreement import AgreeToAll
from tests.support.held_stacks import HeldStack, template_of
from tests.support.job_specs import a_job, jobs_of
from tests.support.local_aws_fixtures import LocalAwsUnderTest

WAIT_S = 10.0

ANY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}

ValueT = TypeVar("ValueT")

_numbers = itertools.count()


@dataclass(slots=True)
class Deployer:
    """Somebody who deploys one stage.

    source: packed beforehand, because CPython 3.11 does not parse in two threads at once.
    """

    context: StageContext
    clients: DeployClients
    stack: HeldStack
    review: AgreeToAll = field(default_factory=AgreeToAll)
    events: list[ResourceEvent] = field(default_factory=list)
    source: StageSource = field(default_factory=lambda: StageSource(stub_package()))

    def deploy(self, *jobs: str) -> DeployedStage:
        specs = jobs_of(*(a_job(job) for job in jobs))
        return deploy_stage(self.clients, self.context, specs, self.source, self.events.append, self.review)

    def remove(self) -> None:
        removal = find_stage(self.clients, self.context)
        if removal is not None:
            remove_stage(self.clients, self.context, removal, self.events.append, self.review)

    def told(self) -> list[str]:
        """The resources that were told as done."""
        return [each.logical_id for each in self.events if each.status.endswith("_COMPLETE")]

    def as_root(self, service: str) -> Any:
        aws = self.stack.aws
        return aws.root.client(service, endpoint_url=aws.endpoint_url)  # type: ignore[call-overload]


@pytest.fixture
def deployer(local_aws: LocalAwsUnderTest) -> Iterator[Deployer]:
    """Somebody with a stage of their own; nothing of it is left."""
    names = StageNames(f"mill{next(_numbers)}", "dev")
    context = StageContext(names, local_aws.account, local_aws.region, "0.1.0")
    deployer = Deployer(
        context,
        DeployClients(local_aws.developer, local_aws.endpoint_url),
        HeldStack(local_aws, names.stack, context.tags),
    )
    yield deployer
    if deployer.stack.status().endswith("_IN_PROGRESS"):
        deployer.stack.delete()  # a test that failed: nobody ends what it has begun
    else:
        deployer.remove()


def wait(is_so: Callable[[], object]) -> None:
    until_s = time.monotonic() + WAIT_S
    while not is_so():
        if time.monotonic() > until_s:
            raise TimeoutError
        time.sleep(0.005)


def begin(call: Callable[..., ValueT], *arguments: str) -> Future[ValueT]:
    """Do it in a thread, which ends with the tests at the latest."""
    future: Future[ValueT] = Future()

    def do() -> None:
        try:
            future.set_result(call(*arguments))
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return future


def a_filter(deployer: Deployer, pattern: str) -> dict[str, Any]:
    """A metric filter, which cannot be changed while its log group is away."""
    transformation = {"MetricName": "m", "MetricNamespace": "mill", "MetricValue": "1"}
    properties = {
        "FilterName": "old",
        "LogGroupName": deployer.context.names.prefix,
        "FilterPattern": pattern,
        "MetricTransformations": [transformation],
    }
    return {"Old": {"Type": "AWS::Logs::MetricFilter", "Properties": properties}}


def test_change_that_goes_on_is_followed_then_ones_own_is_made(deployer: Deployer) -> None:
    """Somebody's change is told as it proceeds, and after its end the stage becomes what is wanted here."""
    deployer.stack.create(template_of({}))

    deploying = begin(deployer.deploy, "Resize")
    wait(lambda: deployer.review.followed)
    deployer.stack.signal("SUCCESS")
    deployed = deploying.result(WAIT_S)

    assert ["CREATE_IN_PROGRESS"] == deployer.review.followed
    assert {"Wait", "JobResizeInvoker"} <= set(deployer.told())
    assert deployer.told().index("Wait") < deployer.told().index("JobResizeInvoker")
    assert deployed.is_changed


def test_interrupted_deployment_that_comes_to_its_end_leaves_nothing_to_do(deployer: Deployer) -> None:
    """Whoever deploys again while an earlier deployment of the same goes on sees its end, and is done."""
    deployer.deploy("Resize")
    [stack] = deployer.as_root("cloudformation").describe_stacks(StackName=deployer.stack.name)["Stacks"]
    digest = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "Deployment")
    template = json.loads(template_of({}))
    deployer.stack.update(json.dumps({**template, "Outputs": {"Deployment": {"Value": digest}}}))

    deploying = begin(deployer.deploy, "Resize")
    wait(lambda: deployer.review.followed)
    deployer.stack.signal("SUCCESS")
    deployed = deploying.result(WAIT_S)

    assert not deployed.is_changed


def test_removal_waits_for_a_change_that_goes_on(deployer: Deployer) -> None:
    """A stage that is changing is removed once that has ended."""
    deployer.stack.create(template_of({}))

    removing = begin(deployer.remove)
    wait(lambda: deployer.review.followed)
    deployer.stack.signal("SUCCESS")
    removing.result(WAIT_S)

    assert find_stage(deployer.clients, deployer.context) is None


@pytest.mark.parametrize("jobs", [("Resize", "Resize"), ("Resize", "Report")])
def test_two_deployments_at_once_are_both_made(deployer: Deployer, jobs: tuple[str, str]) -> None:
    """One does it; the other finds nothing left to do, or makes its own change afterwards."""
    deployer.deploy("Shrink")
    other = Deployer(deployer.context, deployer.clients, deployer.stack)

    deployments = [begin(one.deploy, job) for one, job in zip((deployer, other), jobs, strict=True)]
    deployed = [each.result(WAIT_S) for each in deployments]

    assert any(each.is_changed for each in deployed)
    assert "UPDATE_COMPLETE" == deployer.stack.status()
    assert [] == deployer.stack.change_sets()
    functions = deployer.as_root("lambda").list_functions()["Functions"]
    mine = {each["FunctionName"] for each in functions} & set().union(
        *({one.context.names.invoker(job)} for one, job in zip((deployer, other), jobs, strict=True))
    )
    assert 1 == len(mine)


def test_own_proposal_that_is_overtaken_is_made_anew(deployer: Deployer) -> None:
    """Between the proposal and its execution somebody else deploys: theirs is kept, and then changed."""
    other = Deployer(deployer.context, deployer.clients, deployer.stack)
    overtaken: list[object] = []

    class DeployMeanwhile(AgreeToAll):
        def check_changes(self, changes: object) -> None:
            if not overtaken:
                overtaken.append(other.deploy("Report"))

    deployer.deploy("Shrink")
    deployer.review = DeployMeanwhile()

    deployer.deploy("Resize")

    assert "JobReportInvoker" in other.told()
    assert "JobResizeInvoker" in deployer.told()
    assert "UPDATE_COMPLETE" == deployer.stack.status()


def test_discarded_proposal_spares_a_stack_that_somebody_else_has_made(deployer: Deployer) -> None:
    """The empty stack of a proposal is deleted with it, unless it has become somebody's stage."""
    stacks = deployer.clients.stacks
    proposal = stacks.propose(stacks.view(deployer.stack.name), Template(body=template_of({})), {})
    assert proposal is not None
    deployer.deploy("Resize")

    stacks.discard(proposal)

    assert "CREATE_COMPLETE" == deployer.stack.status()


def test_creation_that_could_not_be_taken_back_is_deleted_when_agreed_and_made_again(
    deployer: Deployer,
) -> None:
    """What is left of a stack that never was whole is in nobody's way; the reason is told before."""
    deployer.stack.create(template_of({}), DisableRollback=True)
    deployer.stack.signal("FAILURE")
    deployer.stack.wait_status("CREATE_FAILED")

    deployed = deployer.deploy("Resize")

    [(repair, reason)] = deployer.review.repairs
    assert Repair.DELETE is repair
    assert reason.startswith("Wait (AWS::CloudFormation::WaitCondition) CREATE_FAILED: ")
    assert deployed.is_changed
    assert "CREATE_COMPLETE" == deployer.stack.status()


@pytest.fixture
def half_changed(deployer: Deployer) -> Deployer:
    """Their stack is UPDATE_ROLLBACK_FAILED: what the change had touched is gone, so it cannot go back."""
    logs, group = deployer.as_root("logs"), deployer.context.names.prefix
    logs.create_log_group(logGroupName=group)
    deployer.stack.create(json.dumps({"Resources": a_filter(deployer, "before")}))
    deployer.stack.wait_status("CREATE_COMPLETE")
    deployer.stack.update(template_of(a_filter(deployer, "after"), waits_after="Old"))
    deployer.stack.wait_waiting()
    logs.delete_log_group(logGroupName=group)
    deployer.stack.signal("FAILURE")
    deployer.stack.wait_status("UPDATE_ROLLBACK_FAILED")
    return deployer


def test_rollback_that_failed_is_finished_when_agreed(half_changed: Deployer) -> None:
    """Once its reason is mended, the change before is taken back, and this deployment goes on."""
    deployer = half_changed
    deployer.as_root("logs").create_log_group(logGroupName=deployer.context.names.prefix)

    deployer.deploy("Resize")

    [(repair, reason)] = deployer.review.repairs
    assert Repair.ROLL_BACK is repair
    assert reason.startswith("Wait (AWS::CloudFormation::WaitCondition) ")
    assert "received failed message" in reason
    assert "UPDATE_COMPLETE" == deployer.stack.status()
    assert "JobResizeInvoker" in deployer.told()


def test_rollback_that_fails_again_names_the_resource_to_skip(half_changed: Deployer) -> None:
    """Nothing else is tried: the remedy is the command that leaves the resource as it is."""
    with pytest.raises(StackFailed) as caught:
        half_changed.deploy("Resize")

    assert "The stack is UPDATE_ROLLBACK_FAILED." in caught.value.message
    assert "--resources-to-skip Old" in caught.value.remedy
    half_changed.as_root("cloudformation").continue_update_rollback(
        StackName=half_changed.stack.name, ResourcesToSkip=["Old"]
    )


def test_deletion_that_failed_is_gone_on_with_by_a_removal(deployer: Deployer) -> None:
    """A deployment does not decide over what somebody wanted gone: it says why that failed, and how to go
    on; the removal does go on.
    """
    document = json.dumps(ANY_POLICY)
    policy = {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "old", "PolicyDocument": document}}
    deployer.stack.create(json.dumps({"Resources": {"Old": policy}}))
    deployer.stack.wait_status("CREATE_COMPLETE")
    iot = deployer.as_root("iot")
    target = f"{deployer.context.region}:00000000-0000-4000-8000-000000000000"  # a Cognito identity
    iot.attach_policy(policyName="old", target=target)
    deployer.as_root("cloudformation").delete_stack(StackName=deployer.stack.name)
    deployer.stack.wait_status("DELETE_FAILED")

    with pytest.raises(StackFailed) as caught:
        deployer.deploy("Resize")
    iot.detach_policy(policyName="old", target=target)
    deployer.remove()

    assert caught.value.message.startswith("Old (AWS::IoT::Policy) DELETE_FAILED: ")
    assert "`livejob remove`" in caught.value.remedy
    assert find_stage(deployer.clients, deployer.context) is None


def test_change_that_failed_and_was_left_so_is_told_with_the_command(deployer: Deployer) -> None:
    """Only somebody who switched the rollback off comes to this: what becomes of it is theirs to say. A
    development stage can be removed all the same.
    """
    deployer.deploy("Resize")
    deployer.stack.update(template_of({}), DisableRollback=True)
    deployer.stack.signal("FAILURE")
    deployer.stack.wait_status("UPDATE_FAILED")

    with pytest.raises(StackFailed) as caught:
        deployer.deploy("Resize")
    deployer.remove()

    assert caught.value.message.startswith("Wait (AWS::CloudFormation::WaitCondition) ")
    assert f"`aws cloudformation rollback-stack --stack-name {deployer.stack.name}`" in caught.value.remedy
    assert "" == deployer.stack.status()
