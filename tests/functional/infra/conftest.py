"""A CDK app for the tests of the constructs: SST's examples, each in a stack, synthesized once.

The CDK is in an environment of its own: `scripts/infra test` runs these; without it they are left out.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from livejob.local_runner.image.resolve import BUILT_REPOSITORY

if TYPE_CHECKING:
    from aws_cdk import Stack
    from livejob_infra import LivejobStage

collect_ignore_glob = [] if find_spec("aws_cdk") else ["test_*.py"]

BUILT_IMAGE = f"{BUILT_REPOSITORY}:{sys.version_info.major}.{sys.version_info.minor}"
ACCOUNT, REGION = "123456789012", "us-east-1"
EXAMPLES = Path(__file__).parents[2] / "apps/cdk"

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SynthesizedApp:
    """What `cdk deploy --app` takes, and what is in it. templates: by the name of the stack."""

    directory: Path
    templates: Mapping[str, Template]

    def resources(self, stack: str, kind: str = "AWS::") -> Mapping[str, Any]:
        """The resources of a stack whose type starts with `kind`, by logical id."""
        found = self.templates[stack]["Resources"].items()
        return {name: resource for name, resource in found if resource["Type"].startswith(kind)}


@pytest.fixture(scope="session")
def app_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the CDK app is run from, as handlers and source paths are relative to that."""
    directory = tmp_path_factory.mktemp("cdk") / "app"
    shutil.copytree(EXAMPLES, directory)
    # The image that an engine under test has, where no registry can be reached.
    dockerfile = directory / "src/job/Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("python:3.12-slim", BUILT_IMAGE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        yield directory


@pytest.fixture(scope="session")
def synthesized(app_directory: Path) -> SynthesizedApp:
    """The examples' app, and one in which an account's own stack uses what livejob offers."""
    from aws_cdk import App, Environment, Stack

    from tests.apps.cdk.examples import (
        creating_a_container_job,
        creating_a_job,
        job_in_a_vpc,
        setting_additional_props,
    )
    from tests.apps.cdk.stacks import (
        calling_functions,
        container_same_as_deploy,
        parameter_as_config,
        same_as_deploy,
    )

    directory = app_directory / "cdk.out"
    app = App(analytics_reporting=False, outdir=str(directory))
    stacks = [
        creating_a_job,
        creating_a_container_job,
        setting_additional_props,
        job_in_a_vpc,
        calling_functions,
        parameter_as_config,
    ]
    for make in stacks:
        make(Stack(app, make.__name__.title().replace("_", "")))
    known = Environment(account=ACCOUNT, region=REGION)
    same_as_deploy(Stack(app, "SameAsDeploy", env=known))
    container_same_as_deploy(Stack(app, "ContainerSameAsDeploy", env=known))
    assembly = app.synth()
    return SynthesizedApp(directory, {each.stack_name: each.template for each in assembly.stacks})


@pytest.fixture(scope="session")
def stack(app_directory: Path) -> Stack:
    """A stack that is never synthesized, to make constructs in that are refused."""
    from aws_cdk import App, Stack

    return Stack(App(), "Scratch")


@pytest.fixture(scope="session")
def stage(stack: Stack) -> LivejobStage:
    """A stage in it. Each test gives its constructs ids of its own."""
    from livejob_infra import LivejobStage

    return LivejobStage(stack, "Livejob", app="shop", stage="scratch")
