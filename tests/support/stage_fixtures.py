"""A stage's table and bucket in the local AWS, made as a deployment makes them, and the stores on them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from livejob.runs.documents import S3Documents
from livejob.runs.dynamodb import DynamoRunStore
from livejob.runs.dynamodb_sessions import DynamoSessionStore
from livejob.runs.memory import MemoryDocuments, MemoryRunStore, MemorySessionStore
from livejob.runs.schema import TABLE_SCHEMA
from livejob.runs.store import DocumentStore, RunStore, SessionStore
from livejob.wire.names import StageNames
from tests.support.local_aws_fixtures import LocalAwsUnderTest

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class StageUnderTest:
    """A stage with an empty table and an empty bucket."""

    aws: LocalAwsUnderTest
    names: StageNames
    bucket: str

    def open_runs(self, endpoint_url: str | None = None) -> DynamoRunStore:
        """A run store with the developer's permissions; `endpoint_url` if it goes through something."""
        client = self.aws.developer.client("dynamodb", endpoint_url=endpoint_url or self.aws.endpoint_url)
        return DynamoRunStore(client, self.names.table)

    def open_sessions(self) -> DynamoSessionStore:
        client = self.aws.developer.client("dynamodb", endpoint_url=self.aws.endpoint_url)
        return DynamoSessionStore(client, self.names.table)

    def open_documents(self) -> S3Documents:
        client = self.aws.developer.client("s3", endpoint_url=self.aws.endpoint_url)
        return S3Documents(client, self.bucket)


def make_stage(aws: LocalAwsUnderTest) -> StageUnderTest:
    """A new stage that no other test uses."""
    names = StageNames(f"shop{next(_numbers)}", "dev")
    bucket = names.bucket(aws.account, aws.region)
    dynamodb = aws.root.client("dynamodb", endpoint_url=aws.endpoint_url)
    schema: dict[str, Any] = dict(TABLE_SCHEMA)
    dynamodb.create_table(TableName=names.table, BillingMode="PAY_PER_REQUEST", **schema)
    aws.root.client("s3", endpoint_url=aws.endpoint_url).create_bucket(Bucket=bucket)
    return StageUnderTest(aws, names, bucket)


@pytest.fixture(scope="module")
def stage(local_aws: LocalAwsUnderTest) -> StageUnderTest:
    """A stage for the tests of one module."""
    return make_stage(local_aws)


@pytest.fixture
def new_stage(local_aws: LocalAwsUnderTest) -> StageUnderTest:
    """A stage for one test alone."""
    return make_stage(local_aws)


@pytest.fixture(scope="module")
def table_runs(stage: StageUnderTest) -> DynamoRunStore:
    """The module's stage as a run store."""
    return stage.open_runs()


@pytest.fixture(scope="module")
def bucket_documents(stage: StageUnderTest) -> S3Documents:
    """The module's stage as a document store."""
    return stage.open_documents()


@pytest.fixture(params=["memory", "dynamodb"])
def runs(request: pytest.FixtureRequest) -> RunStore:
    """Each run store in turn."""
    if request.param == "memory":
        return MemoryRunStore()
    store: RunStore = request.getfixturevalue("table_runs")
    return store


@pytest.fixture(params=["memory", "dynamodb"])
def sessions(request: pytest.FixtureRequest) -> SessionStore:
    """Each session store in turn, empty."""
    if request.param == "memory":
        return MemorySessionStore()
    stage: StageUnderTest = request.getfixturevalue("new_stage")
    return stage.open_sessions()


@pytest.fixture(params=["memory", "s3"])
def documents(request: pytest.FixtureRequest) -> DocumentStore:
    """Each document store in turn."""
    if request.param == "memory":
        return MemoryDocuments()
    store: DocumentStore = request.getfixturevalue("bucket_documents")
    return store
