"""What a container job needs to run as a build: its CodeBuild project and its role. Pure.

The image is its author's, so nothing of livejob runs in it but a shell script: it finds the payload where
CodeBuild has unpacked it, and becomes the job's command. The script is written down in a phase of its own,
so that the command which fails, and which CodeBuild quotes with its exit code, is one short line.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from livejob.deploy.build import codebuild_trust, description_of, job_statements, machine_of
from livejob.deploy.compute import ENVIRONMENT_TYPES
from livejob.deploy.permissions import container_statements
from livejob.deploy.resources import ImageCode, Project, Role, StageContext, Trust
from livejob.images.script import container_script
from livejob.project.specs import JobSpec
from livejob.wire.names import ENV_APP, ENV_BUNDLE, ENV_JOB, ENV_STAGE, image_label

SCRIPT = '"$CODEBUILD_SRC_DIR.sh"'
"""Beside the directory that the command starts in, where there is nothing but the payload."""


def container_project(context: StageContext, spec: JobSpec, image: ImageCode) -> Project:
    """The project that runs the container job. CodeBuild itself keeps its timeout.

    Raises:
        JobSpecInvalid: there is no machine of that architecture with so much memory.
    """
    names = context.names
    assert spec.container is not None
    script = container_script(spec.container.command)
    return Project(
        name=names.project(spec.name),
        description=description_of(context, spec),
        image=image.uri,
        environment_type=ENVIRONMENT_TYPES[spec.architecture],
        compute_type=machine_of(spec).name,
        source="",
        preparation=[f"printf %s {shlex.quote(script)} > {SCRIPT}"],
        commands=[f"/bin/sh {SCRIPT}"],
        environment={
            **spec.environment,
            ENV_APP: names.app,
            ENV_STAGE: names.stage,
            ENV_JOB: spec.name,
            ENV_BUNDLE: image_label(image.digest),
        },
        timeout_minutes=math.ceil(spec.timeout_s / 60),
        queue_minutes=math.ceil(spec.queue_timeout_s / 60),
        log_days=spec.log_days,
        pulls_image=True,
    )


def container_role(context: StageContext, spec: JobSpec, image: ImageCode, trusts: Sequence[Trust]) -> Role:
    """The job's role, for builds as well; trusts: who may assume it beside CodeBuild."""
    own = container_statements(context.names, context.account, context.region, spec.name, image.repository)
    return Role(
        context.names.job_role(spec.name),
        [codebuild_trust(context, spec), *trusts],
        [*own, *job_statements(spec)],
    )
