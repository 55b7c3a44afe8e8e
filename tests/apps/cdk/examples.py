"""SST's examples of `Job`, in Python. They run where `src/` and `services/` are."""

from aws_cdk import SecretValue, Stack, aws_ec2, aws_s3, aws_secretsmanager, aws_ssm
from livejob_infra import Job, LivejobStage


def creating_a_job(stack: Stack) -> Job:
    stage = LivejobStage(stack, "Livejob", app="shop", stage="first")

    return Job(stage, "MyJob", handler="src/job.main")


def creating_a_container_job(stack: Stack) -> Job:
    stage = LivejobStage(stack, "Livejob", app="shop", stage="container")

    return Job(
        stage,
        "MyJob",
        runtime="container",
        handler="src/job",
        container={"cmd": ["python3", "/var/task/my-script.py"]},
    )


def setting_additional_props(stack: Stack) -> Job:
    stage = LivejobStage(stack, "Livejob", app="shop", stage="props")
    bucket = aws_s3.Bucket(stack, "Photos")
    stripe_key = aws_secretsmanager.Secret(
        stack, "STRIPE_KEY", secret_string_value=SecretValue.unsafe_plain_text("sk_test")
    )
    api_url = aws_ssm.StringParameter(
        stack, "API_URL", parameter_name="/shop/api-url", string_value="https://api.example.com"
    )

    return Job(
        stage,
        "MyJob",
        handler="job.main",
        src_path="services",
        timeout="30 minutes",
        memory_size="3 GB",
        config=[stripe_key, api_url],
        permissions=["ses", bucket],
    )


def job_in_a_vpc(stack: Stack) -> Job:
    stage = LivejobStage(stack, "Livejob", app="shop", stage="vpc")

    return Job(
        stage,
        "MyJob",
        handler="src/job.main",
        cdk={
            # With an account at hand: Vpc.from_lookup(stack, "VPC", vpc_id="vpc-xxxxxxxxxx").
            "vpc": aws_ec2.Vpc.from_vpc_attributes(
                stack,
                "VPC",
                vpc_id="vpc-0123456789abcdef0",
                availability_zones=["us-east-1a", "us-east-1b"],
                private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
            )
        },
    )
