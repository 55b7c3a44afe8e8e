"""What a job needs to run as a build: its CodeBuild project, and what its role has for it. Pure.

The commands lay the bundle's folders where a worker of a development stage has them, so that a handler
finds the same paths in both. The payload is never among a build's variables: whoever may look at builds
sees those, and their size is limited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from livejob.deploy.compute import ENVIRONMENT_TYPES, Machine, machine_for
from livejob.deploy.permissions import build_statements
from livejob.deploy.resources import BundleCode, Project, Role, StageContext, Trust
from livejob.errors import JobSpecInvalid
from livejob.project.specs import Architecture, JobSpec
from livejob.wire.limits import BUILD_MINUTES_MAX
from livejob.wire.names import (
    BUNDLE_DEPENDENCIES,
    BUNDLE_RUNTIME,
    BUNDLE_TASK,
    DEPENDENCIES_ROOT,
    ENV_APP,
    ENV_BUCKET,
    ENV_BUNDLE,
    ENV_HANDLER,
    ENV_JOB,
    ENV_STAGE,
    ENV_TABLE,
    ENV_TASK_ROOT,
    ENV_TIMEOUT,
    RUNTIME_ROOT,
    TASK_ROOT,
)

IMAGE = "public.ecr.aws/lambda/python:{minor}"
"""Of a runtime `python{minor}`: what Lambda itself runs, and no login or quota of Docker Hub."""

BACKSTOP_MINUTES = 5
"""So much longer than its attempt may a build last: the attempt ends in its own time limit."""

BUILD_MODULE = "livejob.build_runner"
"""What a build runs; the bundle has it with its import closure."""

_LINKS = {DEPENDENCIES_ROOT: BUNDLE_DEPENDENCIES, RUNTIME_ROOT: BUNDLE_RUNTIME}

COMMANDS = (
    f"rm -rf {TASK_ROOT} {' '.join(_LINKS)}",
    # Moved, not linked: a link would show in the working directory and in resolved paths.
    f'mv "$CODEBUILD_SRC_DIR/{BUNDLE_TASK}" {TASK_ROOT}',
    *(f'ln -s "$CODEBUILD_SRC_DIR/{folder}" {path}' for path, folder in _LINKS.items()),
    f"cd {TASK_ROOT}",
    f"python3 -m {BUILD_MODULE}",
)


@dataclass(frozen=True, slots=True)
class Platform:
    """What a bundle is made for: dependencies differ by it. runtime: `python3.12`."""

    runtime: str
    architecture: Architecture

    @property
    def minor(self) -> str:
        """`3.12`"""
        return self.runtime.removeprefix("python")


def platform_of(spec: JobSpec) -> Platform:
    """The platform of the job's deployed runs."""
    return Platform(spec.runtime, spec.architecture)


def project_of(context: StageContext, spec: JobSpec, bundle: BundleCode) -> Project:
    """The project that runs the job.

    Raises:
        JobSpecInvalid: there is no machine of that architecture with so much memory.
    """
    return Project(
        name=context.names.project(spec.name),
        description=description_of(context, spec),
        image=IMAGE.format(minor=platform_of(spec).minor),
        environment_type=ENVIRONMENT_TYPES[spec.architecture],
        compute_type=machine_of(spec).name,
        source=f"{bundle.bucket}/{bundle.key}",
        commands=COMMANDS,
        environment={
            **_worker_variables(),
            **spec.environment,
            **_own_variables(context, spec, bundle.digest),
        },
        timeout_minutes=min(math.ceil(spec.timeout_s / 60) + BACKSTOP_MINUTES, BUILD_MINUTES_MAX),
        queue_minutes=math.ceil(spec.queue_timeout_s / 60),
        log_days=spec.log_days,
    )


def build_role(context: StageContext, spec: JobSpec, bundle: BundleCode, trusts: Sequence[Trust]) -> Role:
    """The job's role, for builds as well: CodeBuild may assume it for this one project.

    trusts: who may assume it beside CodeBuild.
    """
    names = context.names
    bundles = f"{bundle.bucket}/{bundle.readable}"
    own = build_statements(names, context.account, context.region, spec.name, bundles)
    trusts = [codebuild_trust(context, spec), *trusts]
    return Role(names.job_role(spec.name), trusts, [*own, *job_statements(spec)])


def machine_of(spec: JobSpec) -> Machine:
    """The machine of the job's builds.

    Raises:
        JobSpecInvalid: there is none of that architecture with so much memory.
    """
    machine = machine_for(spec.architecture, spec.memory_bytes)
    if machine is None:
        raise JobSpecInvalid(
            f"{spec.defined_at}: {spec.name} has more memory than any "
            f"{spec.architecture} machine of CodeBuild"
        )
    return machine


def description_of(context: StageContext, spec: JobSpec) -> str:
    """What the console shows of the job's project."""
    return f"livejob: job {spec.name} of stage {context.names.stage} of app {context.names.app}"


def codebuild_trust(context: StageContext, spec: JobSpec) -> Trust:
    """CodeBuild may assume the job's role for the job's own project."""
    return Trust(
        {"Service": "codebuild.amazonaws.com"},
        {
            "StringEquals": {
                "aws:SourceAccount": context.account,
                "aws:SourceArn": context.arn("codebuild", f"project/{context.names.project(spec.name)}"),
            }
        },
    )


def job_statements(spec: JobSpec) -> list[dict[str, object]]:
    """What the job's author permits it."""
    return [
        {"Effect": "Allow", "Action": list(each.actions), "Resource": list(each.resources)}
        for each in spec.permissions
    ]


def _worker_variables() -> dict[str, str]:
    """As a worker of a development stage has them."""
    return {
        ENV_TASK_ROOT: TASK_ROOT,
        "LANG": "en_US.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{RUNTIME_ROOT}:{DEPENDENCIES_ROOT}",
        "TZ": ":UTC",
    }


def _own_variables(context: StageContext, spec: JobSpec, bundle: str) -> dict[str, str]:
    return {
        ENV_APP: context.names.app,
        ENV_STAGE: context.names.stage,
        ENV_JOB: spec.name,
        ENV_TABLE: context.names.table,
        ENV_BUCKET: context.bucket,
        ENV_HANDLER: spec.handler,
        ENV_TIMEOUT: str(spec.timeout_s),
        ENV_BUNDLE: bundle,
    }
