"""Issue "nothing that hangs", B7: what is no HTTP is answered with 400 at once, on a real socket."""

from __future__ import annotations

import logging
import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.serving.wsgi_server import WSGIServer

TIMEOUT = 9  # less than the server waits for a request that goes on
LIST = b"/crm/v3/objects/contacts"
GET = b"GET /_simulator/health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /oauth/v1/token HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Simulator()) as server:
        yield server


def everything(sock: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while some := sock.recv(65536):
            received += some
    return received


def statuses(server: SimulatorServer, *parts: bytes, end: bool = False) -> list[int]:
    """Send, and return the statuses of all answers until the server closes. ``end``: no more bytes are to come."""
    with socket.create_connection((server.host, server.port), TIMEOUT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):  # it may have been refused half-way
            for part in parts:
                sock.sendall(part)
            if end:
                sock.shutdown(socket.SHUT_WR)
        answers = everything(sock)
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z][^{}\r\n]*\r\n", answers)]


MALFORMED = {
    "chunk size of 16 digits": CHUNKED + b"ffffffffffffffff\r\n",
    "chunk size of 17 digits": CHUNKED + b"00000000000000005\r\n",
    "chunk size of many digits": CHUNKED + b"f" * 10_000,
    "chunk size that is none": CHUNKED + b"zz",
    "chunk size negative": CHUNKED + b"-5\r\n",
    "chunk size with a sign": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size with underscore": CHUNKED + b"1_0\r\n",
    "chunk size behind a space": CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "chunk size missing": CHUNKED + b"\r\n",
    "chunk with a bare line feed": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"5\r\nhello!\r\n",
    "chunk shorter than its size": CHUNKED + b"5\r\nhell\r\n0\r\n\r\n",
    "chunk extension with control characters": CHUNKED + b"5;a=\x00\r\nhello\r\n",
    "chunk extension without an end": CHUNKED + b"5;" + b"a" * 10_000,
    "trailer without a colon": CHUNKED + b"0\r\ntrailer\r\n",
    "trailer folded": CHUNKED + b"0\r\n folded: 1\r\n",
    "trailers without an end": CHUNKED + b"0\r\n" + b"A: b\r\n" * 20_000,
    "first header folded": b"GET / HTTP/1.1\r\n Host: x\r\n",
    "first header folded by a tab": b"GET / HTTP/1.1\r\n\tHost: x\r\n",
    "later header folded": GET + b"A: b\r\n c\r\n",
    "length negative": POST + b"Content-Length: -1\r\n\r\n",
    "length with a sign": POST + b"Content-Length: +1\r\n\r\n",
    "length with underscore": POST + b"Content-Length: 1_0\r\n\r\n",
    "length in hexadecimal": POST + b"Content-Length: 0x10\r\n\r\n",
    "length fractional": POST + b"Content-Length: 1.5\r\n\r\n",
    "length empty": POST + b"Content-Length:\r\n\r\n",
    "length of other digits": POST + "Content-Length: ٣\r\n\r\n".encode(),
    "length of ten thousand digits": POST + b"Content-Length: " + b"1" * 10_000 + b"\r\n\r\n",
    "two different lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "two different lengths in one": POST + b"Content-Length: 1, 2\r\n\r\n",
    "two equal lengths": POST + b"Content-Length: 1\r\ncontent-length: 1\r\n\r\nx",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks and length": POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "coding twice in one": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "coding not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
    "coding without chunks": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "coding identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "coding empty": POST + b"Transfer-Encoding:\r\n\r\n",
    "coding misspelt": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "coding behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    "coding in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two hosts": GET + b"Host: x\r\n\r\n",
    "two other hosts": GET + b"host: y\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "space before the colon": GET + b"A : b\r\n",
    "name empty": GET + b": b\r\n",
    "name with a space": GET + b"A B: c\r\n",
    "name not ASCII": GET + b"\xc3\xa9: b\r\n",
    "no colon": GET + b"A\r\n",
    "null in a value": GET + b"A: b\x00c\r\n",
    "null in a line that has no end": GET + b"A: b\x00",
    "carriage return in a value": GET + b"A: b\rC: d\r\n",
    "escape in a value": GET + b"A: \x1b[31m\r\n",
    "bare carriage returns": b"GET / HTTP/1.1\rHost: x\r\r",
    "a bare carriage return later": GET + b"A: b\rC: d\r\r",
    "a bare carriage return in a trailer": CHUNKED + b"0\r\nA: b\r\r",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "a bare line feed later": GET + b"A: b\n",
    "request line of one word": b"GET\r\n",
    "request line of two words": b"GET /\r\n",
    "request line of four words": b"GET / / HTTP/1.1\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n",
    "tab for space": b"GET\t/ HTTP/1.1\r\n",
    "space in front": b" GET / HTTP/1.1\r\n",
    "space behind": b"GET / HTTP/1.1 \r\n",
    "protocol in lower case": b"GET / http/1.1\r\n",
    "protocol of something else": b"GET / RTSP/1.0\r\n",
    "version of words": b"GET / HTTP/one\r\n",
    "version of three": b"GET / HTTP/1.1.1\r\n",
    "version with a sign": b"GET / HTTP/+1.1\r\n",
    "method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method not ASCII": b"G\xc3\x8bT / HTTP/1.1\r\n",
    "path without a slash": b"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
    "path with a null": b"GET /\x00 HTTP/1.1\r\n",
    "path with an escape": b"GET /\x1b[31m HTTP/1.1\r\n",
    "path with a fragment": b"GET /#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "path that is no URL": b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS client": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "binary": b"\x00\x01\x02\x03",
    "blank lines": b"\r\n\r\n\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=list(MALFORMED))
def test_b7_malformed_http_gets_400_at_once(server: SimulatorServer, request_: bytes) -> None:
    assert statuses(server, request_) == [400]  # though the client would go on
    assert statuses(server, GET + b"Connection: close\r\n\r\n") == [200]


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=list(MALFORMED))
def test_b7_what_comes_byte_by_byte_is_read_alike(server: SimulatorServer, request_: bytes) -> None:
    if len(request_) > 300:
        pytest.skip("long")
    assert statuses(server, *(bytes([byte]) for byte in request_)) == [400]


SOUND = {
    "HTTP/1.0 without Host": b"GET /_simulator/health HTTP/1.0\r\n\r\n",
    "Host without a value": b"GET /_simulator/health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "a blank line in front": b"\r\n" + GET + b"Connection: close\r\n\r\n",
    "values not ASCII": GET + b"A: \xff\xfe\r\nConnection: close\r\n\r\n",
    "a tab in a value": GET + b"A:\tb\tc\r\nConnection: close\r\n\r\n",
    "chunks with extensions and trailers": GET
    + b"transfer-encoding:  Chunked \r\nConnection: close\r\n\r\n5;a=b;c\r\nhello\r\n000 \r\nA: b\r\n\r\n",
    "a length with zeros": GET + b"Content-Length: 0005\r\nConnection: close\r\n\r\nhello",
}


@pytest.mark.parametrize("request_", SOUND.values(), ids=list(SOUND))
@pytest.mark.parametrize("slowly", [False, True])
def test_b7_what_is_odd_but_right_is_served(server: SimulatorServer, request_: bytes, slowly: bool) -> None:
    parts = [bytes([byte]) for byte in request_] if slowly else [request_]
    assert statuses(server, *parts) == [200]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 1000000000000\r\n\r\n",
        b"Content-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n",
        b"Content-Length: 99999999999999999999999999\r\n\r\nsome",
        b"Content-Length: 10485761\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\ne8d4a51000\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfffffff\r\n",
    ],
)
def test_b7_a_terabyte_announced_gets_413_at_once(server: SimulatorServer, framing: bytes) -> None:
    assert statuses(server, POST + framing) == [413]
    exchange = server.simulator.journal.exchanges[-1]
    assert (exchange.status, exchange.path) == (413, "/oauth/v1/token")
    assert exchange.why.startswith("the body is larger than 10485760 bytes")


def test_b7_nothing_is_smuggled_behind_a_refused_request(server: SimulatorServer) -> None:
    count = server.simulator.store.exchange_count
    inner = b"POST /_simulator/reset HTTP/1.1\r\nHost: x\r\n\r\n"
    for framing in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Content-Length: 1000000000000\r\n\r\n",
    ):
        assert statuses(server, POST + framing + inner) in ([400], [413])
    assert server.simulator.store.exchange_count == count + 1  # the last one, refused by the simulator itself


def test_b7_expect_100_continue_is_answered_before_the_body(server: SimulatorServer) -> None:
    with socket.create_connection((server.host, server.port), TIMEOUT) as sock:
        sock.sendall(POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert everything(sock).startswith(b"HTTP/1.1 4")


# Random

SEEDS = [
    GET + b"Connection: close\r\n\r\n",
    b"GET " + LIST + b"?limit=1 HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n",
    POST
    + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\ngrant_type=authorization_code",
    CHUNKED + b"5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nA: b\r\n\r\n",
    b"PATCH "
    + LIST
    + b"/1 HTTP/1.1\r\nHost: localhost:80\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    + GET
    + b"\r\n",
]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"\x00",
        b"\xff",
        b"\x1b",
        b"0",
        b"-1",
        b"ffff",
        b"\r\n\r\n",
    ),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: keep-alive\r\n", b"HTTP/1.1", b"HTTP/2.0", b"//[", b"%00", b"?", b"#", b"[", b"*", b"\xe2\x80\xa6"),
]


def mutated(chance: random.Random) -> bytes:
    """Return a request with one to four changes."""
    request = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(request) + 1)
        end = min(len(request), at + chance.choice([0, 0, 1, 1, 2, 20]))
        if chance.random() < 0.8:
            request[at:end] = chance.choice(PIECES)
        else:
            request[at:end] = request[chance.randrange(len(request) + 1) :][:30]
    return bytes(request)


@pytest.mark.parametrize("seed", range(10))
def test_b7_no_mutation_of_a_request_fails_or_waits(
    server: SimulatorServer, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        request = mutated(chance)
        found = statuses(server, request, end=True)
        assert found or not request.strip(b"\r\n"), request
        assert not {status for status in found if status >= 500} - {501, 505}, request
        cut = chance.randrange(len(request) + 1)
        assert statuses(server, request[:cut], request[cut:], end=True) == found, request
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert statuses(server, GET + b"Connection: close\r\n\r\n") == [200]


def test_b7_the_deadline_is_longer_than_these_tests_wait() -> None:
    assert WSGIServer.timeout > TIMEOUT  # or a wait would pass for an answer at once
