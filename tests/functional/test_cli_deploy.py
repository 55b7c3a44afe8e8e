"""Commands that change a stage: `deploy`, `diff`, `remove`, and `start` over a production stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from livejob.wire.names import StageNames
from tests.support.cli_fixtures import SOURCE, AppUnderTest, Told
from tests.support.held_stacks import HeldStack, template_of

STAGE = ("--stage", "prod", "--aws")


@pytest.fixture
def works(app: AppUnderTest) -> Iterator[AppUnderTest]:
    """An app whose stage `prod` is not deployed yet; nothing of it is left."""
    yield app
    app.livejob("remove", *STAGE, "--yes")
    names, root = names_of(app), app.stage.aws.root
    clients: Any = {
        service: root.client(service, endpoint_url=app.stage.aws.endpoint_url)  # type: ignore[call-overload]
        for service in ("cloudformation", "dynamodb", "s3")
    }
    if names.table in clients["dynamodb"].list_tables()["TableNames"]:
        clients["cloudformation"].delete_stack(StackName=names.stack)
        clients["dynamodb"].delete_table(TableName=names.table)
        clients["s3"].delete_bucket(Bucket=names.bucket(app.stage.aws.account, app.stage.aws.region))


def names_of(app: AppUnderTest) -> StageNames:
    return StageNames(app.stage.names.app, "prod")


def events_of(told: Told) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.out.splitlines()]


def test_deploy_tells_each_resource_and_how_to_go_on(works: AppUnderTest):
    """A person sees what is made and what it is called; stdout stays empty."""
    told = works.livejob("deploy", *STAGE)

    assert (0, "") == (told.code, told.out)
    assert "  + JobResizeProject  CodeBuild::Project" in told.err
    assert f"✓ {works.stage.names.app}/prod is deployed to account {works.stage.aws.account}" in told.err
    assert "livejob run Resize --stage prod" in told.err


def test_deploy_of_an_unchanged_stage_says_so(works: AppUnderTest):
    """The second time nothing is made."""
    works.livejob("deploy", *STAGE)

    told = works.livejob("deploy", *STAGE)

    assert 0 == told.code
    assert "nothing has changed" in told.err
    assert "  + " not in told.err


def test_deploy_as_json_is_one_event_a_line(works: AppUnderTest):
    """A program gets each step, and at the end what was deployed."""
    told = works.livejob("deploy", *STAGE, "--json")

    *steps, last = events_of(told)
    assert {"Resource"} == {each["event"] for each in steps}
    assert ("Deployed", True) == (last["event"], last["isChanged"])
    assert names_of(works).invoker("Resize") == last["invokers"]["Resize"]


def test_diff_shows_what_would_change_and_changes_nothing(works: AppUnderTest):
    """A new stage is all additions; a job that is taken out of the code is marked as deleted."""
    new = works.livejob("diff", *STAGE)
    works.livejob("deploy", *STAGE)
    same = works.livejob("diff", *STAGE)
    (works.root / "src/jobs.py").write_text(SOURCE.partition("\n\n\n@job\ndef monthly_report")[0] + "\n")
    less = works.livejob("diff", *STAGE, "--json")

    assert "prod is new:" in new.out
    assert "  + JobResizeProject" in new.out
    assert f"{works.stage.names.app}/prod: nothing would change\n" == same.out
    assert "JobMonthlyReportProject" in {
        each["logical_id"] for each in less.json["changes"] if each["effect"] == "delete"
    }


def test_deletions_are_not_made_without_a_yes(works: AppUnderTest):
    """Where nobody can be asked, a deployment that deletes ends with the names of what it would delete."""
    works.livejob("deploy", *STAGE)
    (works.root / "src/jobs.py").write_text(SOURCE.partition("\n\n\n@job\ndef monthly_report")[0] + "\n")

    refused = works.livejob("deploy", *STAGE)
    agreed = works.livejob("deploy", *STAGE, "--yes")

    assert 4 == refused.code
    assert "LJ-706 These would be replaced or deleted: JobMonthlyReport" in refused.err
    assert 0 == agreed.code
    assert "7 deleted" in agreed.err


def test_start_does_not_take_a_production_stage_unasked(works: AppUnderTest):
    """A session on the wrong stage would take production's runs onto somebody's machine."""
    works.livejob("deploy", *STAGE)

    told = works.livejob("start", *STAGE, "--engine", "process")

    assert 4 == told.code
    assert "Stage prod of" in told.err
    assert "is a production stage" in told.err
    assert "`livejob start --yes`" in told.err


def test_remove_asks_and_says_what_stays(works: AppUnderTest):
    """Without a yes nothing is removed; with it, records and documents stay and are named."""
    works.livejob("deploy", *STAGE)
    names = names_of(works)

    refused = works.livejob("remove", *STAGE)
    removed = works.livejob("remove", *STAGE, "--yes")

    assert (4, True) == (refused.code, "hint: `livejob remove --yes`" in refused.err)
    assert 0 == removed.code
    assert f"kept: table {names.table}, bucket {names.prefix}" in removed.err


def test_remove_of_no_stage_is_no_error(works: AppUnderTest):
    """What is not there need not be removed."""
    told, as_json = works.livejob("remove", *STAGE), works.livejob("remove", *STAGE, "--json")

    assert (0, f"There is no stage prod of {works.stage.names.app}.\n") == (told.code, told.err)
    assert {"event": "Removed", "isRemoved": False, "kept": []} == as_json.json


def test_local_that_does_not_run_says_how_to_start_it(works: AppUnderTest):
    """`--local` without a local AWS names the command that starts one."""
    told = works.livejob("deploy", "--stage", "prod", "--local")

    assert 4 == told.code
    assert "livejob local-aws start" in told.err


def test_credentials_of_another_account_than_the_settings_say_change_nothing(works: AppUnderTest):
    """Whoever has the wrong profile active reads which account is meant."""
    with (works.root / "livejob.toml").open("a") as file:
        file.write('accounts = { prod = "999999999999" }\n')

    told = works.livejob("deploy", *STAGE)

    account = works.stage.aws.account
    assert 4 == told.code
    assert f"LJ-806 These credentials are for account {account}; `accounts` in livejob.toml" in told.err
    assert "hint: Use credentials of account 999999999999 (--profile, AWS_PROFILE)" in told.err
    assert not is_deployed(works)


def test_stage_stays_in_the_account_that_it_was_deployed_to(works: AppUnderTest):
    """Without a setting, the last deployment from this machine says which account is meant."""
    works.livejob("deploy", *STAGE)
    places = works.root / ".livejob/places.json"
    known = json.loads(places.read_text())
    places.write_text(json.dumps({"prod": {"account": "999999999999", "region": known["prod"]["region"]}}))

    refused = {command: works.livejob(command, *STAGE) for command in ("deploy", "diff", "remove", "start")}
    places.unlink()

    account = works.stage.aws.account
    assert {"prod": {"account": account, "region": works.stage.aws.region}} == known
    assert {4} == {each.code for each in refused.values()}
    assert f'accounts = {{ prod = "{account}" }}' in refused["deploy"].err


def test_another_region_than_the_stages_is_warned_of(works: AppUnderTest):
    """Nothing is wrong with two regions, but most likely one is a mistake."""
    (works.root / ".livejob").mkdir()
    place = {"account": works.stage.aws.account, "region": "eu-north-1"}
    (works.root / ".livejob/places.json").write_text(json.dumps({"prod": place}))

    told = works.livejob("diff", *STAGE)

    assert 0 == told.code
    assert "warning: stage prod was deployed to eu-north-1" in told.err


def test_missing_credentials_change_nothing(works: AppUnderTest, monkeypatch: pytest.MonkeyPatch):
    """Said before anything is bundled or called, with what to do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")

    told = works.livejob("deploy", *STAGE)

    assert 4 == told.code
    assert "LJ-801 no credentials for sts:GetCallerIdentity" in told.err


@pytest.fixture
def half_made(works: AppUnderTest) -> HeldStack:
    """The stack of stage `prod`, whose creation failed and was not taken back."""
    names, aws = names_of(works), works.stage.aws
    tags = {"livejob:app": names.app, "livejob:stage": names.stage}
    stack = HeldStack(aws, names.stack, tags)
    stack.create(template_of({}), DisableRollback=True)
    stack.signal("FAILURE")
    stack.wait_status("CREATE_FAILED")
    return stack


def test_failed_stack_is_deleted_after_a_yes_alone(works: AppUnderTest, half_made: HeldStack):
    """Where nobody can be asked, the failure's reason comes first and nothing is done; with a yes it is."""
    refused = works.livejob("deploy", *STAGE)
    between = half_made.status()
    agreed = works.livejob("deploy", *STAGE, "--yes")

    assert 4 == refused.code
    assert "error: LJ-706 Wait (AWS::CloudFormation::WaitCondition) CREATE_FAILED: " in refused.err
    assert "hint: `livejob deploy --yes`" in refused.err
    assert "CREATE_FAILED" == between
    assert (0, "CREATE_COMPLETE") == (agreed.code, half_made.status())


def test_diff_of_a_failed_stack_leaves_it(works: AppUnderTest, half_made: HeldStack):
    """It was never whole: all would be added. Nothing is deleted to say so."""
    told = works.livejob("diff", *STAGE)

    assert "prod is new:" in told.out
    assert "CREATE_FAILED" == half_made.status()


def is_deployed(works: AppUnderTest) -> bool:
    client = works.stage.aws.root.client("cloudformation", endpoint_url=works.stage.aws.endpoint_url)
    stacks = client.describe_stacks()["Stacks"]
    return names_of(works).stack in {each["StackName"] for each in stacks}
