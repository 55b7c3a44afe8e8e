"""The resources of a stage, made from its jobs. Pure.

development   a stub for each job, which hands its runs to developers' sessions; a project and the
              reconciler only for jobs that run on the backend when nobody is attached
production    an invoker and a project for each job, and the reconciler: neither stub, nor a topic,
              nor a role that a developer could assume
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from livejob.deploy.build import Platform, build_role, job_statements, platform_of, project_of
from livejob.deploy.container_build import container_project, container_role
from livejob.deploy.permissions import (
    builds,
    invoker_statements,
    put_inputs,
    read_payloads,
    reconciler_statements,
    stub_statements,
)
from livejob.deploy.resources import (
    Bucket,
    BundleCode,
    Function,
    FunctionCode,
    ImageCode,
    JobResources,
    Parameter,
    Project,
    Reconciler,
    Role,
    Rule,
    StageContext,
    StageResources,
    Table,
    Trust,
)
from livejob.project.specs import JobSpec
from livejob.runs.schema import TABLE_SCHEMA, TTL_ATTRIBUTE
from livejob.wire.limits import RUN_TTL_S
from livejob.wire.names import (
    ENV_APP,
    ENV_BACKOFF,
    ENV_BUCKET,
    ENV_BUNDLE,
    ENV_CONTAINER,
    ENV_JOB,
    ENV_MODE,
    ENV_QUEUE_TIMEOUT,
    ENV_RETRIES,
    ENV_STAGE,
    ENV_TABLE,
    ENV_WHEN_DISCONNECTED,
    StageNames,
    image_label,
)

DOCUMENT_DAYS = RUN_TTL_S // 86_400
"""A large payload or result is kept as long as the record of its run."""

LOG_DAYS = 14
"""Of what belongs to the stage and not to one job."""

RECONCILER_TIMEOUT_S = 900
"""Lambda's longest: it waits out the pause before a next attempt."""

SWEEP_SCHEDULE = "rate(5 minutes)"
PACKING_MEMORY_MB, PACKING_TIMEOUT_S = 1024, 60
"""Of an invoker that makes a zip of each payload, which may be large: see `stub_lambda.inputs`. Memory is
what a function's share of a processor goes by."""

_RunCode = BundleCode | ImageCode | None
"""What builds of a job run; None without builds."""

_LAMBDA = Trust({"Service": "lambda.amazonaws.com"})


@dataclass(frozen=True, slots=True)
class StageCode:
    """The code of a stage, as uploaded.

    invoker:    the stub's in a development stage.
    reconciler: None in a stage without builds.
    bundles:    by platform; one for each platform of a function that is built.
    images:     by job; one for each container job that is built.
    """

    invoker: FunctionCode
    reconciler: FunctionCode | None = None
    bundles: Mapping[Platform, BundleCode] = field(default_factory=dict)
    images: Mapping[str, ImageCode] = field(default_factory=dict)


def has_image(context: StageContext, spec: JobSpec) -> bool:
    """True when builds of such a stage run the job in an image of its author's."""
    return spec.is_container and has_builds(context, spec)


def has_builds(context: StageContext, spec: JobSpec) -> bool:
    """True when runs of the job may be executed by CodeBuild in such a stage."""
    return context.mode == "production" or spec.when_disconnected == "run"


def stage_resources(context: StageContext, jobs: Mapping[str, JobSpec], code: StageCode) -> StageResources:
    """The resources of a stage, of the mode that the context says."""
    specs = [jobs[name] for name in sorted(jobs)]
    is_built = any(has_builds(context, spec) for spec in specs)
    has_images = any(has_image(context, spec) for spec in specs)
    reconciler = code.reconciler if is_built else None
    return StageResources(
        context=context,
        table=run_table(context),
        bucket=stage_bucket(context),
        invoker_role=_invoker_role(context, is_built=is_built, has_images=has_images),
        jobs=[_job(context, spec, code) for spec in specs],
        reconciler=_reconciler(context, reconciler, has_images) if reconciler else None,
        repository=context.names.repository if has_images else "",
    )


def run_table(context: StageContext) -> Table:
    """Where the runs of a stage are recorded. What happened in production outlives a mistaken removal."""
    is_kept = context.mode == "production"
    return Table(context.names.table, TABLE_SCHEMA, TTL_ATTRIBUTE, is_kept=is_kept)


def stage_bucket(context: StageContext) -> Bucket:
    """Where the documents of a stage are that are too large for its table; kept as that is."""
    days = {"inputs/": DOCUMENT_DAYS, "payloads/": DOCUMENT_DAYS, "results/": DOCUMENT_DAYS}
    return Bucket(context.bucket, days, is_kept=context.mode == "production")


def _invoker_role(context: StageContext, *, is_built: bool, has_images: bool) -> Role:
    names, place = context.names, (context.names, context.account, context.region)
    inputs = [put_inputs(*place)] if has_images else []
    if context.mode == "production":
        return Role(names.invoker_role, [_LAMBDA], [*invoker_statements(*place), *inputs])
    started = [builds(*place)] if is_built else []
    return Role(names.stub_role, [_LAMBDA], [*stub_statements(*place), *started, *inputs])


def _job(context: StageContext, spec: JobSpec, code: StageCode) -> JobResources:
    names = context.names
    run = _run_code(context, spec, code)
    invoker = Function(
        name=names.invoker(spec.name),
        code=code.invoker,
        environment=_invoker_environment(context, spec, run),
        log_days=LOG_DAYS,
    )
    if isinstance(run, ImageCode):
        invoker = replace(invoker, memory_mb=PACKING_MEMORY_MB, timeout_s=PACKING_TIMEOUT_S)
    return JobResources(
        job=spec.name,
        invoker=invoker,
        invoker_parameter=Parameter(
            names.invoker_parameter(spec.name), invoker.name, f"Invoker of the job {spec.name}"
        ),
        role=_job_role(context, spec, run),
        project=_project(context, spec, run),
    )


def _run_code(context: StageContext, spec: JobSpec, code: StageCode) -> _RunCode:
    """What the job's builds run."""
    if not has_builds(context, spec):
        return None
    return code.images[spec.name] if spec.is_container else code.bundles[platform_of(spec)]


def _project(context: StageContext, spec: JobSpec, run: _RunCode) -> Project | None:
    if isinstance(run, ImageCode):
        return container_project(context, spec, run)
    return project_of(context, spec, run) if run is not None else None


def _job_role(context: StageContext, spec: JobSpec, run: _RunCode) -> Role:
    trusts: Sequence[Trust] = []
    if context.mode == "development":
        # The account, so that its policies decide which of its developers may become the job. In
        # development stages only: nobody takes the place of a job in production.
        trusts = [Trust({"AWS": f"arn:aws:iam::{context.account}:root"})]
    if isinstance(run, ImageCode):
        return container_role(context, spec, run, trusts)
    if run is not None:
        return build_role(context, spec, run, trusts)
    return Role(context.names.job_role(spec.name), trusts, job_statements(spec))


def _invoker_environment(context: StageContext, spec: JobSpec, run: _RunCode) -> Mapping[str, str]:
    names = context.names
    environment = {
        ENV_APP: names.app,
        ENV_STAGE: names.stage,
        ENV_JOB: spec.name,
        ENV_TABLE: names.table,
        ENV_BUCKET: context.bucket,
        ENV_RETRIES: str(spec.retries),
        ENV_BACKOFF: str(spec.backoff_s),
        ENV_QUEUE_TIMEOUT: str(spec.queue_timeout_s),
    }
    if context.mode == "development":
        environment[ENV_WHEN_DISCONNECTED] = spec.when_disconnected
    if spec.is_container:
        environment[ENV_CONTAINER] = "1"
    if run is not None:
        environment[ENV_BUNDLE] = image_label(run.digest) if isinstance(run, ImageCode) else run.digest
    return environment


def _reconciler(context: StageContext, code: FunctionCode, has_images: bool) -> Reconciler:
    names, place = context.names, (context.names, context.account, context.region)
    function = Function(
        name=names.reconciler,
        code=code,
        environment={
            ENV_APP: names.app,
            ENV_STAGE: names.stage,
            ENV_MODE: context.mode,
            ENV_TABLE: names.table,
            ENV_BUCKET: context.bucket,
        },
        log_days=LOG_DAYS,
        timeout_s=RECONCILER_TIMEOUT_S,
    )
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {
            "project-name": [{"prefix": names.project("")}],
            "build-status": ["FAILED", "FAULT", "STOPPED", "SUCCEEDED", "TIMED_OUT"],
        },
    }
    packing = [read_payloads(*place), put_inputs(*place)] if has_images else []
    return Reconciler(
        function=function,
        role=Role(names.reconciler_role, [_LAMBDA], [*reconciler_statements(*place), *packing]),
        rule=Rule(names.reconciler, "Ends of the builds that run jobs", pattern),
        sweep=Rule(names.sweep, "Looks for runs that nobody would end any more", schedule=SWEEP_SCHEDULE),
        starts=_starts(names) if has_images else None,
    )


def _starts(names: StageNames) -> Rule:
    """The end of the phase before a command's, of builds that run in images of the account's own."""
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build Phase Change"],
        "detail": {
            "project-name": [{"prefix": names.project("")}],
            "completed-phase": ["DOWNLOAD_SOURCE"],
            "completed-phase-status": ["SUCCEEDED"],
            "additional-information": {"environment": {"image-pull-credentials-type": ["SERVICE_ROLE"]}},
        },
    }
    return Rule(names.starts_rule, "Starts of the builds that run container jobs", pattern)
