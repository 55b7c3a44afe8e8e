"""A failure within the limits of a record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livejob.wire.limits import MESSAGE_CHARS, TRACE_CHARS
from livejob.wire.outcome import Failure

ANY_TEXT = st.text(st.characters(codec=None), max_size=50)


def test_a_failure_is_cut_where_it_matters_least():
    """A message keeps its beginning, a trace its end."""
    failure = Failure("E" * 300, "m" * MESSAGE_CHARS + "rest", "begin" + "t" * TRACE_CHARS, "r" * 9999)

    clipped = failure.clipped()

    assert Failure("E" * 200, "m" * MESSAGE_CHARS, "t" * TRACE_CHARS, "r" * MESSAGE_CHARS) == clipped


@given(st.builds(Failure, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT))
def test_a_clipped_failure_can_be_written(failure: Failure):
    """Whatever Python takes for text can be recorded, and clipping again changes nothing."""
    clipped = failure.clipped()

    for text in clipped.to_json().values():
        text.encode()
    assert clipped == clipped.clipped()
    assert clipped == Failure.from_json(clipped.to_json())


def test_what_is_missing_is_empty():
    """A failure reads back from whatever fields there are."""
    assert Failure("ValueError", "", "", "") == Failure.from_json({"type": "ValueError", "mood": "bad"})
