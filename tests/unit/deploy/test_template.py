"""The template of a stage of either mode, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from livejob.deploy.build import Platform
from livejob.deploy.bundle import Bundle
from livejob.deploy.checks import check_stage, jobs_max
from livejob.deploy.compute import machine_for
from livejob.deploy.resources import Bucket, FunctionCode, StageContext, StageMode, StageResources
from livejob.deploy.stages import StageCode, stage_resources
from livejob.deploy.template import artifacts_template, logical_id, stage_template, with_digest
from livejob.errors import JobSpecInvalid, NameTooLong, TooManyJobs
from livejob.project.specs import Architecture, JobSpec, Statement
from livejob.wire.limits import GIB
from livejob.wire.names import StageNames
from tests.support.job_specs import a_job, jobs_of

ARTIFACTS = "livejob-artifacts-123456789012-us-east-1"
VECTORS = Path(__file__).parents[2] / "vectors"
WRITE_BUCKET = Statement(("s3:PutObject",), ("arn:aws:s3:::reports/*",))


def a_context(app: str = "shop", stage: str = "mia", mode: StageMode = "development") -> StageContext:
    return StageContext(StageNames(app, stage), "123456789012", "us-east-1", "0.1.0", mode)


def a_production_stage(*specs: JobSpec) -> StageResources:
    return a_stage(*specs, context=a_context(mode="production"))


def a_code(digest: str = "0") -> StageCode:
    bundles = {
        Platform("python3.11", "x86_64"): Bundle("b" * 64, Path()).code_in(ARTIFACTS),
        Platform("python3.12", "arm64"): Bundle("c" * 64, Path()).code_in(ARTIFACTS),
    }
    return StageCode(
        FunctionCode("stub.handle", ARTIFACTS, f"functions/{digest}.zip"),
        FunctionCode("reconcile.handle", ARTIFACTS, f"functions/{digest}r.zip"),
        bundles,
    )


def a_stage(*specs: JobSpec, context: StageContext | None = None) -> StageResources:
    return stage_resources(context or a_context(), jobs_of(*specs), a_code())


def resources_of(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == f"AWS::{kind}"]


@pytest.mark.parametrize("mode", ["development", "production"])
def test_template_is_as_it_was(mode: StageMode) -> None:
    """A stage with one job gives the recorded template; whoever changes it sees what changes in accounts."""
    template = stage_template(a_stage(a_job("Resize", WRITE_BUCKET), context=a_context(mode=mode)))

    assert json.loads((VECTORS / f"{mode}_stage.json").read_text()) == template


def test_equal_jobs_give_equal_bytes() -> None:
    """The order in which jobs were found does not matter: otherwise a stage would never be unchanged."""
    one, other = a_job("Resize"), a_job("Report")
    texts = [with_digest(stage_template(a_stage(*each)), {})[0] for each in ([one, other], [other, one])]

    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "changed",
    [
        a_stage(a_job("Resize", when_disconnected="fail")),
        a_stage(a_job("Resize", WRITE_BUCKET)),
        a_stage(a_job("Resize"), a_job("Report")),
        stage_resources(a_context(), jobs_of(a_job("Resize")), a_code("1")),
        a_stage(a_job("Resize"), context=a_context(stage="tom")),
    ],
)
def test_what_needs_a_deployment_changes_the_digest(changed: StageResources) -> None:
    """Policy, permissions, jobs, code and stage are in the digest by which a deployment is skipped."""
    _, before = with_digest(stage_template(a_stage(a_job("Resize"))), {"livejob:version": "1"})

    _, after = with_digest(stage_template(changed), {"livejob:version": "1"})

    assert before != after


def test_tags_are_in_the_digest() -> None:
    """Another version of livejob marks the resources anew."""
    template = stage_template(a_stage(a_job()))

    assert (
        with_digest(template, {"livejob:version": "1"})[1]
        != with_digest(template, {"livejob:version": "2"})[1]
    )


@pytest.mark.parametrize("field", [{"timeout_s": 5}, {"memory_bytes": 1}, {"environment": {"A": "b"}}])
def test_what_the_daemon_applies_itself_needs_no_deployment(field: dict[str, object]) -> None:
    """Timeout, memory and environment of a job are no part of a development stage."""
    assert stage_template(a_stage(a_job())) == stage_template(a_stage(a_job(**field)))


def test_job_role_has_the_jobs_permissions_and_no_other() -> None:
    """One statement for each of the job's, word for word; a job without any has no policy at all."""
    template = stage_template(a_stage(a_job("Resize", WRITE_BUCKET), a_job("Report")))

    policies = {each["RoleName"]: each.get("Policies") for each in resources_of(template, "IAM::Role")}

    assert policies["livejob-shop-mia-Report-job"] is None
    assert [
        {
            "PolicyName": "Job",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::reports/*"]}
                ],
            },
        }
    ] == policies["livejob-shop-mia-Resize-job"]


@pytest.mark.parametrize("mode", ["development", "production"])
def test_roles_are_least_privileged(mode: StageMode) -> None:
    """No role may do all of anything, and every resource is the stage's or a bundle."""
    template = stage_template(
        a_stage(a_job("Resize", when_disconnected="run"), a_job("Report"), context=a_context(mode=mode))
    )

    statements = list(_allowed(template))

    assert statements
    assert [] == [each for each in statements if any("*" in action for action in each["Action"])]
    assert [] == [
        each
        for each in statements
        if not any(own in _resource(each) for own in ("shop-mia", "shop/mia", "/bundles/"))
    ]


def test_only_lambda_may_be_the_stub_and_only_the_account_a_job() -> None:
    """Trust: invokers are Lambda's; a job's role is for the account's developers, for an hour at most."""
    template = stage_template(a_stage(a_job("Resize")))

    assert {
        "livejob-shop-mia-stub": [{"Service": "lambda.amazonaws.com"}],
        "livejob-shop-mia-Resize-job": [{"AWS": "arn:aws:iam::123456789012:root"}],
    } == _principals(template)
    assert {3600} == {each["MaxSessionDuration"] for each in resources_of(template, "IAM::Role")}


def test_production_trusts_no_developer() -> None:
    """In production a job's role is for CodeBuild alone, and there only for the job's own project."""
    template = stage_template(a_production_stage(a_job("Resize")))

    [role] = [each for each in resources_of(template, "IAM::Role") if each["RoleName"].endswith("-job")]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]

    assert {"Service": "codebuild.amazonaws.com"} == trust["Principal"]
    assert {
        "StringEquals": {
            "aws:SourceAccount": "123456789012",
            "aws:SourceArn": "arn:aws:codebuild:us-east-1:123456789012:project/livejob-shop-mia_Resize",
        }
    } == trust["Condition"]


def test_production_has_neither_stub_nor_topic() -> None:
    """Nothing in the template of a production stage speaks of the stub, of IoT or of a session."""
    text = json.dumps(stage_template(a_production_stage(a_job("Resize", when_disconnected="run"))))

    assert [] == [word for word in ("iot", "Stub", "stub_", "topic", ":root", "DISCONNECTED") if word in text]


def test_production_keeps_records_and_documents() -> None:
    """Table and bucket of a production stage outlive its stack; those of a development stage do not."""
    policies = {
        mode: {
            name: each["DeletionPolicy"]
            for name, each in stage_template(a_stage(context=a_context(mode=mode)))["Resources"].items()  # type: ignore[attr-defined]
            if "DeletionPolicy" in each
        }
        for mode in ("development", "production")
    }

    assert {"RunTable": "Delete", "StageBucket": "Delete"} == policies["development"]
    assert {"RunTable": "RetainExceptOnCreate", "StageBucket": "RetainExceptOnCreate"} == policies[
        "production"
    ]


def test_development_builds_only_what_runs_without_a_session() -> None:
    """A project and the reconciler are there for `when_disconnected="run"` and for no other policy."""
    built = stage_template(a_stage(a_job("Resize", when_disconnected="run"), a_job("Report")))
    other = stage_template(a_stage(a_job("Resize"), a_job("Report", when_disconnected="fail")))

    assert ["livejob-shop-mia_Resize"] == [each["Name"] for each in resources_of(built, "CodeBuild::Project")]
    assert [] == resources_of(other, "CodeBuild::Project")
    assert 2 == len(resources_of(built, "Events::Rule"))
    assert [] == resources_of(other, "Events::Rule")
    assert [
        {"AWS": "arn:aws:iam::123456789012:root"},
        {"Service": "codebuild.amazonaws.com"},
    ] == sorted(_principals(built)["livejob-shop-mia-Resize-job"], key=str)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"timeout_s": 60}, {"TimeoutInMinutes": 6}),
        ({"timeout_s": 36 * 3600}, {"TimeoutInMinutes": 2160}),
        ({"queue_timeout_s": 301}, {"QueuedTimeoutInMinutes": 6}),
    ],
)
def test_backstops_of_a_build_lie_behind_the_jobs_own_limits(
    fields: dict[str, object], expected: dict[str, object]
) -> None:
    """Whole minutes, rounded up, with time for the attempt to end by itself, within CodeBuild's limits."""
    template = stage_template(a_production_stage(a_job("Resize", **fields)))

    [project] = resources_of(template, "CodeBuild::Project")

    assert expected.items() <= project.items()


@pytest.mark.parametrize(
    ("architecture", "gib", "machine"),
    [
        ("x86_64", 3, "BUILD_GENERAL1_SMALL"),
        ("x86_64", 3.5, "BUILD_GENERAL1_MEDIUM"),
        ("x86_64", 145, "BUILD_GENERAL1_2XLARGE"),
        ("arm64", 3.5, "BUILD_GENERAL1_SMALL"),
        ("arm64", 64, "BUILD_GENERAL1_XLARGE"),
    ],
)
def test_job_gets_the_smallest_machine_with_its_memory(
    architecture: Architecture, gib: float, machine: str
) -> None:
    """By AWS's table of sizes, which differ by architecture."""
    found = machine_for(architecture, round(gib * GIB))

    assert found is not None
    assert machine == found.name


def test_memory_that_no_machine_has_is_refused_with_the_place() -> None:
    """An arm64 machine ends at 96 GB."""
    job = a_job("Resize", architecture="arm64", runtime="python3.12", memory_bytes=97 * GIB)

    with pytest.raises(JobSpecInvalid) as caught:
        a_production_stage(job)

    assert "jobs.py:1: Resize has more memory than any arm64 machine of CodeBuild" == caught.value.message


def test_build_knows_its_job_and_never_a_payload() -> None:
    """A build's variables say what to run and where its record is; the job's own are among them."""
    template = stage_template(
        a_production_stage(a_job("Resize", environment={"COLOR": "blue"}, timeout_s=90))
    )

    [project] = resources_of(template, "CodeBuild::Project")

    variables = {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}
    assert {
        "COLOR": "blue",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LIVEJOB_APP": "shop",
        "LIVEJOB_BUCKET": "livejob-shop-mia-123456789012-us-east-1",
        "LIVEJOB_BUNDLE": "b" * 64,
        "LIVEJOB_HANDLER": "jobs.resize",
        "LIVEJOB_JOB": "Resize",
        "LIVEJOB_STAGE": "mia",
        "LIVEJOB_TABLE": "livejob-shop-mia-runs",
        "LIVEJOB_TIMEOUT": "90",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/opt/livejob:/opt/python",
        "TZ": ":UTC",
    } == variables


def test_reconciler_also_goes_by_the_clock() -> None:
    """An event may be lost: every few minutes it looks itself, and only the stage's two rules may call it."""
    template = stage_template(a_production_stage(a_job("Resize")))

    rules = resources_of(template, "Events::Rule")
    callers = [each["SourceArn"]["Fn::GetAtt"][0] for each in resources_of(template, "Lambda::Permission")]

    assert ["rate(5 minutes)"] == [
        each["ScheduleExpression"] for each in rules if "ScheduleExpression" in each
    ]
    assert ["ReconcilerRule", "SweepRule"] == callers


def test_names_with_hyphens_do_not_collide() -> None:
    """Logical ids know no hyphen; two jobs that differ by it alone stay two."""
    assert "Resize" == logical_id("Resize")
    assert logical_id("a-b") not in {logical_id("ab"), logical_id("a--b")}
    assert logical_id("a-b").isalnum()


@pytest.mark.parametrize(
    ("app", "stage", "job", "message"),
    [
        ("a" * 20, "b" * 12, "J", "The stage's bucket would be called livejob-aaaa"),
        ("a" * 10, "b" * 10, "J" * 40, "The invoker of JJJJ"),
        ("a" * 10, "b" * 10, "J" * 33, "The role of JJJJ"),
    ],
)
def test_name_that_is_too_long_is_told_before_aws_does(app: str, stage: str, job: str, message: str) -> None:
    """The error names the resource and by how much it is too long."""
    resources = a_stage(a_job(job), context=a_context(app, stage))

    with pytest.raises(NameTooLong) as caught:
        check_stage(resources)

    assert caught.value.message.startswith(message)
    assert " characters, and AWS allows 6" in caught.value.message


@pytest.mark.parametrize("mode", ["development", "production"])
def test_as_many_jobs_as_fit_stay_within_cloudformations_limit(mode: StageMode) -> None:
    """The most jobs that are let through make a template of at most 500 resources; one more is refused."""
    context, limit = a_context(mode=mode), jobs_max(is_built=mode == "production")
    fitting = a_stage(*(a_job(f"J{number}") for number in range(limit)), context=context)
    resources = stage_template(fitting)["Resources"]
    check_stage(fitting)

    with pytest.raises(TooManyJobs) as caught:
        check_stage(a_stage(*(a_job(f"J{number}") for number in range(limit + 1)), context=context))

    assert isinstance(resources, dict)
    assert 490 < len(resources) <= 500
    assert f"at most {limit} jobs" in caught.value.remedy


@pytest.mark.slow
def test_templates_pass_cfn_lint() -> None:
    """cfn-lint finds nothing, not even a warning or a remark."""
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    templates = [
        stage_template(a_stage(a_job("Resize", WRITE_BUCKET), a_job("Month-End", when_disconnected="run"))),
        stage_template(a_production_stage(a_job("Resize", WRITE_BUCKET), a_job("Month-End"))),
        artifacts_template(Bucket("livejob-artifacts-123456789012-us-east-1", {}, is_kept=True)),
    ]
    texts = [with_digest(each, {})[0] for each in templates]

    findings = [lint(text, config=ManualArgs(include_checks=["I"], regions=["us-east-1"])) for text in texts]

    assert [[], [], []] == findings


def _allowed(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for role in resources_of(template, "IAM::Role"):
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def _principals(template: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Role -> who may assume it."""
    return {
        role["RoleName"]: [each["Principal"] for each in role["AssumeRolePolicyDocument"]["Statement"]]
        for role in resources_of(template, "IAM::Role")
    }


def _resource(statement: Mapping[str, Any]) -> str:
    [resource, *others] = statement["Resource"]
    assert [] == [each for each in others if not each.startswith(resource)]
    return str(resource)
