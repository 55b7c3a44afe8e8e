"""Messages of the Debug Adapter Protocol on a stream of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livejob.local_runner.debug.dap import MESSAGE_BYTES, DapError, DapReader, encode

EVENT = {"type": "event", "event": "stopped", "body": {"text": "größer"}}


@given(st.integers(1, 40))
def test_messages_arrive_whole_however_they_are_cut(piece_bytes: int) -> None:
    """A reader gives each message once, wherever the stream was cut."""
    stream = encode(EVENT) + encode({"type": "request", "seq": 1})
    reader = DapReader()

    pieces = [stream[at : at + piece_bytes] for at in range(0, len(stream), piece_bytes)]
    messages = [message for piece in pieces for message in reader.feed(piece)]

    assert [EVENT, {"type": "request", "seq": 1}] == messages


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 5\r\n\r\n{nope",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: %d\r\n\r\n" % (MESSAGE_BYTES + 1),
        b"Content-Length: 20\r\n\r\n" + b'{"type": "greeting"}',
        b"Content-Length: 1" + b"0" * 2000,
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """A browser's request, JSON of another form and impossible lengths end the connection."""
    with pytest.raises(DapError):
        list(DapReader().feed(data))


def test_a_header_may_have_more_fields() -> None:
    """Fields after the length are passed over."""
    body = b'{"type": "event"}'
    data = b"content-length: %d\r\nContent-Type: x\r\n\r\n%b" % (len(body), body)

    assert [{"type": "event"}] == list(DapReader().feed(data))
