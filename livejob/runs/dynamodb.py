"""Runs in the stage's DynamoDB table: the record in AWS.

Knows the table by its name and boto3 by its client, nothing of stages or credentials. Called by the stub,
the daemon (through its thread gateway) and the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from livejob.aws import translated
from livejob.errors import AwsError, RunNotFound
from livejob.runs.attributes import Attribute, Item, from_item, to_attribute, to_item
from livejob.runs.deadlines import key_deletion_s
from livejob.runs.expressions import CHANGE_ID, Expression, expression_of
from livejob.runs.model import Change, Run
from livejob.runs.records import item_of, run_of
from livejob.runs.schema import (
    JOB,
    OPEN_INDEX,
    OPEN_JOB,
    PK,
    RECENT_INDEX,
    SK,
    TTL_ATTRIBUTE,
    lock_key,
    run_key,
)
from livejob.runs.transition import conflict
from livejob.wire.ids import RunId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_BATCH_KEYS = 100
"""Keys of one BatchGetItem. Source: DynamoDB quotas."""

_KEY_TRIES = 8
"""How often two simultaneous uses of one idempotency key may collide; each try outlasts a transaction."""


class DynamoRunStore:
    """The runs of one stage, in its table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._resource = f"table/{table}"

    def create(self, run: Run) -> Run:
        return self._create(run) if run.key is None else self._create_locked(run, run.key)

    def get(self, run_id: RunId) -> Run:
        with translated("dynamodb:GetItem", self._resource):
            answer = self._client.get_item(TableName=self._table, Key=run_key(run_id), ConsistentRead=True)
        if "Item" not in answer:
            raise RunNotFound(f"there is no run {run_id}")
        return run_of(answer["Item"])

    def apply(self, run_id: RunId, change: Change) -> Run:
        change_id = token_hex(8)
        expression = expression_of(change, change_id)
        with translated("dynamodb:UpdateItem", self._resource):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=run_key(run_id),
                    UpdateExpression=expression.update(),
                    ConditionExpression=expression.condition(),
                    ExpressionAttributeNames=expression.names,
                    ExpressionAttributeValues=expression.values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                return self._after_refusal(run_id, change, change_id, _item_in(error.response))
        return run_of(answer["Attributes"])

    def open_runs(self, job: str) -> Sequence[Run]:
        keys = list(self._keys(OPEN_INDEX, OPEN_JOB, job, forward=True))
        # The index lags a little behind the table: what has just ended may still be in it.
        return [run for run in self._runs(keys) if run.is_open]

    def all_open_runs(self) -> Sequence[Run]:
        runs = self._runs(list(self._all_keys(OPEN_INDEX)))
        return sorted((run for run in runs if run.is_open), key=lambda run: (run.created_ms, run.id))

    def recent_runs(self, job: str, limit: int) -> Sequence[Run]:
        return self._runs(list(islice(self._keys(RECENT_INDEX, JOB, job, forward=False), limit)))

    def _create(self, run: Run) -> Run:
        with translated("dynamodb:PutItem", self._resource):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item_of(run),
                    ConditionExpression=f"attribute_not_exists({PK})",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                # Our own write, of which the SDK did not hear and which it tried again.
                return run_of(_item_in(error.response))
        return run

    def _create_locked(self, run: Run, key: str) -> Run:
        for _ in range(_KEY_TRIES):
            if self._put_with_lock(run, key):
                return run
            holder = self._holder(run, key)
            if holder is not None:
                return self.get(holder)
            recorded = self._find(run.id)
            if recorded is not None:
                return recorded
        raise AwsError(f"idempotency key {key!r} of {run.job} is used by too many calls at once")

    def _find(self, run_id: RunId) -> Run | None:
        try:
            return self.get(run_id)
        except RunNotFound:
            return None

    def _put_with_lock(self, run: Run, key: str) -> bool:
        lock = lock_key(run.job, key) | to_item(
            {"run_id": run.id, TTL_ATTRIBUTE: key_deletion_s(run.created_ms)}
        )
        free = Expression()
        free.conditions.append(f"attribute_not_exists({free.name(PK)})")
        free.require(TTL_ATTRIBUTE, "<", run.created_ms // 1000)  # over, and not yet deleted
        with translated("dynamodb:PutItem", self._resource):
            try:
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": lock,
                                "ConditionExpression": " OR ".join(free.conditions),
                                "ExpressionAttributeNames": free.names,
                                "ExpressionAttributeValues": free.values,
                            }
                        },
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": item_of(run),
                                "ConditionExpression": f"attribute_not_exists({PK})",
                            }
                        },
                    ]
                )
            except self._client.exceptions.TransactionCanceledException:
                return False
        return True

    def _holder(self, run: Run, key: str) -> RunId | None:
        """The run that holds the key at the time of `run`; None when it is free."""
        with translated("dynamodb:GetItem", self._resource):
            answer = self._client.get_item(
                TableName=self._table, Key=lock_key(run.job, key), ConsistentRead=True
            )
        lock = from_item(answer.get("Item", {}))
        if not lock or lock[TTL_ATTRIBUTE] < run.created_ms // 1000:
            return None
        return RunId(lock["run_id"])

    def _after_refusal(self, run_id: RunId, change: Change, change_id: str, item: Item) -> Run:
        if not item:
            raise RunNotFound(f"there is no run {run_id}")
        run = run_of(item)
        if from_item(item).get(CHANGE_ID) == change_id:
            # Our own write, of which the SDK did not hear and which it tried again.
            return run
        raise conflict(run, change)

    def _keys(self, index: str, attribute: str, job: str, *, forward: bool) -> Iterator[Item]:
        """Keys of the job's runs in the index's order."""
        with translated("dynamodb:Query", f"{self._resource}/index/{index}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression="#job = :job",
                ExpressionAttributeNames={"#job": attribute},
                ExpressionAttributeValues={":job": to_attribute(job)},
                ScanIndexForward=forward,
            )
            for page in pages:
                for item in page["Items"]:
                    yield {PK: item[PK], SK: item[SK]}

    def _all_keys(self, index: str) -> Iterator[Item]:
        """Keys of all that is in the index: for a sparse one."""
        with translated("dynamodb:Scan", f"{self._resource}/index/{index}"):
            pages = self._client.get_paginator("scan").paginate(TableName=self._table, IndexName=index)
            for page in pages:
                for item in page["Items"]:
                    yield {PK: item[PK], SK: item[SK]}

    def _runs(self, keys: Sequence[Item]) -> list[Run]:
        """The runs of those keys that still exist, in that order, read consistently."""
        found: dict[str, Run] = {}
        for start in range(0, len(keys), _BATCH_KEYS):
            for item in self._batch(list(keys[start : start + _BATCH_KEYS])):
                found[item[PK]["S"]] = run_of(item)
        return [found[key[PK]["S"]] for key in keys if key[PK]["S"] in found]

    def _batch(self, keys: list[Item]) -> Iterator[Mapping[str, Attribute]]:
        wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
        while wanted:
            with translated("dynamodb:BatchGetItem", self._resource):
                answer = self._client.batch_get_item(RequestItems=wanted)
            items = answer["Responses"].get(self._table, [])
            yield from items
            wanted = answer.get("UnprocessedKeys", {})
            if wanted and not items:
                raise AwsError(f"{self._resource} is throttled: a batch of reads came back empty")


def _item_in(response: Mapping[str, Any]) -> Item:
    """The item that comes with a failed condition; empty when there is none."""
    found: Item = response.get("Item", {})
    return found
