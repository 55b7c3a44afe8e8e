"""Models of pydantic and msgspec as payloads and results: their own rules hold."""

import json
from dataclasses import dataclass
from datetime import date

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from livejob.wire.documents import encode_document
from livejob.wire.typed import NotOfType, convert


class Point(BaseModel):
    model_config = ConfigDict(strict=True)
    x: int
    day: date


class Order(BaseModel):
    order_id: str = Field(alias="orderId")
    points: list[Point] = []
    weight: float = Field(default=1.0, gt=0)

    @field_validator("order_id")
    @classmethod
    def known(cls, value: str) -> str:
        if value == "0":
            raise ValueError("there is no such order")
        return value


class Struct(msgspec.Struct):
    x: int
    day: date


@dataclass
class Batch:
    orders: tuple[Order, ...]
    structs: dict[str, Struct]


BATCH = Batch(
    (Order(orderId="7", points=[Point(x=1, day=date(2026, 11, 1))]),), {"a": Struct(1, date(2026, 11, 1))}
)


def test_models_come_back_as_they_went() -> None:
    """Models within dataclasses travel by their aliases; a strict model takes a date from its text."""
    document = encode_document(BATCH, "payload")

    back = convert(json.loads(document), Batch, "payload")

    assert BATCH == back
    assert "7" == json.loads(document)["orders"][0]["orderId"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orderId": 7}, "payload.orders[0].orderId is not valid: Input should be a valid string"),
        ({"orderId": "0"}, "payload.orders[0].orderId is not valid: Value error, there is no such order"),
        (
            {"weight": -1, "points": [{"x": "1", "day": "2026-11-01"}]},
            "payload.orders[0].points[0].x is not valid: Input should be a valid integer (and 1 more)",
        ),
    ],
)
def test_what_pydantic_refuses_is_named_with_its_place(change: dict[str, object], message: str) -> None:
    """pydantic's own words, at the place in the whole payload."""
    order = {"orderId": "7", **change}

    with pytest.raises(NotOfType) as refused:
        convert({"orders": [order], "structs": {}}, Batch, "payload")  # type: ignore[dict-item]

    assert message == str(refused.value)


def test_what_msgspec_refuses_is_told() -> None:
    """msgspec's own words, which have the place within its struct."""
    with pytest.raises(NotOfType) as refused:
        convert({"orders": [], "structs": {"a": {"x": "1", "day": "2026-11-01"}}}, Batch, "payload")

    message = "payload.structs.a is not valid: ValidationError: Expected `int`, got `str` - at `$.x`"
    assert message == str(refused.value)
