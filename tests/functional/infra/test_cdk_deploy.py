"""`cdk deploy` against the local AWS, with authorization on, and the job that it deployed.

What the CDK prints is not believed: the stack's status and what AWS then has are asserted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api.client import APIClient

from livejob.sdk.client import Client
from tests.functional.infra.conftest import SynthesizedApp
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.local_aws_fixtures import LocalAwsUnderTest

STACKS = ["CreatingAJob", "ParameterAsConfig", "SettingAdditionalProps"]


def cdk(aws: LocalAwsUnderTest, *arguments: str, **variables: str) -> None:
    """Run the CDK's command as the account's root. Plain HTTP: to the local AWS it counts as TLS.

    variables: more of its environment.
    """
    keys = aws.root.get_credentials()
    assert keys is not None
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_REGION": aws.region,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "CI": "true",  # no colours, no questions
        "HOME": str(Path.cwd()),
        "PATH": os.environ["PATH"],
        **variables,
    }
    done = subprocess.run(
        ["cdk", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=180
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAwsUnderTest, synthesized: SynthesizedApp) -> LocalAwsUnderTest:
    """Two of the examples and a third stack, in an account that the CDK was bootstrapped in."""
    cdk(local_aws, "bootstrap", f"aws://{local_aws.account}/{local_aws.region}")
    cdk(local_aws, "deploy", *STACKS, "--app", str(synthesized.directory), "--require-approval", "never")
    return local_aws


@pytest.mark.parametrize("stack_name", STACKS)
def test_stack_is_complete(deployed: LocalAwsUnderTest, stack_name: str) -> None:
    """All resources are made."""
    cloudformation = deployed.root.client("cloudformation", endpoint_url=deployed.endpoint_url)

    [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]

    assert "CREATE_COMPLETE" == stack["StackStatus"]
    assert {"CREATE_COMPLETE"} == {each["ResourceStatus"] for each in resources}


def test_code_lies_where_the_project_looks_for_it(deployed: LocalAwsUnderTest) -> None:
    """The bundle was published to the bucket and key that the project and its role name."""
    codebuild = deployed.root.client("codebuild", endpoint_url=deployed.endpoint_url)
    s3 = deployed.root.client("s3", endpoint_url=deployed.endpoint_url)

    [project] = codebuild.batch_get_projects(names=["livejob-shop-first_MyJob"])["projects"]
    bucket, _, key = project["source"]["location"].partition("/")

    assert 10_000 < s3.head_object(Bucket=bucket, Key=key)["ContentLength"]


@pytest.mark.slow
def test_job_runs(deployed: LocalAwsUnderTest, docker: DockerUnderTest) -> None:
    """What calls the invoker gets a run, and CodeBuild executes the handler."""
    client = Client("shop", "first", session=deployed.developer, endpoint_url=deployed.endpoint_url)

    run = client.run("MyJob", {"number": 7})

    assert {"square": 49} == run.result(timeout_s=60)


@pytest.mark.slow
def test_config_is_in_the_environment(deployed: LocalAwsUnderTest, docker: DockerUnderTest) -> None:
    """A run finds the value of a parameter under the id of its construct."""
    client = Client("shop", "config", session=deployed.developer, endpoint_url=deployed.endpoint_url)

    run = client.run("MyJob")

    assert "https://api.example.com" == run.result(timeout_s=60)


@pytest.fixture
def engine_without_assets(docker: DockerUnderTest) -> Iterator[DockerUnderTest]:
    """The engine; images that the CDK's command makes in it are removed."""
    client = APIClient(base_url=docker.endpoint.url)
    before = _image_names(client)
    yield docker
    for name in _image_names(client) - before:
        client.remove_image(name)
    client.close()


@pytest.mark.slow
def test_container_job_runs(
    deployed: LocalAwsUnderTest, engine_without_assets: DockerUnderTest, synthesized: SynthesizedApp
) -> None:
    """The CDK builds the image and pushes it to the account's registry; a run is its command."""
    arguments = ["--app", str(synthesized.directory), "--require-approval", "never"]
    cdk(
        deployed,
        "deploy",
        "CreatingAContainerJob",
        *arguments,
        DOCKER_HOST=engine_without_assets.endpoint.url,
    )
    client = Client("shop", "container", session=deployed.developer, endpoint_url=deployed.endpoint_url)

    run = client.run("MyJob", {"number": 16})

    assert run.result(timeout_s=60) is None
    assert "Square root of 16 is 4.0" in output_of(deployed, "livejob-shop-container_MyJob")


def _image_names(client: APIClient) -> set[str]:
    """Of the images that the CDK makes."""
    names = {name for image in client.images() for name in image["RepoTags"] or []}
    return {name for name in names if "cdkasset-" in name or "/cdk-" in name}


def output_of(aws: LocalAwsUnderTest, project: str) -> list[str]:
    """All lines in the logs of the project's builds."""
    logs = aws.root.client("logs", endpoint_url=aws.endpoint_url)
    events = logs.filter_log_events(logGroupName=f"/aws/codebuild/{project}")["events"]
    return [each["message"].rstrip("\n") for each in events]
