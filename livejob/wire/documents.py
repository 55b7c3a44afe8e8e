"""Documents: a payload or a result as the one JSON text that travels.

Python's own `json` lets through what JSON has not (NaN) and changes what it takes (a key 1 becomes "1").
Here such a value is refused, with its place in the document. Used by the caller for payloads and by the
runner for results; knows nothing of size limits, which differ by the way a document travels.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from uuid import UUID

from livejob.wire.models import model_value

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

DEPTH_MAX = 200
"""Deeper nesting is taken for a value that contains itself."""

Place = tuple[str | int, ...]


class NotJson(Exception):
    """A value that a document cannot hold. `place` is like `payload.items[3].when`."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} {reason}")
        self.place = place
        self.reason = reason


def encode_document(value: object, name: str) -> bytes:
    """`value` as UTF-8 JSON, characters beyond ASCII as they are.

    Takes JSON's own types, tuples, mappings with text keys, dataclasses, enums (as their values), datetime,
    date (ISO 8601) and UUID as text, models of pydantic and msgspec, all nested as one likes.

    Raises:
        NotJson: anything else; `name` ("payload", "result") begins the place.
    """
    plain = to_json_value(value, name)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def to_json_value(value: object, name: str) -> JsonValue:
    """`value` made of JSON's own types only.

    Raises:
        NotJson: as `encode_document`.
    """
    return _plain(value, (name,))


def _plain(value: object, place: Place) -> JsonValue:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, float):
        return _number(value, place)
    if len(place) > DEPTH_MAX:
        raise NotJson(
            shown_place(place[:4]) + "...", f"is nested more than {DEPTH_MAX} deep, or contains itself"
        )
    if isinstance(value, Mapping):
        return {_key(key, place): _plain(each, (*place, key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, (*place, index)) for index, each in enumerate(value)]
    return _of_object(value, place)


def _text(value: str, place: Place) -> str:
    if not value.isascii():
        try:
            # In a hundredth of the time that a look at each character takes.
            value.encode()
        except UnicodeEncodeError as error:
            reason = "holds half of a surrogate pair, which UTF-8 does not have"
            raise NotJson(shown_place(place), reason) from error
    return value


def _number(value: float, place: Place) -> float:
    if not math.isfinite(value):
        raise NotJson(shown_place(place), f"is {value!r}, which JSON does not have")
    return value


def _key(key: object, place: Place) -> str:
    if not isinstance(key, str):
        raise NotJson(shown_place(place), f"has the key {key!r}: JSON has text keys only")
    return _text(key, place)


def _of_object(value: object, place: Place) -> JsonValue:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: _plain(getattr(value, each.name), (*place, each.name)) for each in fields}
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    plain = value.value if isinstance(value, Enum) else model_value(value)
    if plain is not value:
        return _plain(plain, place)
    raise NotJson(shown_place(place), f"is of type {type(value).__name__}, which JSON does not have")


def shown_place(place: Place) -> str:
    """As it stands in messages: `("payload", "items", 3, "a b")` -> `payload.items[3]["a b"]`."""
    shown = str(place[0])
    for part in place[1:]:
        shown += f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{json.dumps(part)}]"
    return shown
