"""Where requests end, however their bytes are cut into packets."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from cheroot.server import ChunkedRFile
from hypothesis import given
from hypothesis import strategies as st

from hubspot_simulator.serving.wsgi_framing import Chunks, Head, Length, Malformed, TooLarge, check_fields

NEXT = b"GET /next HTTP/1.1\r\n"


def packets(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.lists(st.integers(0, 10_000), max_size=8))
def test_chunks_are_taken_whole_and_what_follows_is_left(parts: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in parts) + b"000\r\nA: b\r\n\r\n"
    body, data, taken = Chunks(1000), bytearray(), []
    for packet in packets(wire, cuts):
        data += packet
        taken.append(body.take(data))
    assert taken[:-1] == [None] * (len(taken) - 1)
    assert taken[-1] is not None
    assert ChunkedRFile(io.BytesIO(taken[-1]), 0).read() == b"".join(parts)
    assert data == b""


def test_the_next_request_is_left() -> None:
    for body, wire in ((Chunks(9), b"3\r\nabc\r\n0\r\n\r\n"), (Length(3), b"abc")):
        data = bytearray(wire + NEXT)
        assert body.take(data) is not None
        assert data == NEXT


def test_a_body_cut_short_is_not_taken_for_a_whole_one() -> None:
    body, data = Chunks(9), bytearray(b"3\r\nabc\r\n2\r\nd")
    assert body.take(data) is None
    with pytest.raises(ValueError, match="Bad chunked"):
        ChunkedRFile(io.BytesIO(body.rest(data)), 0).read()


def test_more_than_the_limit_is_too_large_as_soon_as_it_is_announced() -> None:
    with pytest.raises(TooLarge) as raised:
        Chunks(9).take(bytearray(b"5\r\nabcde\r\n5\r\n"))
    assert raised.value.size == 10


def test_a_body_that_is_mostly_sizes_is_too_large() -> None:
    body, chunk = Chunks(100_000), b"1;" + b"x" * 1000 + b"\r\na\r\n"
    for _ in range(800):
        assert body.take(bytearray(chunk)) is None
    with pytest.raises(TooLarge):
        body.take(bytearray(chunk * 200))


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_a_head_ends_at_its_empty_line(cuts: list[int]) -> None:
    wire = b"GET /a?b HTTP/1.1\r\nHost: x\r\nA:\r\nB: c\td\xff\r\n\r\n"
    head, data, found = Head(), bytearray(), []
    for packet in packets(wire, cuts):
        data += packet
        found.append(head.end(data))
    assert found == [None] * (len(found) - 1) + [len(wire)]


@pytest.mark.parametrize(
    "fields", [b"Host: x\r\nHost: x\r\n", b"", b"Host: x\r\nContent-Length: " + b" " * 60_000 + b"x\r\n"]
)
def test_what_leaves_the_framing_open_is_malformed(fields: bytes) -> None:
    with pytest.raises(Malformed):
        check_fields(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
