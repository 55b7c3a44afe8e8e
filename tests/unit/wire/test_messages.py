"""Messages over the bridge, against their golden vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.wire import messages
from livejob.wire.ids import RunId
from livejob.wire.limits import BRIDGE_MESSAGE_BYTES
from livejob.wire.messages import Cancel, Message, Ping, Start, Takeover, Unreadable, decode, encode

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bridge_messages_v1.json").read_text())


def message_of(vector) -> Message:
    kind, fields = vector["message"]
    return getattr(messages, kind)(**fields)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["message"][0])
def test_golden_vectors(vector):
    """Every shape that was ever released is read, and written byte by byte, as it was then."""
    message = message_of(vector)

    assert vector["wire"].encode() == encode(message)
    assert message == decode(vector["wire"].encode())


def test_every_kind_has_a_vector():
    """No message travels without a golden vector."""
    assert {Start, Cancel, Ping, Takeover} == {type(message_of(vector)) for vector in VECTORS}
    assert messages.Message == Start | Cancel | Ping | Takeover


def test_unknown_fields_are_ignored():
    """A newer peer may say more."""
    data = b'{"v":1,"kind":"ping","nonce":"3f9a","mood":["good"]}'

    assert Ping("3f9a") == decode(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "not of this version"),
        (b'{"kind":"ping","nonce":"1"}', "not of this version"),
        (b'{"v":2,"kind":"ping","nonce":"1"}', "not of this version"),
        (b'{"v":1,"kind":"sing"}', "unknown kind 'sing'"),
        (b'{"v":1,"kind":["ping"]}', "unknown kind"),
        (b'{"v":1,"kind":"start","job":"Resize"}', "start: run_id must be text"),
        (b'{"v":1,"kind":"start","run_id":7,"job":null}', "start: run_id, job must be text"),
        (b" " * (BRIDGE_MESSAGE_BYTES + 1), f"{BRIDGE_MESSAGE_BYTES + 1} bytes, more than"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_message(data: bytes, why: str):
    """What cannot be read is told with its reason, and raises nothing."""
    unreadable = decode(data)

    assert isinstance(unreadable, Unreadable)
    assert why in unreadable.reason


@given(st.binary(max_size=200))
def test_noise_never_raises(noise: bytes):
    """Whatever arrives, the answer is a value."""
    assert isinstance(decode(noise), Start | Cancel | Ping | Takeover | Unreadable)


TEXT = st.text(max_size=40)


@given(
    st.builds(Start, TEXT.map(RunId), TEXT)
    | st.builds(Cancel, TEXT.map(RunId))
    | st.builds(Ping, TEXT)
    | st.builds(Takeover, TEXT, TEXT)
)
def test_messages_survive_the_wire(message: Message):
    """What was said is what is heard, in any script."""
    assert message == decode(encode(message))
