"""Clients that are slow, on purpose or not, and systems that have no more to give: the others are served.

Issue "nothing that hangs", B2 and B3. More connections than workers (128) hold up a server that spends one on each.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
import trustme

from hubspot_simulator.serving import wsgi_connection, wsgi_server, wsgi_watcher
from hubspot_simulator.serving.wsgi_server import WSGIServer

MANY = 140
TIMEOUT = 8  # less than the time after which a server cuts what stands still
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
LARGE = 8_000_000  # more than the buffers of two sockets take


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    answer = bytes(LARGE) if environ["PATH_INFO"] == "/large" else b"%d" % len(body)
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The context of a server and that of its clients."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Many:
    """Connections that all send the same, and perhaps go on byte by byte."""

    def __init__(self, port: int, data: bytes, context: ssl.SSLContext | None, count: int = MANY) -> None:
        self.sockets = []
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port), TIMEOUT)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
            sock.sendall(data)
            self.sockets.append(sock)
        self._over = threading.Event()
        self._dripping: threading.Thread | None = None

    def drip(self, byte: bytes) -> None:
        self._dripping = threading.Thread(target=self._drip, args=(byte,))
        self._dripping.start()

    def _drip(self, byte: bytes) -> None:
        while not self._over.wait(0.2):
            for sock in self.sockets:
                with suppress(OSError):
                    sock.send(byte)

    def close(self) -> None:
        self._over.set()
        if self._dripping is not None:
            self._dripping.join()
        for sock in self.sockets:
            sock.close()


def client_of(server: WSGIServer, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    if context is None:
        return http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
    return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=TIMEOUT, context=context)


def settle(server: WSGIServer) -> None:
    """Wait until no worker has a connection."""
    while server.busy or server._watcher._parked:
        threading.Event().wait(0.01)


def post(client: http.client.HTTPConnection, body: Any = b"hello", **headers: str) -> bytes:
    client.request("POST", "/", body, headers)
    answer = client.getresponse()
    assert answer.status == 200
    return answer.read()


SLOW = {
    "one byte": (b"P", b"O"),
    "a head without its end": (HEAD + b"A: ", b"b"),
    "a body without its end": (HEAD + b"Content-Length: 1000000\r\n\r\nx", b"x"),
    "a large body without its end": (HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000, b"x"),
    "a large body in chunks without its end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"20000\r\n" + bytes(0x20000) + b"\r\nfffff\r\nx",
        b"x",
    ),
    "a chunk without its end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\nx", b"x"),
    "a chunk size without its end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x"),
    "trailers without an end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: ", b"x"),
    "a body that was asked for": (HEAD + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    "an answer that is not read": (b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", b""),
}


@pytest.mark.parametrize("drips", [False, True], ids=["stalls", "drips"])
@pytest.mark.parametrize("kind", list(SLOW))
def test_b3_slow_clients_hold_nobody_up(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, kind: str, drips: bool
) -> None:
    data, byte = SLOW[kind]
    count = 10 if kind == "an answer that is not read" else MANY  # so much memory is not every machine's
    if count < MANY:
        monkeypatch.setattr(wsgi_server, "_MAX_WORKERS", 8)
    server = stack.enter_context(WSGIServer(echo))
    slow = stack.enter_context(closing(Many(server.port, data, None, count)))
    if drips and byte:
        slow.drip(byte)
    for _ in range(5):
        with closing(client_of(server, None)) as client:
            assert [post(client) for _ in range(3)] == [b"5"] * 3
            assert post(client, iter([b"some ", b"chunks"])) == b"11"
    with closing(client_of(server, None)) as client:
        assert post(client, bytes(1_000_000)) == b"1000000"


@pytest.mark.parametrize("drips", [False, True], ids=["stalls", "drips"])
@pytest.mark.parametrize(
    "kind", ["nothing", "a byte", "a hello without its end", "a hello of nonsense", *list(SLOW)[:3]]
)
def test_b3_slow_tls_clients_hold_nobody_up(
    stack: ExitStack, contexts: tuple[ssl.SSLContext, ssl.SSLContext], kind: str, drips: bool
) -> None:
    before = {"nothing": b"", "a byte": HELLO[:1], "a hello without its end": HELLO, "a hello of nonsense": HELLO * 60}
    data, byte = (before[kind], b"\0") if kind in before else SLOW[kind]
    server = stack.enter_context(WSGIServer(echo, ssl_context=contexts[0]))
    slow = stack.enter_context(closing(Many(server.port, data, None if kind in before else contexts[1])))
    if drips:
        slow.drip(byte)
    for _ in range(3):
        with closing(client_of(server, contexts[1])) as client:
            assert [post(client) for _ in range(3)] == [b"5"] * 3
    with closing(client_of(server, contexts[1])) as client:
        assert post(client, bytes(1_000_000)) == b"1000000"


@pytest.mark.parametrize("kind", [kind for kind in SLOW if kind != "an answer that is not read"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_b3_what_drips_is_cut(
    stack: ExitStack,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    tls: bool,
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.5)
    server = stack.enter_context(WSGIServer(echo, ssl_context=contexts[0] if tls else None))
    data, byte = SLOW[kind]
    slow = stack.enter_context(closing(Many(server.port, data, contexts[1] if tls else None, 1)))
    slow.drip(byte)  # it never stands still
    received = b""
    with suppress(ConnectionError, ssl.SSLError):
        while some := slow.sockets[0].recv(65536):
            received += some
    assert b"HTTP/1.1 408 Request Timeout\r\n" in received


def test_b3_a_body_may_be_slower_than_the_timeout(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 3)
    server = stack.enter_context(WSGIServer(echo))

    def slowly() -> Iterator[bytes]:
        for _ in range(8):
            threading.Event().wait(0.5)
            yield b"12345"

    with closing(client_of(server, None)) as client:
        assert post(client, slowly()) == b"40"


def test_b3_a_handshake_that_drips_is_cut(
    stack: ExitStack, contexts: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.5)
    server = stack.enter_context(WSGIServer(echo, ssl_context=contexts[0]))
    slow = stack.enter_context(closing(Many(server.port, HELLO, None, 1)))
    slow.drip(b"\0")
    with suppress(ConnectionError):
        assert slow.sockets[0].recv(65536) == b""


def test_b3_an_answer_that_nobody_reads_is_cut_and_frees_its_memory(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.2)
    calls = threading.Semaphore(0)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        calls.release()
        return echo(environ, start_response)

    server = stack.enter_context(WSGIServer(app))
    slow = stack.enter_context(closing(Many(server.port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", None, 3)))
    for _ in slow.sockets:
        assert calls.acquire(timeout=TIMEOUT)
    settle(server)
    while server._watcher._connections:
        threading.Event().wait(0.02)
    for sock in slow.sockets:
        received = 0
        with suppress(ConnectionError):
            while some := sock.recv(1_000_000):
                received += len(some)
        assert received < LARGE


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_b3_a_large_answer_arrives_whole_at_a_slow_reader(
    stack: ExitStack, contexts: tuple[ssl.SSLContext, ssl.SSLContext], tls: bool
) -> None:
    server = stack.enter_context(WSGIServer(echo, ssl_context=contexts[0] if tls else None))
    with closing(client_of(server, contexts[1] if tls else None)) as client:
        for _ in range(2):
            client.request("GET", "/large")
            answer = client.getresponse()
            received = 0
            while some := answer.read(200_000):
                received += len(some)
                threading.Event().wait(0.001)
            assert received == LARGE


class TestB3MemoryIsBounded:
    ROOM = 2_000_000

    @pytest.fixture(autouse=True)
    def _little_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wsgi_watcher, "_ROOM", self.ROOM)

    def test_large_bodies_take_turns_and_all_arrive(self, stack: ExitStack) -> None:
        server = stack.enter_context(WSGIServer(echo))
        answers: list[bytes] = []

        def upload(chunked: bool) -> None:
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
                body = bytes(900_000)
                answers.append(post(client, iter([body[:400_000], body[400_000:]]) if chunked else body))

        threads = [threading.Thread(target=upload, args=(number % 4 == 0,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [b"900000"] * 16

    def test_what_is_kept_of_many_has_a_bound(self, stack: ExitStack) -> None:
        server = stack.enter_context(WSGIServer(echo))
        slow = stack.enter_context(closing(Many(server.port, HEAD + b"Content-Length: 900000\r\n\r\n", None, 30)))
        for sock in slow.sockets:
            sock.setblocking(False)
        data = bytes(100_000)
        most = 0
        for _ in range(8):
            for sock in slow.sockets:
                with suppress(BlockingIOError, ConnectionError):
                    sock.send(data)
            with closing(client_of(server, None)) as client:
                assert post(client) == b"5"
            kept = sum(len(conn._in) for conn in list(server._watcher._connections.values()))
            most = max(most, kept)
        assert most <= self.ROOM + 30 * 2 * 65_536

    def test_an_upload_gets_the_room_of_those_that_stand_still(self, stack: ExitStack) -> None:
        server = stack.enter_context(WSGIServer(echo))
        begun = HEAD + b"Content-Length: 900000\r\n\r\n" + bytes(500_000)
        slow = stack.enter_context(closing(Many(server.port, begun, None, 2)))
        slow.drip(b"x")
        with closing(client_of(server, None)) as client:
            assert post(client, bytes(900_000)) == b"900000"


class TestB3NobodyIsCutForWhatTheServerDoes:
    @pytest.fixture
    def taken(self) -> list[Any]:
        """The connections whose requests were whole."""
        return []

    @pytest.fixture
    def watched(self, stack: ExitStack, taken: list[Any]) -> tuple[wsgi_watcher.Watcher, Any, socket.socket]:
        """A watcher that does nothing by itself, and a connection that it has, from both ends."""
        server = WSGIServer(echo)
        server.process_conn = taken.append  # type: ignore[method-assign]
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        watcher = wsgi_watcher.Watcher(server, listener)
        stack.callback(watcher.close)
        client = stack.enter_context(socket.create_connection(listener.getsockname(), TIMEOUT))
        conn = wsgi_connection.ServerConnection(server, *listener.accept())
        stack.callback(conn.close)
        watcher._connections[conn.number] = conn
        return watcher, conn, client

    def come(self, conn: Any, data: bytes, client: socket.socket) -> None:
        client.sendall(data)
        while len(conn.socket.recv(len(data), socket.MSG_PEEK)) < len(data):
            threading.Event().wait(0.001)

    @pytest.mark.parametrize("rest", [b"A: b\r\n\r\n", b""], ids=["has come", "has not"])
    def test_what_came_in_time_counts_though_it_is_read_late(
        self, watched: tuple[wsgi_watcher.Watcher, Any, socket.socket], taken: list[Any], rest: bytes
    ) -> None:
        watcher, conn, client = watched
        self.come(conn, b"GET / HTTP/1.1\r\nHost: x\r\n", client)
        watcher._attend(conn)
        assert conn.stage == "head"
        if rest:
            self.come(conn, rest, client)
        conn.stage_since -= 1000
        watcher._expire()
        assert taken == ([conn] if rest else [])
        assert conn.closing == (not rest)

    def test_waiting_for_room_is_no_standing_still(
        self, watched: tuple[wsgi_watcher.Watcher, Any, socket.socket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watcher, conn, client = watched
        monkeypatch.setattr(wsgi_watcher, "_ROOM", 1)
        watcher._reserved = 1  # by others
        self.come(conn, HEAD + b"Content-Length: 900000\r\n\r\n" + bytes(65_000), client)
        while not conn.bytes_to_reserve:
            client.sendall(bytes(1000))
            watcher._attend(conn)
        conn.stalled_since -= 20  # more than the timeout
        watcher._expire()
        assert not conn.closing
        conn.stage_since -= 1000
        watcher._expire()
        assert conn.closing


def test_b3_pipelined_requests_are_answered_in_their_order(stack: ExitStack) -> None:
    server = stack.enter_context(WSGIServer(echo))
    requests = b"".join(HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(size) for size in range(0, 200_000, 10_000))
    sock = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), TIMEOUT)))
    sender = threading.Thread(target=sock.sendall, args=(requests + HEAD + b"Connection: close\r\n\r\n",))
    sender.start()
    received = b""
    while some := sock.recv(65536):
        received += some
    sender.join()
    found = [int(size) for size in re.findall(rb"\r\n\r\n(\d+)", received)]
    assert found == [*range(0, 200_000, 10_000), 0]


def test_b3_the_address_is_that_of_the_client_plain_and_by_tls(
    stack: ExitStack, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    def whence(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [json.dumps([environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])]).encode()]

    for ours, theirs in ((None, None), contexts):
        server = stack.enter_context(WSGIServer(whence, ssl_context=ours))
        with closing(client_of(server, theirs)) as client:
            answers = [json.loads(post(client)) for _ in range(2)]
            assert answers == [list(client.sock.getsockname())] * 2


def test_b3_stop_waits_for_no_slow_client(stack: ExitStack) -> None:
    threads = set(threading.enumerate())
    server = stack.enter_context(WSGIServer(echo))
    for data, _ in SLOW.values():
        stack.enter_context(closing(Many(server.port, data, None, 2)))
    with closing(client_of(server, None)) as client:
        post(client)
    server.stop()
    assert set(threading.enumerate()) <= threads


# B2: what the system has no more of


SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from hubspot_simulator.cli import main
main(["serve"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of descriptors to set on Windows")
@pytest.mark.parametrize("data", [b"", b"G", b"GET /_simulator/health HTTP/1.1\r\nHost: x\r\n\r\n"], ids=repr)
def test_b2_serve_recovers_when_it_is_out_of_descriptors(data: bytes) -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        found = re.search(rb"at http://([\d.]+):(\d+)", process.stdout.readline())
        assert found
        port = int(found[2])
        with closing(Many(port, data, None, 306)):
            assert get_health(port) == 200  # beside them: the one that is idle for longest makes room
        for _ in range(3):
            assert get_health(port) == 200
    finally:
        process.kill()
        process.communicate(timeout=30)


def get_health(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)) as client:
        client.request("GET", "/_simulator/health")
        return client.getresponse().status


@pytest.mark.parametrize("number", sorted(wsgi_watcher._EXHAUSTED))
def test_b2_a_connection_that_cannot_be_accepted_is_accepted_later(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    failures = iter(range(3))
    monkeypatch.setattr(wsgi_server, "_listen", lambda *where: Exhausted(listen(*where), number, failures))
    server = stack.enter_context(WSGIServer(echo))
    with closing(client_of(server, None)) as client:
        assert post(client) == b"5"
    assert next(failures, None) is None


listen = wsgi_server._listen


class Exhausted:
    """A listener whose first accepts fail."""

    def __init__(self, listener: socket.socket, number: int, failures: Iterator[int]) -> None:
        self._listener, self._number, self._failures = listener, number, failures

    def accept(self) -> tuple[socket.socket, Any]:
        if next(self._failures, None) is not None:
            raise OSError(self._number, "none left")
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


def test_b2_the_connection_that_is_idle_for_longest_makes_room(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_watcher, "_MAX_CONNECTIONS", 10)
    server = stack.enter_context(WSGIServer(echo))
    first = stack.enter_context(closing(client_of(server, None)))
    post(first)
    settle(server)
    busy = stack.enter_context(closing(Many(server.port, b"POST / HT", None, 5)))
    for _ in range(12):
        post(stack.enter_context(closing(client_of(server, None))))
        settle(server)
    assert first.sock is not None
    assert first.sock.recv(1) == b""
    for sock in busy.sockets:
        sock.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_b2_no_more_threads(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = stack.enter_context(WSGIServer(echo))
    with closing(client_of(server, None)) as client:
        assert post(client) == b"5"  # a worker is there
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "hubspot-worker":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    answers: list[bytes] = []

    def call() -> None:
        with closing(client_of(server, None)) as client:
            answers.append(post(client))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"5"] * 8


def test_one_bad_connection_ends_no_other(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The kind of B2: whatever fails for one of the ready connections is the affair of that one."""
    server = stack.enter_context(WSGIServer(echo))
    proceed: Callable[..., bool] = wsgi_connection.ServerConnection.proceed

    def fail(conn: wsgi_connection.ServerConnection) -> bool:
        if bytes(conn._in) == b"BAD":
            raise RuntimeError("a bug")
        return proceed(conn)

    with closing(Many(server.port, b"BAD", None, 5)):
        monkeypatch.setattr(wsgi_connection.ServerConnection, "proceed", fail)
        with closing(Many(server.port, b"x", None, 1)) as more, closing(client_of(server, None)) as client:
            assert post(client) == b"5"
            more.sockets[0].sendall(b"y")
            assert post(client) == b"5"
    assert post_once(server) == b"5"


def post_once(server: WSGIServer) -> bytes:
    with closing(client_of(server, None)) as client:
        return post(client)
