"""Sessions in the stage's DynamoDB table: who is attached, and until when that holds.

Knows the table by its name and boto3 by its client. Called by the stub, which looks for somebody to ring,
and by the daemon (through its thread gateway).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.clock import EpochMs
from livejob.runs.attributes import to_attribute
from livejob.runs.deadlines import session_deletion_s
from livejob.runs.expressions import Expression
from livejob.runs.model import Session
from livejob.runs.records import session_item_of, session_of
from livejob.runs.schema import PK, SESSION_PREFIX, SESSIONS_PK, SK, TTL_ATTRIBUTE, session_key
from livejob.wire.ids import SessionId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class DynamoSessionStore:
    """The sessions attached to one stage, in its table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._resource = f"table/{table}"

    def attach(self, session: Session, instead_of: SessionId | None = None) -> None:
        item = session_item_of(session)
        if instead_of is None:
            with translated("dynamodb:PutItem", self._resource):
                self._client.put_item(TableName=self._table, Item=item)
            return
        with translated("dynamodb:PutItem and dynamodb:DeleteItem", self._resource):
            self._client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": self._table, "Item": item}},
                    {"Delete": {"TableName": self._table, "Key": session_key(instead_of)}},
                ]
            )

    def renew(self, session_id: SessionId, lease_until_ms: EpochMs) -> bool:
        expression = Expression()
        expression.conditions.append(f"attribute_exists({expression.name(PK)})")
        expression.set("lease_until_ms", lease_until_ms)
        expression.set(TTL_ATTRIBUTE, session_deletion_s(lease_until_ms))
        with translated("dynamodb:UpdateItem", self._resource):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=session_key(session_id),
                    UpdateExpression=expression.update(),
                    ConditionExpression=expression.condition(),
                    ExpressionAttributeNames=expression.names,
                    ExpressionAttributeValues=expression.values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def live(self, now_ms: EpochMs) -> Sequence[Session]:
        with translated("dynamodb:Query", self._resource):
            # Ids sort by the time of their making: backwards is newest first. One page holds thousands.
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=f"{PK} = :pk AND begins_with({SK}, :prefix)",
                ExpressionAttributeValues={
                    ":pk": to_attribute(SESSIONS_PK),
                    ":prefix": to_attribute(SESSION_PREFIX),
                },
                ScanIndexForward=False,
                ConsistentRead=True,
            )
        sessions = (session_of(item) for item in answer["Items"])
        return [session for session in sessions if session.is_live(now_ms)]

    def detach(self, session_id: SessionId) -> None:
        with translated("dynamodb:DeleteItem", self._resource):
            self._client.delete_item(TableName=self._table, Key=session_key(session_id))
