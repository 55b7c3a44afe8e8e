"""The stage's table: names of its keys, its indexes and how items in it are addressed.

The one source for both sides: `runs.dynamodb` reads and writes by it, `deploy` creates the table from
it. What an item holds besides its keys is `runs.records`' affair.

    pk                  sk              what
    RUN#<run id>        RUN             a run with its attempts
    KEY#<job>#<key>     KEY             an idempotency key and the run that holds it
    SESSIONS            SESSION#<id>    an attached daemon
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from livejob.wire.ids import RunId, SessionId

PK: Final = "pk"
SK: Final = "sk"

TTL_ATTRIBUTE: Final = "ttl"
"""Unix epoch *seconds* after which DynamoDB deletes the item, in its own time (up to days later)."""

OPEN_INDEX: Final = "open"
"""Sparse: only runs that have not ended carry `OPEN_JOB`, so a sweep reads what is to be done, no more."""

OPEN_JOB: Final = "open_job"

RECENT_INDEX: Final = "recent"
"""All runs of a job by time."""

JOB: Final = "job"

CREATED: Final = "created"
"""`<epoch ms, 13 digits>#<run id>`: sorts by time, and two runs of one millisecond keep one order."""

SESSIONS_PK: Final = "SESSIONS"
SESSION_PREFIX: Final = "SESSION#"
RUN_PREFIX: Final = "RUN#"


def _index(name: str, hash_key: str) -> Mapping[str, object]:
    # Keys only: a heartbeat then writes the item alone, not three copies of it. Readers take the keys
    # from the index and the items, consistently, from the table.
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": CREATED, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


TABLE_SCHEMA: Mapping[str, Sequence[Mapping[str, object]]] = {
    "KeySchema": [
        {"AttributeName": PK, "KeyType": "HASH"},
        {"AttributeName": SK, "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in (PK, SK, OPEN_JOB, JOB, CREATED)
    ],
    "GlobalSecondaryIndexes": [_index(OPEN_INDEX, OPEN_JOB), _index(RECENT_INDEX, JOB)],
}
"""Keys and indexes, in the words that `CreateTable` and `AWS::DynamoDB::Table` share."""

Key = dict[str, dict[str, str]]


def run_key(run_id: RunId) -> Key:
    return {PK: {"S": f"{RUN_PREFIX}{run_id}"}, SK: {"S": "RUN"}}


def lock_key(job: str, key: str) -> Key:
    return {PK: {"S": f"KEY#{job}#{key}"}, SK: {"S": "KEY"}}


def session_key(session_id: SessionId) -> Key:
    return {PK: {"S": SESSIONS_PK}, SK: {"S": f"{SESSION_PREFIX}{session_id}"}}


def created_key(created_ms: int, run_id: RunId) -> str:
    """Value of the `CREATED` attribute."""
    return f"{created_ms:013d}#{run_id}"
