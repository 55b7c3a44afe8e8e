"""The resources of a stage, made from its jobs. Pure.

development   a stub for each job, which hands its runs to developers' sessions; a project and the
              reconciler only for jobs that run on the backend when nobody is attached
production    an invoker and a project for each job, and the reconciler: neither stub, nor a topic,
              nor a role that a developer could assume
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livejob.deploy.build import Platform, build_role, job_statements, platform_of, project_of
from livejob.deploy.permissions import (
    builds,
    invoker_statements,
    reconciler_statements,
    stub_statements,
)
from livejob.deploy.resources import (
    Bucket,
    BundleCode,
    Function,
    FunctionCode,
    JobResources,
    Parameter,
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
    ENV_JOB,
    ENV_MODE,
    ENV_QUEUE_TIMEOUT,
    ENV_RETRIES,
    ENV_STAGE,
    ENV_TABLE,
    ENV_WHEN_DISCONNECTED,
)

DOCUMENT_DAYS = RUN_TTL_S // 86_400
"""A large payload or result is kept as long as the record of its run."""

LOG_DAYS = 14
"""Of what belongs to the stage and not to one job."""

RECONCILER_TIMEOUT_S = 900
"""Lambda's longest: it waits out the pause before a next attempt."""

SWEEP_SCHEDULE = "rate(5 minutes)"

_LAMBDA = Trust({"Service": "lambda.amazonaws.com"})


@dataclass(frozen=True, slots=True)
class StageCode:
    """The code of a stage, as uploaded.

    invoker:    the stub's in a development stage.
    reconciler: None in a stage without builds.
    bundles:    by platform; one for each platform of a job that is built.
    """

    invoker: FunctionCode
    reconciler: FunctionCode | None = None
    bundles: Mapping[Platform, BundleCode] = field(default_factory=dict)


def has_builds(context: StageContext, spec: JobSpec) -> bool:
    """True when runs of the job may be executed by CodeBuild in such a stage."""
    return context.mode == "production" or spec.when_disconnected == "run"


def stage_resources(context: StageContext, jobs: Mapping[str, JobSpec], code: StageCode) -> StageResources:
    """The resources of a stage, of the mode that the context says."""
    specs = [jobs[name] for name in sorted(jobs)]
    is_built = any(has_builds(context, spec) for spec in specs)
    return StageResources(
        context=context,
        table=run_table(context),
        bucket=stage_bucket(context),
        invoker_role=_invoker_role(context, is_built),
        jobs=[_job(context, spec, code) for spec in specs],
        reconciler=_reconciler(context, code.reconciler) if is_built and code.reconciler else None,
    )


def run_table(context: StageContext) -> Table:
    """Where the runs of a stage are recorded. What happened in production outlives a mistaken removal."""
    is_kept = context.mode == "production"
    return Table(context.names.table, TABLE_SCHEMA, TTL_ATTRIBUTE, is_kept=is_kept)


def stage_bucket(context: StageContext) -> Bucket:
    """Where the documents of a stage are that are too large for its table; kept as that is."""
    days = {"payloads/": DOCUMENT_DAYS, "results/": DOCUMENT_DAYS}
    return Bucket(context.bucket, days, is_kept=context.mode == "production")


def _invoker_role(context: StageContext, is_built: bool) -> Role:
    names, place = context.names, (context.names, context.account, context.region)
    if context.mode == "production":
        return Role(names.invoker_role, [_LAMBDA], invoker_statements(*place))
    return Role(names.stub_role, [_LAMBDA], stub_statements(*place) + ([builds(*place)] if is_built else []))


def _job(context: StageContext, spec: JobSpec, code: StageCode) -> JobResources:
    names = context.names
    bundle = code.bundles[platform_of(spec)] if has_builds(context, spec) else None
    invoker = Function(
        name=names.invoker(spec.name),
        code=code.invoker,
        environment=_invoker_environment(context, spec, bundle),
        log_days=LOG_DAYS,
    )
    return JobResources(
        job=spec.name,
        invoker=invoker,
        invoker_parameter=Parameter(
            names.invoker_parameter(spec.name), invoker.name, f"Invoker of the job {spec.name}"
        ),
        role=_job_role(context, spec, bundle),
        project=project_of(context, spec, bundle) if bundle is not None else None,
    )


def _job_role(context: StageContext, spec: JobSpec, bundle: BundleCode | None) -> Role:
    trusts: Sequence[Trust] = []
    if context.mode == "development":
        # The account, so that its policies decide which of its developers may become the job. In
        # development stages only: nobody takes the place of a job in production.
        trusts = [Trust({"AWS": f"arn:aws:iam::{context.account}:root"})]
    if bundle is not None:
        return build_role(context, spec, bundle, trusts)
    return Role(context.names.job_role(spec.name), trusts, job_statements(spec))


def _invoker_environment(
    context: StageContext, spec: JobSpec, bundle: BundleCode | None
) -> Mapping[str, str]:
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
    if bundle is not None:
        environment[ENV_BUNDLE] = bundle.digest
    return environment


def _reconciler(context: StageContext, code: FunctionCode) -> Reconciler:
    names = context.names
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
    return Reconciler(
        function=function,
        role=Role(
            names.reconciler_role,
            [_LAMBDA],
            reconciler_statements(names, context.account, context.region),
        ),
        rule=Rule(names.reconciler, "Ends of the builds that run jobs", pattern),
        sweep=Rule(names.sweep, "Looks for runs that nobody would end any more", schedule=SWEEP_SCHEDULE),
    )
