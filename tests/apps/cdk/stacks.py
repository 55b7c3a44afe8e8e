"""Stacks in which a CDK app uses livejob's constructs. Needs the CDK: imported by its tests alone."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack, aws_dynamodb, aws_ec2, aws_iam, aws_lambda, aws_s3, aws_sqs, aws_ssm
from livejob_infra import Job, LivejobStage

SAME_JOB: Mapping[str, object] = {
    "name": "MyJob",
    "runtime": "python3.12",
    "timeout": "30 minutes",
    "memory": "7 GB",
    "environment": {"COLOR": "blue"},
}
"""A job as `@job(...)` says it; `same_as_deploy` says the same with the construct's props."""


SAME_CONTAINER_JOB: Mapping[str, object] = {
    "name": "MyCommand",
    "runtime": "container",
    "timeout": "30 minutes",
    "memory": "7 GB",
    "environment": {"COLOR": "blue"},
    "container": {"cmd": ["python3", "/var/task/my-script.py"], "build_args": {"COLOR": "blue"}},
}
"""A container job as `[jobs.MyCommand]` says it; `container_same_as_deploy` says the same."""


def same_as_deploy(stack: Stack) -> None:
    """The job of SAME_JOB."""
    stage = LivejobStage(stack, "Livejob", app="shop", stage="same")
    Job(
        stage,
        "MyJob",
        handler="src/job.main",
        runtime="python3.12",
        timeout="30 minutes",
        memory_size="7 GB",
        environment={"COLOR": "blue"},
    )


def container_same_as_deploy(stack: Stack) -> None:
    """The jobs of SAME_CONTAINER_JOB and SAME_JOB."""
    stage = LivejobStage(stack, "Livejob", app="shop", stage="same")
    Job(
        stage,
        "MyCommand",
        runtime="container",
        handler="src/job",
        timeout="30 minutes",
        memory_size="7 GB",
        environment={"COLOR": "blue"},
        container={"cmd": ["python3", "/var/task/my-script.py"], "build_args": {"COLOR": "blue"}},
    )
    Job(
        stage,
        "MyJob",
        handler="src/job.main",
        runtime="python3.12",
        timeout="30 minutes",
        memory_size="7 GB",
        environment={"COLOR": "blue"},
    )


def calling_functions(stack: Stack) -> None:
    """Two jobs with everything: grants, bindings, additions after the fact, a role of one's own."""
    stage = LivejobStage(stack, "Livejob", app="shop", stage="calls")
    job = Job(
        stage,
        "Monthly-Report",
        handler="src/job.main",
        architecture="arm_64",
        memory_size="15 GB",
        log_retention="one_week",
        copy_files=[{"from": "services", "to": "more"}],
    )
    table = aws_dynamodb.Table(
        stack,
        "Orders",
        partition_key=aws_dynamodb.Attribute(name="pk", type=aws_dynamodb.AttributeType.STRING),
    )
    job.attach_permissions(
        [
            [table, "grantReadData"],
            aws_sqs.Queue(stack, "Mails"),
            "arn:aws:s3:::photos/*",
            aws_iam.PolicyStatement(actions=["ses:SendEmail"], resources=["*"]),
            aws_s3.Bucket.from_bucket_name(stack, "Elsewhere", "elsewhere"),
        ]
    )
    job.add_environment("ORDERS", table.table_name)
    role = aws_iam.Role(stack, "OwnRole", assumed_by=aws_iam.ServicePrincipal("codebuild.amazonaws.com"))
    caller = Job(stage, "Caller", handler="src/job.main", bind=[job], cdk={"id": "Other", "role": role})
    function = aws_lambda.Function(
        stack,
        "Api",
        runtime=aws_lambda.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=aws_lambda.Code.from_inline("def handler(event, context): ..."),
    )
    caller.grant_run(function)


def parameter_as_config(stack: Stack) -> None:
    """A job that has a parameter. No secret: to the emulator's CloudFormation a secret's Ref is its name,
    where AWS has its ARN, so no role could read it."""
    stage = LivejobStage(stack, "Livejob", app="shop", stage="config")
    parameter = aws_ssm.StringParameter(
        stack, "API_URL", parameter_name="/shop/config/api-url", string_value="https://api.example.com"
    )
    Job(stage, "MyJob", handler="job.main", src_path="services", config=[parameter])


def other_vpc(stack: Stack) -> aws_ec2.IVpc:
    """A VPC that is known by its ids alone."""
    return aws_ec2.Vpc.from_vpc_attributes(
        stack,
        "OtherVpc",
        vpc_id="vpc-1",
        availability_zones=["us-east-1a"],
        private_subnet_ids=["subnet-1"],
        isolated_subnet_ids=["subnet-2"],
    )
