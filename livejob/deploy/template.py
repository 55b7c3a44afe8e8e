"""Writes a stage's resources down as CloudFormation JSON. Pure: equal resources give equal bytes.

Names and ARNs are literal, because account and region are known; references between resources are there
where one must exist before the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from livejob.deploy.resources import Bucket, JobResources, Reconciler, StageResources, Table
from livejob.deploy.template_compute import (
    events_permission,
    function_resource,
    no_retries,
    parameter_resource,
    project_resource,
    rule_resource,
)
from livejob.deploy.template_storage import (
    Json,
    bucket_resources,
    log_group_resource,
    role_resource,
    table_resource,
)
from livejob.wire.names import StageNames

DIGEST_OUTPUT = "Deployment"
"""Output of the stack: digest of the template and tags that it was last deployed with.

An output and not a tag: CloudFormation hands a stack's tags down to every resource, and a tag that is
new with each deployment would touch them all.
"""

INVOKER_ROLE = {"development": "StubRole", "production": "InvokerRole"}
"""Logical id by mode: a stage that changes its mode gets a new role, never the other's permissions."""


def stage_template(stage: StageResources) -> Json:
    """The template of a stage."""
    names = stage.context.names
    role = INVOKER_ROLE[stage.context.mode]
    resources: Json = {
        "RunTable": table_resource(stage.table),
        **bucket_resources("StageBucket", stage.bucket),
        role: role_resource(stage.invoker_role, role.removesuffix("Role")),
    }
    for each in stage.jobs:
        resources |= _job(each, role)
    if stage.reconciler is not None:
        resources |= _reconciler(stage.reconciler)
    return _template(
        f"livejob: stage {names.stage} of app {names.app}",
        resources,
        {"RunTable": {"Ref": "RunTable"}, "StageBucket": {"Ref": "StageBucket"}},
    )


def kept_template(names: StageNames, table: Table, bucket: Bucket) -> Json:
    """What of a stage is left when it is removed and keeps its records."""
    resources = {"RunTable": table_resource(table), **bucket_resources("StageBucket", bucket)}
    return _template(f"livejob: records of stage {names.stage} of app {names.app}", resources, {})


def artifacts_template(bucket: Bucket) -> Json:
    """The template of the one stack that all apps of an account and region share."""
    return _template(
        "livejob: what deployments of this account and region upload",
        bucket_resources("ArtifactsBucket", bucket),
        {"ArtifactsBucket": {"Ref": "ArtifactsBucket"}},
    )


def with_digest(template: Json, tags: Mapping[str, str]) -> tuple[str, str]:
    """The template as text, with its digest among its outputs; and the digest."""
    digest = hashlib.sha256(_text({"template": template, "tags": dict(tags)}).encode()).hexdigest()
    outputs = template["Outputs"]
    assert isinstance(outputs, dict)
    return _text({**template, "Outputs": {**outputs, DIGEST_OUTPUT: {"Value": digest}}}), digest


def logical_id(job: str) -> str:
    """The job's name as part of a logical id, which has only letters and digits.

    `Resize` -> `Resize`. A name with hyphens gets some of its digest, so that `a-b` and `ab` differ.
    """
    plain = job.replace("-", "")
    return plain if plain == job else f"{plain}{hashlib.sha256(job.encode()).hexdigest()[:8]}"


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _template(description: str, resources: Json, outputs: Json) -> Json:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _job(job: JobResources, invoker_role: str) -> Json:
    prefix = f"Job{logical_id(job.job)}"
    resources: Json = {
        f"{prefix}Role": role_resource(job.role, "Job"),
        f"{prefix}Log": log_group_resource(job.invoker.log_group),
        f"{prefix}Invoker": function_resource(job.invoker, invoker_role, f"{prefix}Log"),
        f"{prefix}InvokerAsync": no_retries(f"{prefix}Invoker"),
        f"{prefix}Parameter": parameter_resource(job.invoker_parameter, after=f"{prefix}Invoker"),
    }
    if job.project is not None:
        resources |= {
            f"{prefix}BuildLog": log_group_resource(job.project.log_group),
            f"{prefix}Project": project_resource(job.project, f"{prefix}Role", f"{prefix}BuildLog"),
        }
    return resources


def _reconciler(reconciler: Reconciler) -> Json:
    return {
        "ReconcilerRole": role_resource(reconciler.role, "Reconciler"),
        "ReconcilerLog": log_group_resource(reconciler.function.log_group),
        "Reconciler": function_resource(reconciler.function, "ReconcilerRole", "ReconcilerLog"),
        "ReconcilerRule": rule_resource(reconciler.rule, "Reconciler"),
        "ReconcilerPermission": events_permission("Reconciler", "ReconcilerRule"),
        "SweepRule": rule_resource(reconciler.sweep, "Reconciler"),
        "SweepPermission": events_permission("Reconciler", "SweepRule"),
    }
