"""Docker's stream format, taken apart."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.local_runner.engines.docker_stream import Demultiplexer, Stream, StreamError

FRAMES = st.lists(st.tuples(st.sampled_from(Stream), st.binary(max_size=300)))


def encoded(frames: list[tuple[Stream, bytes]]) -> bytes:
    return b"".join(struct.pack(">B3xI", stream, len(payload)) + payload for stream, payload in frames)


def said_on(stream: Stream, pieces: list[tuple[Stream, bytes]]) -> bytes:
    return b"".join(payload for each, payload in pieces if each is stream)


@given(FRAMES, st.lists(st.integers(min_value=1, max_value=40)))
def test_streams_come_apart_however_the_bytes_are_cut(frames: list[tuple[Stream, bytes]], cuts: list[int]):
    """Each stream's payload is whole and in order, wherever the connection cut the bytes."""
    data = encoded(frames)
    demultiplexer = Demultiplexer()
    pieces: list[tuple[Stream, bytes]] = []

    for length in [*cuts, len(data)]:
        pieces += demultiplexer.feed(data[:length])
        data = data[length:]

    assert {each: said_on(each, frames) for each in Stream} == {
        each: said_on(each, pieces) for each in Stream
    }


def test_payload_is_given_before_its_frame_is_whole():
    """A large frame's first bytes do not wait for its last."""
    demultiplexer = Demultiplexer()

    pieces = list(demultiplexer.feed(encoded([(Stream.STDOUT, b"x" * 100)])[:18]))

    assert [(Stream.STDOUT, b"x" * 10)] == pieces


@given(st.integers(min_value=3, max_value=255))
def test_an_unknown_stream_is_refused(number: int):
    """Bytes that are no stream of a container's end in an error, not in output."""
    with pytest.raises(StreamError, match=str(number)):
        list(Demultiplexer().feed(struct.pack(">B3xI", number, 1) + b"x"))
