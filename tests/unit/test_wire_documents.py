"""Payloads and results as JSON documents."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.wire.documents import NotJson, encode_document

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Edge(Enum):
    ROUND = "round"


@dataclass
class Point:
    x: int
    y: float


@dataclass
class Line:
    points: tuple[Point, ...]


class Model:
    """What a pydantic model looks like from here."""

    def model_dump(self, *, mode: str, by_alias: bool) -> dict[str, object]:
        return {"mode": mode, "by_alias": by_alias, "points": [Point(1, 2.0)]}


@given(json_values)
def test_json_comes_back_as_it_went(value: object) -> None:
    """Every JSON value is the same after its way through a document."""
    document = encode_document(value, "payload")

    assert value == json.loads(document)


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (0, b"0"),
        (False, b"false"),
        ("", b'""'),
        (None, b"null"),
        ("Müller 🌍", '"Müller 🌍"'.encode()),
        ((1, 2), b"[1,2]"),
        ([Colour.RED, Size.LARGE, Edge.ROUND], b'["red",3,"round"]'),
        (
            [date(2026, 11, 1), datetime(2026, 11, 1, 9, 30, tzinfo=UTC)],
            b'["2026-11-01","2026-11-01T09:30:00+00:00"]',
        ),
        (UUID(int=7), b'"00000000-0000-0000-0000-000000000007"'),
        (Line((Point(1, 2.5),)), b'{"points":[{"x":1,"y":2.5}]}'),
        ([Model()], b'[{"mode":"json","by_alias":true,"points":[{"x":1,"y":2.0}]}]'),
    ],
)
def test_values_become_documents(value: object, document: bytes) -> None:
    """Falsy values stay, text stays readable, dates become text, dataclasses and models objects."""
    encoded = encode_document(value, "payload")

    assert document == encoded


def looped() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: {"a": [1, {"b": Decimal("1.5")}]},
            "payload.a[1].b is of type Decimal, which JSON does not have",
        ),
        (lambda: Line((Point(1, float("nan")),)), "payload.points[0].y is nan, which JSON does not have"),
        (lambda: [float("inf")], "payload[0] is inf, which JSON does not have"),
        (lambda: {"a": {1: 2}}, "payload.a has the key 1: JSON has text keys only"),
        (lambda: {"a b": {2}}, 'payload["a b"] is of type set, which JSON does not have'),
        (lambda: b"x", "payload is of type bytes, which JSON does not have"),
        (lambda: Point, "payload is of type type, which JSON does not have"),
        (lambda: {"a": "\ud83d"}, "payload.a holds half of a surrogate pair, which UTF-8 does not have"),
        (looped, "payload[0][0][0]... is nested more than 200 deep, or contains itself"),
    ],
)
def test_what_json_has_not_is_named_with_its_place(make: Callable[[], object], message: str) -> None:
    """A value that cannot travel is refused, and the message says where it is."""
    with pytest.raises(NotJson) as refused:
        encode_document(make(), "payload")

    assert message == str(refused.value)
