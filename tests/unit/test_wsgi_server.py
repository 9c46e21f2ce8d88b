"""The WSGI server: nothing a client does, or leaves undone, holds up another one or the stop."""

from __future__ import annotations

import errno
import gc
import http.client
import json
import logging
import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import freezegun.api
import pytest
import trustme
from freezegun import freeze_time

from hubspot_simulator.serving import wsgi_server, wsgi_watcher
from hubspot_simulator.serving.wsgi_server import ServerStartError, WSGIServer

TIMEOUT = 5  # a client that is held up, as stock cheroot holds it up (9.8 s), fails by this
MANY = 20

Environ = dict[str, Any]
Serve = Callable[..., WSGIServer]


def echo(environ: Environ, start_response: Any) -> list[bytes]:
    """Answer with what arrived. Reads the body except under /unread."""
    body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
    names = ("REQUEST_METHOD", "PATH_INFO", "wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT", "REMOTE_PORT")
    answer = json.dumps({**{name: environ[name] for name in names}, "body": body.decode()}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=["plain", "tls"])
def contexts(request: pytest.FixtureRequest) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The context of the server and that of its clients."""
    if request.param == "plain":
        return None, None
    return request.getfixturevalue("server_tls"), request.getfixturevalue("client_tls")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    def serve(app: Any = echo, **settings: Any) -> WSGIServer:
        return stack.enter_context(WSGIServer(app, **settings))

    return serve


@pytest.fixture
def dial(stack: ExitStack) -> Callable[..., socket.socket]:
    """Connect to a server, and send what is given."""

    def dial(server: WSGIServer, data: bytes = b"", context: ssl.SSLContext | None = None) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", server.port), TIMEOUT)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        stack.enter_context(closing(sock))
        sock.sendall(data)
        return sock

    return dial


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing is logged above debug, and nothing printed."""
    caplog.set_level(logging.DEBUG, "hubspot_simulator.serving.server")
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


def client_of(server: WSGIServer, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    if context is None:
        return http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
    return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=TIMEOUT, context=context)


def get(client: http.client.HTTPConnection, path: str = "/", **request: Any) -> dict[str, Any]:
    client.request(request.pop("method", "GET"), path, **request)
    response = client.getresponse()
    assert response.status == 200
    answer: dict[str, Any] = json.loads(response.read())
    return answer


def get_once(server: WSGIServer, context: ssl.SSLContext | None = None) -> dict[str, Any]:
    with closing(client_of(server, context)) as client:
        return get(client)


def read_response(sock: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(sock)
    with closing(response):
        response.begin()
        return response.status, response.read()


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)  # not time.sleep, which a freeze of time may replace


# What it serves


def test_serves_an_app(serve: Serve, contexts: tuple[Any, Any]) -> None:
    server = serve(ssl_context=contexts[0])
    with closing(client_of(server, contexts[1])) as client:
        answer = get(client, "/a%20b?c=d", method="POST", body="content")
    scheme = "https" if contexts[0] else "http"
    assert server.url == f"{scheme}://127.0.0.1:{server.port}"
    del answer["REMOTE_PORT"]
    assert answer == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a b",
        "wsgi.url_scheme": scheme,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "body": "content",
    }


def test_a_connection_is_kept_however_many_there_are(
    serve: Serve, dial: Callable[..., socket.socket], stack: ExitStack
) -> None:
    server = serve()
    for _ in range(MANY):
        dial(server)
    clients = [stack.enter_context(closing(client_of(server))) for _ in range(MANY)]
    first = [get(client)["REMOTE_PORT"] for client in clients]
    assert [get(client)["REMOTE_PORT"] for client in clients] == first


def test_head_and_body_come_in_one_packet(serve: Serve, dial: Callable[..., socket.socket]) -> None:
    received = dial(serve(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").recv(65536)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"}")


def test_a_response_without_a_body_is_sent(serve: Serve) -> None:
    def empty(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    server = serve(empty)
    with closing(client_of(server)) as client:
        for _ in range(2):
            client.request("GET", "/")
            response = client.getresponse()
            assert (response.status, response.read(), response.will_close) == (204, b"", False)


def test_a_response_of_unknown_length_is_sent_in_chunks(serve: Serve) -> None:
    def stream(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield from (b"one ", b"", b"two")

    with closing(client_of(serve(stream))) as client:
        client.request("GET", "/")
        response = client.getresponse()
        assert response.getheader("Transfer-Encoding") == "chunked"
        assert response.read() == b"one two"


def test_a_date_of_the_app_is_kept(serve: Serve) -> None:
    def dated(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0"), ("date", "its own")])
        return []

    with closing(client_of(serve(dated))) as client:
        client.request("GET", "/")
        assert client.getresponse().headers.get_all("Date") == ["its own"]


@pytest.mark.parametrize("path", ["/", "/unread"])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_next_request_begins_behind_a_body(
    serve: Serve, path: str, chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.1)
    server = serve()
    body: Any = iter([b"GET /smuggled", b" HTTP/1.1\r\n\r\n"]) if chunked else b"GET /smuggled HTTP/1.1\r\n\r\n"
    with closing(client_of(server)) as client:
        first = get(client, path, method="POST", body=body, encode_chunked=chunked)
        pause(0.3)  # stock cheroot takes the end of a chunked body for a request that has begun: 408
        assert get(client, "/next") == {**first, "REQUEST_METHOD": "GET", "PATH_INFO": "/next", "body": ""}


def test_requests_that_come_together(
    serve: Serve, dial: Callable[..., socket.socket], contexts: tuple[Any, Any]
) -> None:
    # as long as cheroot's buffer, so that with TLS the second one waits where no selector sees it
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\nX-Fill: %s\r\n\r\n"
    request = head % bytes(8192 - 8000 - len(head) + 2).replace(b"\0", b"x") + b"x" * 8000
    sock = dial(serve(ssl_context=contexts[0]), request * 2, contexts[1])
    received = b""
    while received.count(b"HTTP/1.1 200 OK") < 2:
        received += sock.recv(65536)


def test_a_body_that_is_too_large_is_refused_by_the_app_without_being_read(
    serve: Serve, dial: Callable[..., socket.socket]
) -> None:
    def refuse(environ: Environ, start_response: Any) -> list[bytes]:
        answer = json.dumps([environ["CONTENT_LENGTH"], environ["wsgi.input"].read().decode()]).encode()
        start_response("413 Content Too Large", [("Content-Length", str(len(answer)))])
        return [answer]

    server = serve(refuse, max_body=10)
    for framing, size in (
        (b"Content-Length: 11\r\n\r\n", "11"),
        (b"Content-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n", "1000000000000"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n", "11"),
        (b"Transfer-Encoding: chunked\r\n\r\ne8d4a51000\r\n", "1000000000000"),
    ):
        status, answer = read_response(dial(server, b"POST / HTTP/1.1\r\nHost: x\r\n" + framing))
        assert (status, json.loads(answer)) == (413, [size, ""])


def test_a_refused_upload_gets_its_answer(serve: Serve) -> None:
    def refuse(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("413 Content Too Large", [("Content-Length", "8")])
        return [b"too much"]

    with closing(client_of(serve(refuse))) as client:
        client.request("POST", "/", body=bytes(20_000_000))
        response = client.getresponse()
        assert (response.status, response.read()) == (413, b"too much")


def test_headers_have_a_limit(serve: Serve) -> None:
    server = serve()
    for path, name, status in (("/" + "x" * 70_000, "x", 414), ("/", "x" * 70_000, 413)):
        with closing(client_of(server)) as client:
            client.request("GET", path, headers={"X-Long": name})
            assert client.getresponse().status == status
    with closing(client_of(server)) as client:
        get(client, headers={"X-Long": "x" * 60_000})


# What must hold nobody up


def test_silent_connections(serve: Serve, dial: Callable[..., socket.socket], contexts: tuple[Any, Any]) -> None:
    threads = threading.active_count()
    server = serve(ssl_context=contexts[0])
    for _ in range(MANY):
        dial(server)
    get_once(server, contexts[1])
    assert threading.active_count() < threads + MANY  # none is spent on them
    for _ in range(MANY):
        dial(server, context=contexts[1])  # with TLS: silent after the handshake
    get_once(server, contexts[1])


@pytest.mark.parametrize(
    "half",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: exa",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
def test_half_requests(
    serve: Serve, dial: Callable[..., socket.socket], contexts: tuple[Any, Any], half: bytes
) -> None:
    server = serve(ssl_context=contexts[0])
    for _ in range(MANY):
        dial(server, half, contexts[1])
    get_once(server, contexts[1])


def test_half_handshakes(
    serve: Serve,
    dial: Callable[..., socket.socket],
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    server = serve(ssl_context=server_tls)
    for _ in range(MANY):
        dial(server, b"\x16\x03\x01\x02\x00\x01")
    get_once(server, client_tls)


def test_more_requests_at_once_than_workers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_server, "_MAX_WORKERS", 2)
    at_work, peak = threading.Semaphore(0), []

    def count(environ: Environ, start_response: Any) -> list[bytes]:
        at_work.release()
        pause(0.02)
        peak.append(at_work._value)
        at_work.acquire()
        return echo(environ, start_response)

    server = serve(count)
    clients = [threading.Thread(target=get_once, args=(server,)) for _ in range(6)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert len(peak) == 6
    assert max(peak) == 2


@pytest.mark.parametrize(
    "half",
    [b"GET / HT", b"GET / HTTP/1.1\r\nHost: exa", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"],
)
def test_a_request_that_stalls_is_cut(
    serve: Serve,
    dial: Callable[..., socket.socket],
    contexts: tuple[Any, Any],
    half: bytes,
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.1)
    sock = dial(serve(ssl_context=contexts[0]), half, contexts[1])
    assert read_response(sock)[0] == 408
    assert sock.recv(1) == b""


def test_a_body_cut_short_is_read_to_where_it_ends(serve: Serve, dial: Callable[..., socket.socket]) -> None:
    sock = dial(serve(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    sock.shutdown(socket.SHUT_WR)
    assert json.loads(read_response(sock)[1])["body"] == "half"


def test_an_idle_connection_is_closed_late(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_watcher, "_SWEEP_SECONDS", 0.02)
    server = serve()
    with closing(client_of(server)) as client:
        get(client)
        pause(0.1)
        get(client)
        monkeypatch.setattr(wsgi_watcher, "_IDLE_SECONDS", 0.02)
        assert client.sock.recv(1) == b""


# What clients do wrong


def test_the_worst_clients_are_not_worth_a_word(
    serve: Serve, dial: Callable[..., socket.socket], contexts: tuple[Any, Any], quiet: None
) -> None:
    server = serve(large, ssl_context=contexts[0])
    reset = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
    for data in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HT", b"\0\0", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        for context in {None, contexts[1]}:
            dial(server, data, context).close()
            sock = dial(server, data, context)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            sock.close()
    if contexts[1]:
        with pytest.raises(ssl.SSLCertVerificationError):
            get_once(server, ssl.create_default_context())
    gone = dial(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", contexts[1])
    gone.recv(1)  # the response is on its way
    gone.close()
    with closing(client_of(server, contexts[1])) as client:
        client.request("GET", "/")
        assert len(client.getresponse().read()) == LARGE
    server.stop()
    gc.collect()  # a socket left to the collector would warn


LARGE = 10_000_000


def large(environ: Environ, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", str(LARGE))])
    return [bytes(LARGE)]


def test_a_client_that_does_not_read(
    serve: Serve,
    dial: Callable[..., socket.socket],
    contexts: tuple[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> None:
    monkeypatch.setattr(WSGIServer, "timeout", 0.1)
    over = threading.Event()

    class Body(list[bytes]):
        def close(self) -> None:
            over.set()

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        return Body(large(environ, start_response))

    server = serve(app, ssl_context=contexts[0])
    dial(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", contexts[1])
    assert over.wait(TIMEOUT)
    server.stop()


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST"])
def test_plain_http_on_a_tls_port_is_told_so(
    serve: Serve, server_tls: ssl.SSLContext, method: str, quiet: None
) -> None:
    with closing(client_of(serve(ssl_context=server_tls))) as client:
        client.request(method, "/", body=bytes(1_000_000) if method == "POST" else None)
        response = client.getresponse()
        assert response.status == 400
        assert b"only speaks HTTPS on this port" in response.read()


@pytest.mark.parametrize("error", [KeyError("mine"), FileNotFoundError("mine")])
def test_an_error_of_the_app_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(environ: Environ, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/fail":
            raise error
        return echo(environ, start_response)

    server = serve(fail)
    with closing(client_of(server)) as client:
        client.request("GET", "/fail")
        assert client.getresponse().status == 500
    get_once(server)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("hubspot_simulator.serving.server", "ERROR")
    assert record.exc_text is not None
    assert type(error).__name__ in record.exc_text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [SystemExit(1), pytest.fail.Exception("mine")])
def test_no_error_of_the_app_ends_a_worker(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail(environ: Environ, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/fail":
            raise error
        return echo(environ, start_response)

    server = serve(fail)
    with closing(client_of(server)) as client:
        client.request("GET", "/fail")
        with pytest.raises(ConnectionError):
            client.getresponse()
    get_once(server)
    (trace,) = [record.exc_text for record in caplog.records if record.exc_text]
    assert f"raise error\n{type(error).__name__}" in trace


# Start and stop


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


def test_stop_leaves_nothing(dial: Callable[..., socket.socket], contexts: tuple[Any, Any]) -> None:
    gc.collect()
    threads, files = set(threading.enumerate()), open_files()
    server = WSGIServer(echo, ssl_context=contexts[0])
    server.start()
    clients = [dial(server) for _ in range(5)]
    clients += [dial(server, b"\x16\x03\x01\x02\x00\x01") for _ in range(5)]
    clients += [dial(server, b"GET / HT", contexts[1]) for _ in range(5)]
    clients += [
        dial(server, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", contexts[1]) for _ in range(5)
    ]
    clients.append(dial(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", contexts[1]))
    assert read_response(clients[-1])[0] == 200  # a kept connection
    server.stop()
    assert set(threading.enumerate()) <= threads
    for client in clients:
        with suppress(ConnectionError, ssl.SSLError):
            while client.recv(65536):  # a half request may still be answered with 400
                pass
        client.close()
    assert open_files() <= files
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT)
    assert not [name for name in getattr(logging, "statistics", {}) if "Cheroot" in name]


def test_stop_while_requests_are_running() -> None:
    threads = set(threading.enumerate())
    running, release = threading.Semaphore(0), threading.Event()

    def wait(environ: Environ, start_response: Any) -> list[bytes]:
        running.release()
        release.wait(TIMEOUT)
        return echo(environ, start_response)

    def lost(server: WSGIServer) -> None:
        with closing(client_of(server)) as client:
            client.request("GET", "/")
            with pytest.raises(ConnectionError):
                client.getresponse()

    server = WSGIServer(wait)
    server.start()
    clients = [threading.Thread(target=lost, args=(server,)) for _ in range(5)]
    for thread in clients:
        thread.start()
        assert running.acquire(timeout=TIMEOUT)
    stop = threading.Thread(target=server.stop)
    stop.start()
    for thread in clients:
        thread.join()  # cut, though the app is at work
    release.set()
    stop.join()
    assert set(threading.enumerate()) <= threads


def test_stop_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, dial: Callable[..., socket.socket]
) -> None:
    monkeypatch.setattr(wsgi_server, "_STOP_SECONDS", (0.05, 0.05))
    running, release = threading.Event(), threading.Event()

    def hang(environ: Environ, start_response: Any) -> list[bytes]:
        running.set()
        release.wait()
        return echo(environ, start_response)

    threads = set(threading.enumerate())
    with WSGIServer(hang) as server:
        dial(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.wait(TIMEOUT)
    (left,) = set(threading.enumerate()) - threads
    assert "still handling a request" in caplog.text
    release.set()
    left.join(TIMEOUT)
    assert not left.is_alive()


def test_a_request_may_stop_the_server(serve: Serve, contexts: tuple[Any, Any]) -> None:
    def stop(environ: Environ, start_response: Any) -> list[bytes]:
        server.stop()
        return echo(environ, start_response)

    server = serve(stop, ssl_context=contexts[0])
    get_once(server, contexts[1])


def test_stop_may_be_called_at_any_time() -> None:
    server = WSGIServer(echo)
    server.stop()
    server.start()
    server.stop()
    server.stop()


@pytest.mark.parametrize("fixed", [False, True])
def test_start_again(fixed: bool) -> None:
    server = WSGIServer(echo)
    with server:
        get_once(server)
        with pytest.raises(RuntimeError, match=f"already running at http://127.0.0.1:{server.port}"):
            server.start()
    if fixed:
        server = WSGIServer(echo, port=server.port)
    for _ in range(2):
        with server:
            get_once(server)


def test_the_port_is_taken(serve: Serve) -> None:
    port = serve().port
    server = WSGIServer(echo, port=port)
    with pytest.raises(ServerStartError, match=f"127.0.0.1 port {port}: the port is in use; choose another port, or 0"):
        server.start()
    server.stop()


@pytest.mark.parametrize("port", [-1, 65536])
def test_the_port_is_none(port: int) -> None:
    with pytest.raises(ServerStartError, match=f"port {port}: a port is a number from 0 to 65535; choose another"):
        WSGIServer(echo, port=port).start()


def test_the_host_is_elsewhere() -> None:
    with pytest.raises(
        ServerStartError, match=r"192\.0\.2\.1 port 0: this machine does not have this address; use 127"
    ):
        WSGIServer(echo, host="192.0.2.1").start()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "no permission to use this port"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "this machine does not have this address"),
        (OSError(errno.ENOBUFS, "No buffer space available"), "No buffer space available"),
    ],
)
def test_the_system_refuses(monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise error

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ServerStartError, match=f"api.hubspot.test port 80: .*{reason}"):
        WSGIServer(echo, host="api.hubspot.test", port=80).start()


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]"), ("::", "[::1]")]
)
def test_the_url_is_one_that_a_client_can_use(serve: Serve, host: str, shown: str) -> None:
    try:
        server = serve(host=host)
    except ServerStartError:
        if ":" in host:
            pytest.skip("no IPv6 here")
        raise
    assert server.host == host
    assert server.url == f"http://{shown}:{server.port}"
    with closing(http.client.HTTPConnection(shown.strip("[]"), server.port, timeout=TIMEOUT)) as client:
        get(client)


# Time


@contextmanager
def frozen_for_all(moment: str) -> Iterator[Any]:
    """Freeze time for callers that freezegun spares, too: by default those with ``threading`` on their stack."""
    with freeze_time(moment) as frozen:
        freezegun.api.ignore_lists[-1] = ()
        yield frozen


def test_freezes_that_come_and_go(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve()
    over = threading.Event()
    counts, errors = [], []

    def call(keep: bool) -> None:
        count = 0
        try:
            with closing(client_of(server)) as client:
                while not over.is_set():
                    get(client)
                    count += 1
                    if not keep:
                        client.close()
        except BaseException as error:
            errors.append(error)
            raise
        counts.append(count)

    clients = [threading.Thread(target=call, args=(number % 2 == 0,)) for number in range(4)]
    for thread in clients:
        thread.start()
    for _ in range(300):
        with frozen_for_all("2040-01-01"):
            pass
    over.set()
    for thread in clients:
        thread.join()
    assert errors == []
    assert min(counts) > 0
    assert caplog.records == []
    get_once(server)


def test_a_frozen_year_neither_ages_connections_nor_dates_answers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_watcher, "_SWEEP_SECONDS", 0.01)
    server = serve()
    with closing(client_of(server)) as client:
        port = get(client)["REMOTE_PORT"]
        pause(0.1)  # it waits in the selector
        with frozen_for_all("2040-01-01") as frozen:
            pause(0.1)
            assert get(client)["REMOTE_PORT"] == port
            frozen.move_to("1990-01-01")
            pause(0.1)
            client.request("GET", "/")
            response = client.getresponse()
            assert json.loads(response.read())["REMOTE_PORT"] == port
            assert "1990" not in response.headers["Date"]
