"""What a call costs, against what it could cost at the least."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import requests
import responses
from pytest_httpserver import HTTPServer
from side_by_side import compare

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.hosts import is_hubspot
from hubspot_simulator.serving.socket_patch import SocketPatch
from hubspot_simulator.serving.wsgi_server import WSGIServer
from pytest_hubspot_auth import HubspotResponses

PATH = "/crm/v3/objects/contacts"


def fixed_app(body: bytes, headers: list[tuple[str, str]]) -> Callable:
    def app(environ, start_response):
        start_response("200 OK", headers)
        return [body]

    return app


class BareSocket:
    """Sends fixed bytes for whatever arrives, from one thread without any parsing."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            while connection.recv(65536):
                connection.sendall(self.payload)


def by_http_client(url: str, headers: dict[str, str], stack: ExitStack) -> Callable[[], object]:
    connection = HTTPConnection(url.removeprefix("http://"))
    stack.callback(connection.close)

    def call() -> None:
        connection.request("GET", PATH, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    return call


def by_requests(url: str, headers: dict[str, str], stack: ExitStack) -> Callable[[], object]:
    session = stack.enter_context(requests.Session())
    session.headers.update(headers)

    def call() -> None:
        assert session.get(url + PATH).status_code == 200

    return call


def compare_tls(stack: ExitStack, server: SimulatorServer, simulator: Simulator, headers: dict[str, str]) -> None:
    """Compare a call through the socket seam with the same call to a plain TLS port."""
    authority, (host, port) = server.secure()
    bundle = Path(stack.enter_context(TemporaryDirectory()), "authority.pem")
    bundle.write_text(Path(certifi.where()).read_text() + authority.certificate)  # as many as the other loads
    plain = stack.enter_context(requests.Session())
    plain.verify = str(bundle)
    turned = stack.enter_context(requests.Session())
    plain.trust_env = turned.trust_env = False  # or REQUESTS_CA_BUNDLE would win over verify
    seam = SocketPatch(is_hubspot, https=(host, port), http=(server.host, server.port), authority=authority.certificate)
    seam.install()
    stack.callback(seam.uninstall)

    def by(session: requests.Session, url: str, *, anew: bool) -> Callable[[], object]:
        def call() -> None:
            assert session.get(url, headers=headers).status_code == 200
            if anew:
                session.close()

        return call

    for anew in (False, True):
        compare(
            f"a call of requests over TLS, {'a new connection each' if anew else 'kept alive'}",
            {
                "plain TLS port": by(plain, f"https://localhost:{port}{PATH}", anew=anew),
                "hubspot_intercept": by(turned, f"https://api.hubapi.com{PATH}", anew=anew),
            },
            calls=20 if anew else 200,
        )


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # pytest-httpserver's server prints every request
    with ExitStack() as stack:
        simulator = Simulator()
        server = stack.enter_context(SimulatorServer(simulator))
        headers = {"Authorization": f"Bearer {simulator.installation.access_token}"}
        sample = requests.get(server.url + PATH, headers=headers)
        same = [(name, value) for name, value in sample.headers.items()]
        fixed = stack.enter_context(WSGIServer(fixed_app(sample.content, same)))
        few = [("Content-Type", "application/json"), ("Content-Length", str(len(sample.content)))]
        least = stack.enter_context(WSGIServer(fixed_app(sample.content, few)))
        static = stack.enter_context(HTTPServer())
        static.expect_request(PATH).respond_with_data(sample.content, content_type="application/json")
        head = "".join(f"{name}: {value}\r\n" for name, value in same)
        bare = BareSocket(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + sample.content)
        stack.callback(bare.socket.close)

        for client, make in (("http.client", by_http_client), ("requests", by_requests)):
            compare(
                f"an authenticated call on a kept-alive connection, by {client}",
                {
                    "cheroot, fixed bytes: the same answer": make(fixed.url, headers, stack),
                    "hubspot_sim.url, journal on": make(server.url, headers, stack),
                    "cheroot, fixed bytes: two headers": make(least.url, headers, stack),
                    "pytest-httpserver, static body": make(f"http://{static.host}:{static.port}", headers, stack),
                    "bare socket, no parsing": make(bare.url, headers, stack),
                },
            )

        compare_tls(stack, server, simulator, headers)

        url = f"https://api.hubapi.com{PATH}"
        session = stack.enter_context(requests.Session())

        def through_simulator() -> None:
            assert session.get(url, headers=headers).status_code == 200

        def through_stub() -> None:
            with stub:
                stub.get(url, body=sample.content, headers=dict(same))
                for _ in range(50):
                    assert session.get(url, headers=headers).status_code == 200

        stub = responses.RequestsMock()
        bridge = HubspotResponses(server)

        def through_bridge() -> None:
            bridge.start()
            for _ in range(50):
                through_simulator()
            bridge.stop()

        compare(
            "50 calls of requests in process",
            {"responses, static stub": through_stub, "hubspot_responses": through_bridge},
            calls=4,
        )


if __name__ == "__main__":
    main()
