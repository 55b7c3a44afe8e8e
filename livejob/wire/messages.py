"""Messages over the bridge, stub to session. The run record is the truth; these only ring.

Safe edits: a new optional field with a default; a new kind (an old peer reports it and goes on).
Breaking edits, which need a new VERSION: renaming or removing a kind or a field, changing a meaning.
Every released shape keeps a golden vector in tests/vectors/.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from livejob.wire.ids import RunId, SessionId
from livejob.wire.limits import BRIDGE_MESSAGE_BYTES

VERSION = 1


@dataclass(frozen=True, slots=True)
class Start:
    """A run of `job` is QUEUED and this session may claim it. The payload is in the record."""

    run_id: RunId
    job: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody asked in the record for the end of this run."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Ping:
    """Do you hear? `nonce` is the sender's own, to know its message again."""

    nonce: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """Session `by` holds the stage from here on: claim nothing more, end what runs, go."""

    by: SessionId
    host: str


Message = Start | Cancel | Ping | Takeover


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something arrived that is no message of this version. Reported, never fatal."""

    reason: str


_KINDS: dict[str, type[Message]] = {
    "start": Start,
    "cancel": Cancel,
    "ping": Ping,
    "takeover": Takeover,
}
_NAMES = {cls: kind for kind, cls in _KINDS.items()}


def encode(message: Message) -> bytes:
    """UTF-8 JSON, at most BRIDGE_MESSAGE_BYTES (all fields are short by construction)."""
    body = {"v": VERSION, "kind": _NAMES[type(message)], **asdict(message)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes) -> Message | Unreadable:
    """The message in `data`, or why there is none. Unknown fields are ignored. Never raises."""
    if len(data) > BRIDGE_MESSAGE_BYTES:
        return Unreadable(f"{len(data)} bytes, more than {BRIDGE_MESSAGE_BYTES}")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return Unreadable("not JSON")
    if not isinstance(body, dict) or body.get("v") != VERSION:
        return Unreadable("not of this version")
    return _message_of(body)


def _message_of(body: dict[str, Any]) -> Message | Unreadable:
    cls = _KINDS.get(str(body.get("kind")))
    if cls is None:
        return Unreadable(f"unknown kind {str(body.get('kind'))[:40]!r}")
    fields: dict[str, Any] = {name: body.get(name) for name in cls.__dataclass_fields__}
    wrong = [name for name, value in fields.items() if not isinstance(value, str)]
    if wrong:
        return Unreadable(f"{_NAMES[cls]}: {', '.join(wrong)} must be text")
    return cls(**fields)
