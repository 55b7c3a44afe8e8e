"""The record in DynamoDB where memory has no counterpart: lost answers, deletion, refusals, secrets."""

from __future__ import annotations

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livejob.errors import (
    AccessRefused,
    AwsUnreachable,
    CredentialsMissing,
    LivejobError,
    NotDeployed,
    StateConflict,
)
from livejob.runs.dynamodb import DynamoRunStore
from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Change, Document, Run
from livejob.runs.schema import run_key
from livejob.runs.store import RunStore
from livejob.wire.limits import RUN_TTL_S
from livejob.wire.outcome import Failure
from livejob.wire.states import Input
from tests.support.relay import open_relay
from tests.support.runs import T0, a_change, a_job_name, a_run, at, let
from tests.support.stage_fixtures import StageUnderTest

SECRET = "wJalrXUtnFEMI-planted-secret-EXAMPLEKEY"


def test_a_change_whose_answer_is_lost_happens_once(stage: StageUnderTest):
    """A claim that the SDK sends twice, because the answer got lost, is not refused to its own author."""
    with open_relay(stage.aws.port) as relay:
        runs = stage.open_runs(relay.endpoint_url)
        run = runs.create(a_run(a_job_name()))
        relay.swallow_next_answer()

        claimed = runs.apply(run.id, a_change(Input.CLAIM, owner="ses_a"))

    assert "ses_a" == claimed.owner
    assert 1 == claimed.attempt_number


@pytest.mark.parametrize("key", [None, "order-7"])
def test_a_run_whose_answer_is_lost_is_created_once(stage: StageUnderTest, key: str | None):
    """A run that the SDK creates twice, because the answer got lost, is one run."""
    with open_relay(stage.aws.port) as relay:
        runs = stage.open_runs(relay.endpoint_url)
        run = a_run(a_job_name(), key=key)
        relay.swallow_next_answer()

        created = runs.create(run)

        assert run == created
        assert [run] == runs.recent_runs(run.job, 10)


def test_an_ended_run_is_deleted_in_time(stage: StageUnderTest):
    """A run is marked for deletion when it ends, in epoch seconds, and not before."""
    client = stage.aws.developer.client("dynamodb", endpoint_url=stage.aws.endpoint_url)
    runs = stage.open_runs()
    run = runs.create(a_run(a_job_name()))

    def ttl() -> object:
        item = client.get_item(TableName=stage.names.table, Key=run_key(run.id))["Item"]
        return item.get("ttl")

    before = ttl()
    runs.apply(run.id, a_change(Input.CANCEL, at(7)))

    assert before is None
    assert {"N": str(T0 // 1000 + 7 + RUN_TTL_S)} == ttl()


def test_an_ended_run_leaves_the_index_of_open_runs(stage: StageUnderTest):
    """The index that is swept holds what is open, so a sweep costs nothing for what has ended."""
    client = stage.aws.developer.client("dynamodb", endpoint_url=stage.aws.endpoint_url)
    runs = stage.open_runs()
    job = a_job_name()
    run = runs.create(a_run(job))

    def indexed() -> int:
        return client.query(
            TableName=stage.names.table,
            IndexName="open",
            KeyConditionExpression="open_job = :job",
            ExpressionAttributeValues={":job": {"S": job}},
        )["Count"]

    before = indexed()
    runs.apply(run.id, a_change(Input.CANCEL))

    assert 1 == before
    assert 0 == indexed()


def test_a_missing_table_is_a_stage_not_deployed(stage: StageUnderTest):
    """Without its table the error names the table and says to deploy."""
    runs = DynamoRunStore(client_of(stage, stage.aws.developer), "livejob-nowhere-dev-runs")

    with pytest.raises(NotDeployed, match=r"dynamodb:GetItem on table/livejob-nowhere-dev-runs"):
        runs.get(a_run().id)


def test_a_refusal_names_action_and_table(stage: StageUnderTest):
    """Without a permission the error names what was tried, and on what."""
    runs = DynamoRunStore(client_of(stage, a_stranger(stage)), stage.names.table)

    with pytest.raises(AccessRefused, match=f"dynamodb:UpdateItem on table/{stage.names.table}"):
        runs.apply(a_run().id, a_change(Input.CLAIM))


def test_wrong_credentials_are_said_without_showing_them(stage: StageUnderTest):
    """A wrong secret is an error about credentials, and is in no part of it."""
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", SECRET, "token-" + SECRET, region_name=stage.aws.region)
    runs = DynamoRunStore(client_of(stage, session), stage.names.table)

    with pytest.raises(CredentialsMissing) as refused:
        runs.get(a_run().id)

    assert SECRET not in everything_said_by(refused.value)


def test_no_credentials_are_said(stage: StageUnderTest, monkeypatch: pytest.MonkeyPatch):
    """Without any credentials the error says how to get some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    runs = DynamoRunStore(client_of(stage, boto3.Session(region_name="us-east-1")), stage.names.table)

    with pytest.raises(CredentialsMissing, match="dynamodb:GetItem"):
        runs.get(a_run().id)


def test_silence_is_said(stage: StageUnderTest):
    """When AWS does not answer, the error says that and not that something was refused."""
    with open_relay(stage.aws.port) as relay:
        relay.go_down()
        client = stage.aws.developer.client(
            "dynamodb",
            endpoint_url=relay.endpoint_url,
            config=boto3.session.Config(retries={"total_max_attempts": 1}),
        )

        with pytest.raises(AwsUnreachable, match="dynamodb:GetItem"):
            DynamoRunStore(client, stage.names.table).get(a_run().id)


OWNERS = st.sampled_from(["ses_a", "ses_b"])
FAILURES = st.builds(
    Failure,
    type=st.text(max_size=10),
    message=st.text(max_size=20),
    trace=st.text(max_size=20),
    remedy=st.just(""),
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Any change, at a time that may end leases and queues; guards now and then."""
    what = draw(st.sampled_from(Input))
    is_taken = what in (Input.CLAIM, Input.SUBMIT)
    now_ms = at(draw(st.integers(0, 40_000)))
    lease_until_ms = at(draw(st.integers(1, 40_000))) if what is Input.CLAIM or draw(st.booleans()) else None
    return Change(
        what,
        now_ms,
        owner=draw(OWNERS) if is_taken else draw(st.none() | OWNERS),
        attempt=draw(st.none() | st.integers(0, 3)),
        backend="live" if is_taken else None,
        due_ms=draw(st.none() | st.integers(0, 40_000).map(at)) if what is Input.REQUEUE else None,
        queue_s=draw(st.integers(1, 20_000)),
        bundle=draw(st.none() | st.just("0123abcd")) if what is Input.CLAIM else None,
        lease_until_ms=lease_until_ms,
        result=Document(2, inline=b"42") if what is Input.SUCCEED else None,
        failure=draw(st.none() | FAILURES) if what is not Input.SUCCEED else None,
        exit_code=draw(st.none() | st.integers(-9, 255)),
        log=draw(st.none() | st.text(max_size=10)),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(changes(), max_size=12))
def test_both_stores_tell_one_story(table_runs: DynamoRunStore, story: list[Change]):
    """Whatever happens to a run in whatever order, DynamoDB and memory keep the same record of it."""
    memory = MemoryRunStore()
    run = a_run(a_job_name())
    memory.create(run)
    table_runs.create(run)

    for change in story:
        assert said(memory, run, change) == said(table_runs, run, change)

    assert memory.get(run.id) == table_runs.get(run.id)
    assert memory.open_runs(run.job) == table_runs.open_runs(run.job)


def said(runs: RunStore, run: Run, change: Change) -> Run | str:
    """What a store answers to a change."""
    try:
        return let(runs, run, change)
    except StateConflict as refused:
        return refused.message


def client_of(stage: StageUnderTest, session: boto3.Session):
    return session.client("dynamodb", endpoint_url=stage.aws.endpoint_url)


def a_stranger(stage: StageUnderTest) -> boto3.Session:
    """A user who may do nothing."""
    iam = stage.aws.root.client("iam", endpoint_url=stage.aws.endpoint_url)
    name = f"stranger-{stage.names.app}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=stage.aws.region)


def everything_said_by(error: LivejobError) -> str:
    """All that a person or a log could get to see of an error."""
    return " ".join(
        map(str, (error, repr(error), error.message, error.remedy, error.context, error.__cause__))
    )
