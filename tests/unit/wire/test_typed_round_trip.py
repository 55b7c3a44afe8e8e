"""What a caller writes as a document is what the handler gets, for every value of an annotated type."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Literal, TypedDict
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from livejob.wire.documents import encode_document
from livejob.wire.typed import convert


class Colour(Enum):
    RED = "red"
    NONE = None
    MIX = 3


class Owner(TypedDict, total=False):
    name: str
    born: date | None


@dataclass(frozen=True)
class Point:
    x: int
    y: float


@dataclass
class Drawing:
    id: UUID
    title: str
    is_public: bool
    made: datetime
    colour: Colour
    mode: Literal["fast", 2, True]
    size: int | float | None
    owner: Owner
    points: tuple[Point, ...]
    named: dict[str, list[Point]]
    pair: tuple[str, Point | None]
    parts: list["Drawing"] = field(default_factory=list)


numbers = st.floats(allow_nan=False, allow_infinity=False)
zones = st.none() | st.just(UTC) | st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
# Of an hour that a clock shows twice, ISO 8601 does not tell which one is meant.
moments = st.datetimes(timezones=zones).map(lambda moment: moment.replace(fold=0))
points = st.builds(Point, st.integers(), numbers)
owners = st.fixed_dictionaries({}, optional={"name": st.text(), "born": st.none() | st.dates()})


def drawings(parts: st.SearchStrategy[list[Drawing]]) -> st.SearchStrategy[Drawing]:
    return st.builds(
        Drawing,
        id=st.uuids(),
        title=st.text(),
        is_public=st.booleans(),
        made=moments,
        colour=st.sampled_from(Colour),
        mode=st.sampled_from(["fast", 2, True]),
        size=st.integers() | numbers | st.none(),
        owner=owners,
        points=st.lists(points).map(tuple),
        named=st.dictionaries(st.text(), st.lists(points)),
        pair=st.tuples(st.text(), st.none() | points),
        parts=parts,
    )


@given(st.recursive(drawings(st.just([])), lambda inner: drawings(st.lists(inner, max_size=3)), max_leaves=4))
def test_dataclass_comes_back_as_it_went(drawing: Drawing) -> None:
    """A dataclass is equal after its way through a document, to its innermost type."""
    document = encode_document(drawing, "payload")

    back = convert(json.loads(document), Drawing, "payload")

    assert repr(drawing) == repr(back)
