"""JSON values as what an annotation promises. Annotations are postponed here, as in much of users' code."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NewType, NotRequired, Optional, TypedDict
from uuid import UUID

import pytest
import typing_extensions

from livejob.wire.documents import JsonValue
from livejob.wire.typed import NotOfType, convert

if TYPE_CHECKING:
    from somewhere import Unknown

T = typing.TypeVar("T")
AlbumId = NewType("AlbumId", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 3


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass(kw_only=True)
class Shape(Point):
    colour: Colour
    holes: list[Point] = field(default_factory=list)
    area: float = field(init=False, default=1.0)


@dataclass
class Tree:
    name: str
    below: tuple[Tree, ...] = ()
    other: Unknown = None


@dataclass
class Positive:
    value: int

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError(f"{self.value} is not positive")


@dataclass
class Page(Generic[T]):
    items: list[T]


class Photo(TypedDict):
    album: AlbumId
    taken: NotRequired[date]


class LargePhoto(Photo, total=False):
    centre: Point


class Thumbnail(typing_extensions.TypedDict):
    width: int


Owner = TypedDict("Owner", {"first name": str})


FITTING: list[tuple[object, JsonValue, object]] = [
    (Any, {"a": [1]}, {"a": [1]}),
    (None, None, None),
    (bool, False, False),
    (int, 0, 0),
    (int, 3.0, 3),
    (float, 3, 3.0),
    (float, 0.5, 0.5),
    (str, "", ""),
    (AlbumId, "a", "a"),
    (Annotated[int, "metres"], 3, 3),
    (Literal["a", 1, None], 1, 1),
    (Literal[Colour.RED], "red", Colour.RED),
    (Colour, "blue", Colour.BLUE),
    (Size, 3, Size.LARGE),
    (datetime, "2026-11-01T09:30:00", datetime(2026, 11, 1, 9, 30)),
    (date, "2026-11-01", date(2026, 11, 1)),
    (UUID, "00000000-0000-0000-0000-000000000007", UUID(int=7)),
    (list, [1, "a"], [1, "a"]),
    (list[Colour], ["red"], [Colour.RED]),
    (Sequence[float], [1], [1.0]),
    (tuple, [1, "a"], (1, "a")),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[Point, ...], [{"x": 1}, {"x": 2}], (Point(1), Point(2))),
    (dict, {"a": 1}, {"a": 1}),
    (dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
    (Mapping[Colour, int], {"red": 1}, {Colour.RED: 1}),
    (typing.List[Colour], ["red"], [Colour.RED]),  # noqa: UP006 - users have it
    (Optional[Point], None, None),  # noqa: UP045 - users have it
    (Point | None, {"x": 1}, Point(1)),
    (int | float, 1.0, 1.0),
    (float | int, 1, 1),
    (datetime | str, "2026-11-01", "2026-11-01"),
    (int | Any, "a", "a"),
    (Photo | Point, {"x": 1}, Point(1)),
    (Shape, {"x": 1, "colour": "red", "area": 7}, Shape(x=1, colour=Colour.RED)),
    (
        Shape,
        {"x": 1, "y": 2, "colour": "red", "holes": [{"x": 3}]},
        Shape(x=1, y=2.0, colour=Colour.RED, holes=[Point(3)]),
    ),
    (Tree, {"name": "a", "below": [{"name": "b"}]}, Tree("a", (Tree("b"),))),
    (Tree, {"name": "a", "other": [1]}, Tree("a", other=[1])),
    (Page[int], {"items": ["a"]}, Page(["a"])),
    (Photo, {"album": "a"}, {"album": "a"}),
    (
        LargePhoto,
        {"album": "a", "taken": "2026-11-01", "centre": {"x": 1}},
        {"album": "a", "taken": date(2026, 11, 1), "centre": Point(1)},
    ),
    (Owner, {"first name": "Mia"}, {"first name": "Mia"}),
    (set[int], [1, 1], [1, 1]),
    (complex, "1j", "1j"),
]


@pytest.mark.parametrize(("hint", "value", "expected"), FITTING, ids=str)
def test_value_becomes_what_the_annotation_says(hint: object, value: JsonValue, expected: object) -> None:
    """What fits is converted, all the way down; what an unknown annotation says is not looked at."""
    converted = convert(value, hint, "payload")

    assert (expected, type(expected)) == (converted, type(converted))


DEEP: JsonValue = None
for _ in range(300):
    DEEP = {"name": "a", "below": [DEEP] if DEEP else []}

WRONG: list[tuple[object, JsonValue, str]] = [
    (int, True, "payload must be a whole number, not true"),
    (int, 1.5, "payload must be a whole number, not 1.5"),
    (int, "3", 'payload must be a whole number, not "3"'),
    (float, False, "payload must be a number, not false"),
    (float, 10**400, "payload is too large for a number with a fraction"),
    (bool, 1, "payload must be true or false, not 1"),
    (str, None, "payload must be text, not null"),
    (None, 0, "payload must be null, not 0"),
    (str, ["a"], "payload must be text, not a list"),
    (int, "x" * 100, "payload must be a whole number, not a text of 100 characters"),
    (Literal["a", "b"], "c", 'payload must be one of "a", "b", not "c"'),
    (Literal[1], True, "payload must be 1, not true"),
    (Colour, "green", 'payload must be one of "red", "blue", not "green"'),
    (Colour, ["red"], 'payload must be one of "red", "blue", not a list'),
    (datetime, "yesterday", 'payload must be a date and time (ISO 8601), not "yesterday"'),
    (date, 3, "payload must be a date (ISO 8601), not 3"),
    (UUID, "7", 'payload must be a UUID, not "7"'),
    (list[int], {"a": 1}, "payload must be a list, not an object"),
    (list[int], [1, None], "payload[1] must be a whole number, not null"),
    (tuple[int, int], [1], "payload must be a list of 2, not of 1"),
    (tuple[int, ...], "ab", 'payload must be a list, not "ab"'),
    (dict[str, int], [], "payload must be an object, not a list"),
    (dict[str, int], {"a b": "c"}, 'payload["a b"] must be a whole number, not "c"'),
    (dict[Colour, int], {"a": 1}, 'payload.a must be one of "red", "blue", not "a"'),
    (int | None, "3", 'payload must be a whole number or null, not "3"'),
    (Point | str, 3, "payload must be an object (Point) or text, not 3"),
    (Point | None, {"x": "1"}, 'payload.x must be a whole number, not "1"'),
    (Photo | Point, {"z": 1}, "payload must be an object (Photo) or an object (Point), not an object"),
    (Point, [], "payload must be an object (Point), not a list"),
    (Point, {"y": 1}, "payload.x is missing, it must be a whole number"),
    (Point, {"x": 1, "z": 1}, "payload.z is no field of Point; its fields: x, y"),
    (
        Shape,
        {"x": 1, "colour": "red", "holes": [{"x": 1}, {}]},
        "payload.holes[1].x is missing, it must be a whole number",
    ),
    (Positive, {"value": 0}, "payload is not valid: Positive raises ValueError: 0 is not positive"),
    (Photo, {"taken": "2026-11-01"}, "payload.album is missing, it must be text"),
    (LargePhoto, {"album": "a", "taken": 1}, "payload.taken must be a date (ISO 8601), not 1"),
    (Owner, {}, 'payload["first name"] is missing, it must be text'),
    (Tree, DEEP, "payload.below[0].below is nested more than 200 deep"),
]


@pytest.mark.parametrize(("hint", "value", "message"), WRONG, ids=range(len(WRONG)))
def test_what_does_not_fit_is_named_with_its_place(hint: object, value: JsonValue, message: str) -> None:
    """The error says where, what belongs there, and what is there."""
    with pytest.raises(NotOfType) as refused:
        convert(value, hint, "payload")

    assert message == str(refused.value)


def test_typed_dict_of_typing_extensions_is_one_too() -> None:
    """Users of older Pythons take TypedDict from there."""
    with pytest.raises(NotOfType, match=r"payload\.width must be a whole number"):
        convert({"width": "1"}, Thumbnail, "payload")


def test_payload_may_come_from_any_json_writer() -> None:
    """Whether a number has a fraction is the business of the annotation, not of who wrote the JSON."""
    points = [convert(json.loads(text), Point, "payload") for text in ('{"x":1.0,"y":2}', '{"x":1,"y":2.0}')]

    assert [Point(1, 2.0)] * 2 == points
