"""Values as DynamoDB attributes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.runs.attributes import from_attribute, to_attribute, to_item

VALUES = st.recursive(
    st.booleans() | st.text() | st.integers(-(10**37), 10**37) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_values_come_back_as_they_were(value):
    """Whatever is stored is read as the same value of the same type."""
    read = from_attribute(to_attribute(value))

    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("a", {"S": "a"}),
        (7, {"N": "7"}),
        (True, {"BOOL": True}),
        (b"\x00", {"B": b"\x00"}),
        ([1, "a"], {"L": [{"N": "1"}, {"S": "a"}]}),
        ({"a": 1}, {"M": {"a": {"N": "1"}}}),
    ],
)
def test_the_letters_of_the_types(value, attribute):
    """Each type of value has its letter; a truth is not a number."""
    assert attribute == to_attribute(value)


def test_none_is_left_out():
    """What is not there is not stored."""
    assert {"a": {"N": "0"}} == to_item({"a": 0, "b": None})
