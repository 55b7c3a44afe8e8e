"""The template of a development stage, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from livejob.deploy.checks import JOBS_MAX, check_stage
from livejob.deploy.resources import Bucket, StageContext, StageResources, development_stage
from livejob.deploy.template import artifacts_template, logical_id, stage_template, with_digest
from livejob.errors import NameTooLong, TooManyJobs
from livejob.project.specs import JobSpec, Statement
from livejob.wire.names import StageNames
from tests.support.job_specs import a_job, jobs_of

GOLDEN = Path(__file__).parents[2] / "vectors" / "development_stage.json"
WRITE_BUCKET = Statement(("s3:PutObject",), ("arn:aws:s3:::reports/*",))


def a_context(app: str = "shop", stage: str = "mia") -> StageContext:
    return StageContext(StageNames(app, stage), "123456789012", "us-east-1", "0.1.0")


def a_stage(*specs: JobSpec, context: StageContext | None = None) -> StageResources:
    return development_stage(context or a_context(), jobs_of(*specs), "stub.handle", "stub/0.zip")


def resources_of(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == f"AWS::{kind}"]


def test_template_is_as_it_was() -> None:
    """A stage with one job gives the recorded template; whoever changes it sees what changes in accounts."""
    template = stage_template(a_stage(a_job("Resize", WRITE_BUCKET)))

    assert json.loads(GOLDEN.read_text()) == template


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
        development_stage(a_context(), jobs_of(a_job("Resize")), "stub.handle", "stub/1.zip"),
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


def test_roles_are_least_privileged() -> None:
    """No role may do all of anything, and every resource is named within the stage."""
    template = stage_template(a_stage(a_job("Resize"), a_job("Report")))

    statements = list(_allowed(template))

    assert statements
    assert [] == [each for each in statements if any("*" in action for action in each["Action"])]
    assert [] == [
        each for each in statements if "shop-mia" not in _resource(each) and "shop/mia" not in _resource(each)
    ]


def test_only_lambda_may_be_the_stub_and_only_the_account_a_job() -> None:
    """Trust: invokers are Lambda's; a job's role is for the account's developers, for an hour at most."""
    template = stage_template(a_stage(a_job("Resize")))

    trust = {
        each["RoleName"]: (
            each["AssumeRolePolicyDocument"]["Statement"][0]["Principal"],
            each["MaxSessionDuration"],
        )
        for each in resources_of(template, "IAM::Role")
    }

    assert {
        "livejob-shop-mia-stub": ({"Service": "lambda.amazonaws.com"}, 3600),
        "livejob-shop-mia-Resize-job": ({"AWS": "arn:aws:iam::123456789012:root"}, 3600),
    } == trust


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


def test_as_many_jobs_as_fit_stay_within_cloudformations_limit() -> None:
    """JOBS_MAX jobs make a template of at most 500 resources; one more is refused."""
    fitting = a_stage(*(a_job(f"J{number}") for number in range(JOBS_MAX)))
    resources = stage_template(fitting)["Resources"]
    check_stage(fitting)

    with pytest.raises(TooManyJobs) as caught:
        check_stage(a_stage(*(a_job(f"J{number}") for number in range(JOBS_MAX + 1))))

    assert isinstance(resources, dict)
    assert len(resources) <= 500
    assert f"at most {JOBS_MAX} jobs" in caught.value.remedy


@pytest.mark.slow
def test_templates_pass_cfn_lint() -> None:
    """cfn-lint finds nothing, not even a warning or a remark."""
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    templates = [
        stage_template(a_stage(a_job("Resize", WRITE_BUCKET), a_job("Month-End"))),
        artifacts_template(Bucket("livejob-artifacts-123456789012-us-east-1", {}, is_kept=True)),
    ]
    texts = [with_digest(each, {})[0] for each in templates]

    findings = [lint(text, config=ManualArgs(include_checks=["I"], regions=["us-east-1"])) for text in texts]

    assert [[], []] == findings


def _allowed(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for role in resources_of(template, "IAM::Role"):
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def _resource(statement: Mapping[str, Any]) -> str:
    resource: str = statement["Resource"]
    return resource
