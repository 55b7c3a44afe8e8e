"""The resources that `Job` makes: those of `livejob deploy`, and what only a CDK app can say."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack, aws_ec2, aws_s3, aws_ssm
from constructs import Construct
from livejob_infra import Job, LivejobStage

from livejob.deploy.build import platform_of
from livejob.deploy.bundle import Bundle
from livejob.deploy.packages import invoker_package, reconciler_package
from livejob.deploy.resources import ImageCode, StageContext
from livejob.deploy.stages import StageCode, stage_resources
from livejob.deploy.template import stage_template
from livejob.errors import LivejobError, NameTooLong
from livejob.project.job_arguments import make_spec
from livejob.project.specs import JobSpec
from livejob.wire.names import StageNames
from tests.apps.cdk.stacks import SAME_CONTAINER_JOB, SAME_JOB, other_vpc
from tests.functional.infra.conftest import ACCOUNT, REGION, SynthesizedApp

OF_A_JOB = ["BuildLog", "Invoker", "InvokerAsync", "Log", "Parameter", "Project", "Role"]


def deployed_by_livejob(*containers: JobSpec) -> Mapping[str, Any]:
    """The resources of the stage with SAME_JOB and container jobs in it, as `livejob deploy` makes them."""
    spec = make_spec(SAME_JOB, "src/job.main", "job.py:1")
    context = StageContext(StageNames("shop", "same"), ACCOUNT, REGION, "0.1.0", "production")
    bundle = Bundle("0" * 64, Path()).code_in("artifacts")
    code = StageCode(
        invoker_package().code_in("artifacts"),
        reconciler_package().code_in("artifacts"),
        {platform_of(spec): bundle},
        {each.name: ImageCode("0" * 64, "uri", "repository") for each in containers},
    )
    jobs = {each.name: each for each in (spec, *containers)}
    resources: Any = stage_template(stage_resources(context, jobs, code))["Resources"]
    return resources


def differences(left: Any, right: Any, path: str = "") -> Iterator[str]:
    """The paths at which two documents differ, without places in lists."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        for key in left:
            yield from differences(left[key], right[key], f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, each in enumerate(left):
            yield from differences(each, right[index], path)
    elif left != right:
        yield path


def variables(project: Mapping[str, Any]) -> Mapping[str, tuple[str, object]]:
    listed = project["Properties"]["Environment"]["EnvironmentVariables"]
    return {each["Name"]: (each["Type"], each["Value"]) for each in listed}


def statements(resource: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    document = resource["Properties"]["PolicyDocument"]
    return [(each["Action"], each["Resource"]) for each in document["Statement"]]


def actions_of(policy: Mapping[str, Any]) -> set[str]:
    listed = [action for action, _ in statements(policy)]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_resources_are_those_of_livejob_deploy(synthesized: SynthesizedApp) -> None:
    """Name by name and property by property the same; only code lies in the CDK's bucket."""
    ours, theirs = deployed_by_livejob(), without_tags(synthesized.resources("SameAsDeploy"))

    assert ours.keys() == theirs.keys()
    assert {
        ".JobMyJobInvoker.Properties.Code.S3Bucket",
        ".JobMyJobInvoker.Properties.Code.S3Key",
        ".JobMyJobInvoker.Properties.Environment.Variables.LIVEJOB_BUNDLE",
        ".JobMyJobProject.Properties.Environment.EnvironmentVariables.Value",  # the same
        ".JobMyJobProject.Properties.Source.Location",
        ".JobMyJobRole.Properties.Policies.PolicyDocument.Statement.Resource",  # the bundle's
        ".Reconciler.Properties.Code.S3Bucket",
        ".Reconciler.Properties.Code.S3Key",
    } == set(differences(ours, theirs))
    assert variables(ours["JobMyJobProject"]) == {
        **variables(theirs["JobMyJobProject"]),
        "LIVEJOB_BUNDLE": ("PLAINTEXT", "0" * 64),
    }


def test_resources_carry_the_stages_tags(synthesized: SynthesizedApp) -> None:
    """As the stack of `livejob deploy` gives them to its resources: app, stage, version and mode."""
    resources = synthesized.resources("SameAsDeploy")

    tags = {
        name: each["Properties"]["Tags"] for name, each in resources.items() if "Tags" in each["Properties"]
    }

    expected = {
        "livejob:app": "shop",
        "livejob:stage": "same",
        "livejob:version": "0.1.0",
        "livejob:mode": "production",
    }
    assert expected == tags.pop("JobMyJobParameter")
    assert {"RunTable", "StageBucket", "JobMyJobProject", "JobMyJobRole", "Reconciler"} <= tags.keys()
    assert all(expected == {each["Key"]: each["Value"] for each in listed} for listed in tags.values())


def without_tags(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    """What tells them apart from those of a stack that is tagged as a whole."""
    return {
        name: {
            **each,
            "Properties": {key: value for key, value in each["Properties"].items() if key != "Tags"},
        }
        for name, each in resources.items()
    }


def test_templates_pass_the_validation_of_the_cdk(synthesized: SynthesizedApp) -> None:
    """The CDK looks at every template for what CloudFormation would refuse, and finds nothing."""
    report = json.loads((synthesized.directory / "validation-report.json").read_text())

    assert [] == [found for each in report["pluginReports"] for found in each["violations"]]


def test_example_of_a_job_synthesizes(synthesized: SynthesizedApp) -> None:
    """`Job(stage, "MyJob", handler="src/job.main")` is all that a job needs."""
    resources = synthesized.resources("CreatingAJob")

    assert {f"JobMyJob{each}" for each in OF_A_JOB} <= resources.keys()
    assert "livejob-shop-first_MyJob" == resources["JobMyJobProject"]["Properties"]["Name"]
    assert "BUILD_GENERAL1_SMALL" == resources["JobMyJobProject"]["Properties"]["Environment"]["ComputeType"]


def test_example_with_props_synthesizes(synthesized: SynthesizedApp) -> None:
    """Timeout, memory, config and permissions reach the project and its role."""
    resources = synthesized.resources("SettingAdditionalProps")
    project = resources["JobMyJobProject"]

    given = variables(project)
    [policy] = synthesized.resources("SettingAdditionalProps", "AWS::IAM::Policy").values()

    assert 35 == project["Properties"]["TimeoutInMinutes"]
    assert ("PARAMETER_STORE", "SECRETS_MANAGER") == (given["API_URL"][0], given["STRIPE_KEY"][0])
    assert ("ses:*", "*") in statements(policy)
    assert any("s3:PutObject" in actions for actions, _ in statements(policy))
    assert [{"Ref": "JobMyJobRole"}] == policy["Properties"]["Roles"]


def test_example_in_a_vpc_synthesizes(synthesized: SynthesizedApp) -> None:
    """The project is in the VPC's private subnets, under a security group of its own."""
    resources = synthesized.resources("JobInAVpc")
    [group] = synthesized.resources("JobInAVpc", "AWS::EC2::SecurityGroup")

    assert {
        "VpcId": "vpc-0123456789abcdef0",
        "Subnets": ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
        "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
    } == resources["JobMyJobProject"]["Properties"]["VpcConfig"]
    policies = resources["JobMyJobRole"]["Properties"]["Policies"]
    assert ["Job", "Vpc"] == [each["PolicyName"] for each in policies]


def test_container_job_is_that_of_livejob_deploy(synthesized: SynthesizedApp) -> None:
    """Beside a function too: roles have what both need; the image lies in the CDK's repository."""
    spec = make_spec(SAME_CONTAINER_JOB, "src/job", "livejob.toml [jobs.MyCommand]")
    ours = deployed_by_livejob(spec)
    theirs = without_tags(synthesized.resources("ContainerSameAsDeploy"))

    assert ours.keys() == theirs.keys()
    assert {
        ".JobMyCommandInvoker.Properties.Environment.Variables.LIVEJOB_BUNDLE",
        ".JobMyCommandProject.Properties.Environment.EnvironmentVariables.Value",  # the same
        ".JobMyCommandProject.Properties.Environment.Image",
        ".JobMyCommandRole.Properties.Policies.PolicyDocument.Statement.Resource",  # the repository's
    } == {each for each in differences(ours, theirs) if "MyJob" not in each and ".Code.S3" not in each}


def test_example_of_a_container_job_synthesizes(synthesized: SynthesizedApp) -> None:
    """Its image is an asset of the CDK's, for the machine of its project, pulled under the job's role."""
    project = synthesized.resources("CreatingAContainerJob")["JobMyJobProject"]["Properties"]
    assets = json.loads((synthesized.directory / "CreatingAContainerJob.assets.json").read_text())

    [image] = assets["dockerImages"].values()

    assert "linux/amd64" == image["source"]["platform"]
    assert (synthesized.directory / image["source"]["directory"] / "my-script.py").is_file()
    assert "SERVICE_ROLE" == project["Environment"]["ImagePullCredentialsType"]
    assert "NO_SOURCE" == project["Source"]["Type"]


def test_caller_gets_one_invoker_and_its_parameter(synthesized: SynthesizedApp) -> None:
    """`grant_run` gives lambda:InvokeFunction and ssm:GetParameter, each on one resource."""
    resources = synthesized.resources("CallingFunctions")
    [policy] = [
        each
        for each in synthesized.resources("CallingFunctions", "AWS::IAM::Policy").values()
        if "Api" in each["Properties"]["PolicyName"]
    ]

    granted = statements(policy)
    [function] = [
        each for name, each in resources.items() if name.startswith("Api") and "Code" in each["Properties"]
    ]

    assert ["ssm:GetParameter", "lambda:InvokeFunction"] == [action for action, _ in granted]
    assert [":parameter/livejob/shop/calls/jobs/Caller/invoker", ":function:livejob-shop-calls-Caller"] == [
        resource["Fn::Join"][1][-1] for _, resource in granted
    ]
    assert {
        "LIVEJOB_APP": "shop",
        "LIVEJOB_STAGE": "calls",
        "LIVEJOB_INVOKER_Caller": "livejob-shop-calls-Caller",
    } == function["Properties"]["Environment"]["Variables"]


def test_bound_job_can_be_run(synthesized: SynthesizedApp) -> None:
    """A job that is bound to another may be started by it, and is found without a look-up."""
    resources = synthesized.resources("CallingFunctions")

    given = variables(resources["JobCallerProject"])

    assert ("PLAINTEXT", "livejob-shop-calls-Monthly-Report") == given["LIVEJOB_INVOKER_Monthly_Report"]


def test_role_of_ones_own_is_furnished(synthesized: SynthesizedApp) -> None:
    """A given role takes the place of the job's, with all that a run needs."""
    resources = synthesized.resources("CallingFunctions")
    [own] = [name for name in resources if name.startswith("OwnRole") and "Policy" not in name]
    [policy] = [each for name, each in resources.items() if name.startswith("OwnRoleDefaultPolicy")]

    actions = {
        action for each, _ in statements(policy) for action in ([each] if isinstance(each, str) else each)
    }

    assert {"Fn::GetAtt": [own, "Arn"]} == resources["JobCallerProject"]["Properties"]["ServiceRole"]
    assert "JobCallerRole" not in resources
    assert {"dynamodb:UpdateItem", "logs:PutLogEvents", "lambda:InvokeFunction"} <= actions


def test_permissions_are_given_in_every_form(synthesized: SynthesizedApp) -> None:
    """A grant by SST's name, a construct, an ARN, a statement, and what another stack owns."""
    [policy] = [
        each
        for each in synthesized.resources("CallingFunctions", "AWS::IAM::Policy").values()
        if "MonthlyReport" in each["Properties"]["PolicyName"]
    ]

    actions = {
        action for each, _ in statements(policy) for action in ([each] if isinstance(each, str) else each)
    }

    assert {"dynamodb:GetItem", "sqs:SendMessage", "sqs:ReceiveMessage", "s3:*", "ses:SendEmail"} <= actions
    assert "dynamodb:PutItem" not in actions
    assert ("s3:*", "arn:aws:s3:::photos/*") in statements(policy)


def test_what_is_added_later_reaches_the_project(synthesized: SynthesizedApp) -> None:
    """`add_environment` after the job was made, with the name of a table of the same stack."""
    resources = synthesized.resources("CallingFunctions")
    [project] = [
        each for name, each in resources.items() if name.startswith("JobMonthlyReport") and "Project" in name
    ]

    kind, value = variables(project)["ORDERS"]

    assert ("PLAINTEXT", "ARM_CONTAINER") == (kind, project["Properties"]["Environment"]["Type"])
    assert isinstance(value, dict) and value["Ref"].startswith("Orders")
    assert "BUILD_GENERAL1_LARGE" == project["Properties"]["Environment"]["ComputeType"]


@pytest.mark.parametrize(
    ("permission", "message"),
    [
        ("*", "Invalid permission for the"),
        (["not a pair"], "Invalid permission for the"),
        (object(), "a object stands for no permission"),
    ],
)
def test_what_is_no_permission_is_refused(stage: LivejobStage, permission: object, message: str) -> None:
    """Everything, half a pair, and what has no grants."""
    job = Job(stage, f"Refused{abs(hash(str(permission)))}", handler="src/job.main")

    with pytest.raises(LivejobError, match=message):
        job.attach_permissions([permission])  # type: ignore[list-item]


def test_unknown_grant_is_told_with_the_known_ones(stage: LivejobStage, stack: Stack) -> None:
    """The remedy lists what the construct can grant."""
    bucket = aws_s3.Bucket(stack, "GrantBucket")
    job = Job(stage, "UnknownGrant", handler="src/job.main")

    with pytest.raises(LivejobError, match="a Bucket has no 'grantRaed'") as caught:
        job.attach_permissions([[bucket, "grantRaed"]])

    assert "grant_read_write" in caught.value.remedy


def test_config_needs_a_name_for_the_variable(stage: LivejobStage, stack: Stack) -> None:
    """A parameter's id becomes a variable's name, and not every id can."""
    parameter = aws_ssm.StringParameter(stack, "api-url", string_value="x")

    with pytest.raises(LivejobError, match="'api-url' is no variable's name"):
        Job(stage, "BadConfig", handler="src/job.main", config=[parameter])


def test_security_groups_need_a_vpc(stage: LivejobStage, stack: Stack) -> None:
    """Without a VPC there is nothing that they could guard."""
    group = aws_ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")

    with pytest.raises(LivejobError, match="has security_groups and no vpc"):
        Job(stage, "Guarded", handler="src/job.main", cdk={"security_groups": [group]})


def test_subnets_can_be_chosen(stack: Stack) -> None:
    """`vpc_subnets` and `security_groups` are taken in place of what would be made."""
    stage = LivejobStage(Stack(stack, "Chosen"), "Livejob", app="shop", stage="chosen")
    group = aws_ec2.SecurityGroup.from_security_group_id(stack, "ChosenGroup", "sg-1")
    isolated = aws_ec2.SubnetSelection(subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED)

    Job(
        stage,
        "MyJob",
        handler="src/job.main",
        cdk={"vpc": other_vpc(stack), "vpc_subnets": isolated, "security_groups": [group]},
    )
    project: Any = stage.node.find_child("JobMyJobProject")

    assert {"VpcId": "vpc-1", "Subnets": ["subnet-2"], "SecurityGroupIds": ["sg-1"]} == stack.resolve(
        project._cfn_properties
    )["VpcConfig"]


def test_two_jobs_cannot_have_one_name(stage: LivejobStage) -> None:
    """The job's name is its id, wherever in the stage it is made."""
    Job(stage, "Twin", handler="src/job.main")

    with pytest.raises(LivejobError, match="Two jobs of the stage scratch are called Twin"):
        Job(Construct(stage, "Elsewhere"), "Twin", handler="src/job.main")


def test_variable_of_livejobs_own_cannot_be_set(stage: LivejobStage) -> None:
    """`add_environment` has the rule of `environment`."""
    job = Job(stage, "Variables", handler="src/job.main")

    with pytest.raises(LivejobError, match="The Variables Job: environment is"):
        job.add_environment("LIVEJOB_APP", "other")


def test_job_needs_a_stage_around_it(stack: Stack) -> None:
    """A job directly in a stack has no table to record its runs in."""
    with pytest.raises(LivejobError, match="Scratch/Alone is in no LivejobStage"):
        Job(stack, "Alone", handler="src/job.main")


def test_names_are_checked_before_the_account_is_known(stage: LivejobStage) -> None:
    """What AWS would refuse at deployment is refused at synthesis."""
    with pytest.raises(NameTooLong):
        LivejobStage(Stack(stage, "Long"), "Livejob", app="a" * 40, stage="b" * 40)


def test_stage_refuses_a_name_that_cannot_be(stack: Stack) -> None:
    """App and stage are names of livejob's, not texts."""
    with pytest.raises(LivejobError, match="Invalid stage value for the Livejob LivejobStage: 'pro d'"):
        LivejobStage(Stack(stack, "BadName"), "Livejob", app="shop", stage="pro d")
