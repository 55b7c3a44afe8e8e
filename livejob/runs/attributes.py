"""Values as DynamoDB attributes and back: text, whole numbers, bytes, truth, lists and maps of them.

boto3's own serializer makes Decimal of numbers and wrappers of bytes, and needs a resource's worth of
imports; a record holds none of what it adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Value = str | int | bytes | Sequence["Value"] | Mapping[str, "Value"]
Attribute = Mapping[str, Any]
"""`{type letter: value}`; typed no closer because boto3's stubs have two incompatible types for it."""

Item = dict[str, Attribute]


def to_attribute(value: Value) -> Attribute:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": to_item(value)}
        case _:
            return {"L": [to_attribute(each) for each in value]}


def to_item(values: Mapping[str, Value | None]) -> Item:
    """The map as an item; what is None is left out."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_attribute(attribute: Attribute) -> Any:
    """The value: `Any`, because it is what the writer wrote; `records` gives it its type."""
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "M":
            return from_item(value)
        case "L":
            return [from_attribute(each) for each in value]
        case _:
            return value


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    return {name: from_attribute(attribute) for name, attribute in item.items()}
