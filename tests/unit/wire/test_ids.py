"""Ids of runs and sessions."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.wire.ids import RANDOM_BYTES, is_run_id, new_run_id, new_session_id

TIMES = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_a_run_id_of_a_known_time():
    """The id of a known time and known random bytes is known: RFC 9562's example, Appendix A.6."""
    random = (0x0CC3).to_bytes(2, "big") + (0x18C4DC0C0C07398F).to_bytes(8, "big")

    assert "run_017f22e279b07cc398c4dc0c0c07398f" == new_run_id(0x017F22E279B0, random)


@given(TIMES, RANDOM)
def test_ids_are_uuids_of_version_7(now_ms: int, random: bytes):
    """Every id is a UUID of version 7 and RFC variant, with its time in front."""
    run_id = new_run_id(now_ms, random)
    parsed = uuid.UUID(run_id.removeprefix("run_"))

    assert 7 == parsed.version
    assert uuid.RFC_4122 == parsed.variant
    assert now_ms == parsed.int >> 80
    assert is_run_id(run_id)


@given(st.tuples(TIMES, TIMES).filter(lambda times: times[0] != times[1]), RANDOM, RANDOM)
def test_ids_sort_by_time(times: tuple[int, int], random: bytes, other: bytes):
    """Ids made at different times sort like their times."""
    earlier, later = sorted(times)

    assert new_run_id(earlier, random) < new_run_id(later, other)
    assert new_session_id(earlier, random) < new_session_id(later, other)


@pytest.mark.parametrize("size", [0, RANDOM_BYTES - 1, RANDOM_BYTES + 1])
def test_the_amount_of_randomness_is_fixed(size: int):
    """Too little randomness is refused, and so is too much."""
    with pytest.raises(ValueError, match=f"{RANDOM_BYTES} random bytes, not {size}"):
        new_run_id(0, bytes(size))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "run_",
        "run_" + "0" * 31,
        "run_" + "0" * 33,
        "run_" + "A" * 32,
        "ses_" + "0" * 32,
        "run_" + "0" * 32 + "\n",
    ],
)
def test_what_is_no_run_id(text: str):
    """Texts that only look like a run id are none."""
    assert not is_run_id(text)
