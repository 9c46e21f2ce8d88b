"""The proxy of ``hubspot-simulator run``, in this process."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubspot_simulator import Settings, Simulator, SimulatorServer
from hubspot_simulator.hosts import matcher
from hubspot_simulator.runner import proxy as module
from hubspot_simulator.runner.proxy import Proxy

# Whoever asks a proxy for HubSpot is stopped by the guard, and this one is the simulator.
pytestmark = pytest.mark.hubspot(guard=False)

CONTACTS = "/crm/v3/objects/contacts"
Start = Callable[..., Proxy]


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Simulator()) as server:
        yield server


@pytest.fixture
def start(server: SimulatorServer) -> Iterator[Start]:
    """Start proxies; check that their threads end."""
    started: list[Proxy] = []
    before = set(threading.enumerate())

    def start(*allow: str) -> Proxy:
        authority, https = server.secure()
        http = (server.host, server.port)
        proxy = Proxy(matcher(), https=https, http=http, authority=authority.certificate, allow=allow)
        proxy.start()
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.stop()
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
    left = set(threading.enumerate()) - before
    assert [thread.name for thread in left if thread.name == "hubspot-proxy"] == []


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=10)


def everything(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def say(proxy: Proxy, *lines: str, body: str = "") -> tuple[int, str]:
    """Send a request of these lines; return the status and the body of the answer."""
    with connect(proxy) as sock:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        head, _, content = everything(sock).decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), content


def tunnel(proxy: Proxy, target: str) -> socket.socket:
    sock = connect(proxy)
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert sock.recv(4096) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return sock


def bearer(server: SimulatorServer) -> str:
    return f"Authorization: Bearer {server.simulator.installation.access_token}"


def test_a_tunnel_leads_to_the_simulator_over_tls(server: SimulatorServer, start: Start) -> None:
    context = ssl.create_default_context(cadata=server.secure()[0].certificate)
    lines = [f"GET {CONTACTS} HTTP/1.1", "Host: api.hubapi.com", bearer(server), "Connection: close", "", ""]
    with context.wrap_socket(tunnel(start(), "api.hubapi.com:443"), server_hostname="api.hubapi.com") as secure:
        secure.sendall("\r\n".join(lines).encode())
        assert everything(secure).endswith(b'{"results":[]}')
    exchange = server.simulator.journal.exchanges[0]
    assert dict(exchange.request_headers)["HTTP_HOST"] == "api.hubapi.com"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_whole_url_is_forwarded_and_links_say_what_was_called(
    scheme: str, server: SimulatorServer, start: Start
) -> None:
    # axios asks a proxy so for https, too: the simulator must hear https, or its links would say http.
    proxy = start()
    for number in range(2):
        body = json.dumps({"properties": {"email": f"{number}@example.com"}})
        head = [f"Content-Length: {len(body)}", "Content-Type: application/json", bearer(server)]
        status, _ = say(proxy, f"POST {scheme}://user@api.hubapi.com{CONTACTS} HTTP/1.1", *head, body=body)
        assert status == 201
    head = ["Host: elsewhere.example", "Proxy-Connection: keep-alive", "Connection: keep-alive", bearer(server)]
    status, answer = say(proxy, f"GET {scheme}://api.hubapi.com{CONTACTS}?limit=1 HTTP/1.1", *head)
    assert status == 200
    assert json.loads(answer)["paging"]["next"]["link"].startswith(
        f"{scheme}://api.hubapi.com{CONTACTS}?limit=1&after="
    )
    names = dict(server.simulator.journal.exchanges[-1].request_headers)
    assert "HTTP_PROXY_CONNECTION" not in names


@pytest.mark.parametrize(
    ("lines", "status", "sentence"),
    [
        (
            ["CONNECT example.com:443 HTTP/1.1"],
            403,
            "example.com is not one of them: allow it with --allow example.com",
        ),
        (["GET http://example.com/ HTTP/1.1"], 403, "or every host with --allow-network"),
        (["CONNECT 192.0.2.1:443 HTTP/1.1"], 403, "192.0.2.1 is not one of them"),
        (["CONNECT api.hubapi.com.evil.example:443 HTTP/1.1"], 403, "is not one of them"),
        (
            ["CONNECT api.hubapi.com:8443 HTTP/1.1"],
            403,
            "the simulator serves HubSpot's hosts on ports 443 and 80 only, not on 8443",
        ),
        (["CONNECT api.hubapi.com HTTP/1.1"], 400, "it expects CONNECT host:port, or an absolute URL"),
        (["CONNECT api.hubapi.com:port HTTP/1.1"], 400, "it expects CONNECT"),
        (["GET / HTTP/1.1", "Host: api.hubapi.com"], 400, "it expects CONNECT"),
        (["GET ftp://api.hubapi.com/ HTTP/1.1"], 400, "it expects CONNECT"),
        (["GET http://[/ HTTP/1.1"], 400, "it expects CONNECT"),
        (["hello"], 400, "it expects CONNECT"),
        (["\x16\x03\x01"], 400, "it expects CONNECT"),
    ],
)
def test_what_it_refuses(lines: list[str], status: int, sentence: str, start: Start, server: SimulatorServer) -> None:
    proxy = start()
    got, body = say(proxy, *lines)
    assert got == status
    assert sentence in body
    assert server.simulator.journal.exchanges == []
    assert bool(proxy.blocked) == ("is not one of them" in body)


def test_a_refusal_reaches_a_client_that_is_still_talking(start: Start) -> None:
    body = "x" * 300_000
    status, _ = say(start(), "POST http://example.com/ HTTP/1.1", f"Content-Length: {len(body)}", body=body)
    assert status == 403


@pytest.mark.parametrize("allow", ["upstream.example", "*.example", "UPSTREAM.example", "*"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "upstream.example"])
def test_what_it_lets_through(allow: str, host: str, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    known = {"upstream.example": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *rest, **more: real(known.get(name, name), *rest, **more))
    proxy = start(allow)
    with SimulatorServer(Simulator(Settings(trusted_hosts="upstream.example"))) as upstream:
        status, _ = say(proxy, f"GET http://{host}:{upstream.port}/x?y=1 HTTP/1.1", "A: b")
        assert status == 404
        with tunnel(proxy, f"{host}:{upstream.port}") as sock:
            sock.sendall(b"GET /z HTTP/1.0\r\n\r\n")
            assert everything(sock).startswith(b"HTTP/1.1 404")
        heard = upstream.simulator.journal.exchanges
    assert [(one.path, one.query) for one in heard] == [("/x", "y=1"), ("/z", "")]
    assert dict(heard[0].request_headers)["HTTP_HOST"] == f"{host}:{upstream.port}"
    assert not proxy.blocked


def test_hubspots_hosts_never_lead_out(start: Start, server: SimulatorServer) -> None:
    status, _ = say(start("*"), f"GET http://api.hubapi.com{CONTACTS} HTTP/1.1")
    assert status == 401
    assert len(server.simulator.journal.exchanges) == 1


def test_an_allowed_host_that_cannot_be_reached(start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    assert say(start(), f"CONNECT 127.0.0.1:{port} HTTP/1.1")[0] == 502


def test_an_allowed_host_over_tls_must_prove_itself(start: Start, server: SimulatorServer) -> None:
    port = server.secure()[1][1]
    status, body = say(start(), f"GET https://127.0.0.1:{port}/ HTTP/1.1")
    assert status == 502
    assert "certificate" in body


def test_silent_clients_hold_nobody_up(start: Start, server: SimulatorServer) -> None:
    proxy = start()
    silent = [connect(proxy) for _ in range(30)] + [tunnel(proxy, "api.hubapi.com:443") for _ in range(10)]
    try:
        assert say(proxy, f"GET http://api.hubapi.com{CONTACTS} HTTP/1.1", bearer(server))[0] == 200
        proxy.stop()  # does not wait for them either
        assert [everything(sock) for sock in silent[:30]] == [b""] * 30
    except ConnectionResetError:
        pass
    finally:
        for sock in silent:
            sock.close()
        proxy.stop = lambda: None  # type: ignore[method-assign]


def test_a_client_that_never_says_what_it_wants_is_cut(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEAD_SECONDS", 0.05)
    with connect(start()) as sock:
        sock.sendall(b"GET http://api.hubapi.com/ HTTP/1.1\r\n")
        assert everything(sock) == b""


def test_a_head_without_an_end_is_cut(start: Start) -> None:
    with connect(start()) as sock:
        try:
            sock.sendall(b"GET http://api.hubapi.com/ HTTP/1.1\r\n" + b"A: b\r\n" * 200_000)
            assert everything(sock) == b""
        except ConnectionError:
            pass


def test_a_client_that_goes_away_is_forgotten(start: Start, server: SimulatorServer) -> None:
    proxy = start()
    for _ in range(20):
        tunnel(proxy, "api.hubapi.com:443").close()
    assert say(proxy, f"GET http://api.hubapi.com{CONTACTS} HTTP/1.1", bearer(server))[0] == 200
    done = threading.Event()
    for _ in range(200):
        if not proxy._clients:
            break
        done.wait(0.05)
    assert not proxy._clients


def test_in_a_with_it_is_started_and_stopped(server: SimulatorServer) -> None:
    authority, https = server.secure()
    with Proxy(matcher(), https=https, http=https, authority=authority.certificate) as proxy:
        assert say(proxy, "hello")[0] == 400


class TestHosts:
    """B10: whatever stands where a host should, the answer is a status and never a traceback."""

    @pytest.mark.parametrize(
        "target", ["CONNECT {}:443 HTTP/1.1", "GET http://{}/ HTTP/1.1", "GET https://{}/ HTTP/1.1"]
    )
    @pytest.mark.parametrize(
        "host",
        [
            "a..example",
            ".example",
            "..",
            f"{'a' * 64}.example",
            f"{'a.' * 127}example",
            "a\x1b[31m.example",
            "a\x7f.example",
            "b\u00fccher.example",
            "*.example",
            "a b.example",
        ],
    )
    def test_b10_no_host_is_a_400(self, host: str, target: str, start: Start) -> None:
        proxy = start("*")
        assert say(proxy, target.format(host))[0] == 400
        assert not proxy.blocked

    @pytest.mark.parametrize("host", ["localhost.", "[::ffff:127.0.0.1]", "127.0.0.1"])
    def test_a_host_is_reached(self, host: str, start: Start) -> None:
        with SimulatorServer(Simulator()) as upstream:
            assert say(start("*"), f"GET http://{host}:{upstream.port}/x HTTP/1.1")[0] == 404

    def test_b10_a_host_that_cannot_be_a_name_for_tls(self, start: Start) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            port = listening.getsockname()[1]
            listening.close()
            assert say(start("*"), f"GET https://127.0.0.1:{port}/ HTTP/1.1")[0] == 502

    def test_b10_generated_hosts(
        self, server: SimulatorServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.getaddrinfo

        def nowhere(name: object, *rest: object, **more: object) -> object:
            if name == "127.0.0.1":
                return real(name, *rest, **more)
            str(name).encode("idna")  # as the real one, which may raise
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

        authority, https = server.secure()
        monkeypatch.setattr(socket, "getaddrinfo", nowhere)
        with Proxy(matcher(), https=https, http=https, authority=authority.certificate, allow=["*"]) as proxy:

            @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
            @given(
                st.sampled_from([b"CONNECT ", b"GET http://", b"GET https://", b"POST ftp://", b"", b"CONNECT ["]),
                st.one_of(st.binary(max_size=80), st.text("aA0.-_:[]%@/?#\\ \x1b", max_size=300).map(str.encode)),
                st.sampled_from([b":443 HTTP/1.1", b"/ HTTP/1.1", b":99999 HTTP/1.1", b"", b":0 HTTP/1.1"]),
            )
            def ask(method: bytes, host: bytes, end: bytes) -> None:
                with connect(proxy) as sock:
                    sock.sendall(method + host.replace(b"\r\n\r\n", b"") + end + b"\r\n\r\n")
                    sock.shutdown(socket.SHUT_WR)
                    answer = everything(sock)
                assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 502"), answer

            ask()
        assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
