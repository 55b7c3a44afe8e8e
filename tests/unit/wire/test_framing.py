"""Frames: whatever the stream's pieces are, the same frames come out; what is no frame is an error."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.wire.framing import FrameError, FrameReader, Head, encode_frame
from livejob.wire.limits import FRAME_BYTES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
HEADS = st.dictionaries(st.text(), JSON, max_size=4)
FRAMES = st.lists(st.tuples(HEADS, st.binary(max_size=200)), max_size=5)


def read(pieces: list[bytes]) -> list[tuple[Head, bytes]]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def cut_into_pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


@given(FRAMES, st.lists(st.integers(0), max_size=8))
def test_frames_survive_any_cutting(frames: list[tuple[Head, bytes]], cuts: list[int]):
    """Frames come out as they went in, however the stream was cut on the way."""
    stream = b"".join(encode_frame(head, body) for head, body in frames)

    assert frames == read(cut_into_pieces(stream, cuts))


@given(HEADS, st.binary(max_size=50), st.integers(1))
def test_a_frame_cut_off_stays_pending(head: Head, body: bytes, missing: int):
    """A frame that does not come whole is not given, and its bytes are counted."""
    frame = encode_frame(head, body)
    part = frame[: len(frame) - 1 - missing % len(frame)]
    reader = FrameReader()

    assert [] == list(reader.feed(part))
    assert len(part) == reader.pending_bytes


@given(st.binary(max_size=300))
def test_noise_gives_frames_or_an_error(noise: bytes):
    """Bytes that nobody framed are frames, unfinished, or a FrameError: never another error."""
    reader = FrameReader()

    try:
        for head, body in reader.feed(noise):
            assert isinstance(head, dict)
            assert isinstance(body, bytes)
    except FrameError:
        pass


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (struct.pack(">II", FRAME_BYTES + 1, 2), "impossible lengths"),
        (struct.pack(">II", 5, 2) + b"{}", "impossible lengths"),
        (struct.pack(">II", 3, 0), "impossible lengths"),
        (struct.pack(">II", 6, 2) + b"{[", "not JSON"),
        (struct.pack(">II", 6, 2) + b"\xff\xff", "not JSON"),
        (struct.pack(">II", 6, 2) + b"[]", "no object"),
    ],
)
def test_what_is_no_frame(stream: bytes, why: str):
    """Impossible lengths and heads that are no JSON object end the channel."""
    with pytest.raises(FrameError, match=why):
        read([stream])


def test_a_head_that_is_nested_too_deep():
    """A head on which the JSON parser gives up is a FrameError like every other."""
    depth = 200_000
    head = b"[" * depth

    with pytest.raises(FrameError, match="not JSON"):
        read([struct.pack(">II", 4 + depth, depth) + head])


def test_the_largest_frame_passes():
    """A frame of exactly FRAME_BYTES is a frame, one byte more is refused by the sender."""
    body = bytes(FRAME_BYTES - 4 - len(b"{}"))

    [(head, received)] = read([encode_frame({}, body)])

    assert {} == head
    assert len(body) == len(received)
    with pytest.raises(FrameError, match="more than"):
        encode_frame({}, body + b"x")
