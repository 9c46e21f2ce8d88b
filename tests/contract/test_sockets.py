"""The simulator on a real socket, where clients send too much, too little, or nothing."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPSConnection

import pytest
import requests
import trustme

from hubspot_simulator import Simulator, SimulatorServer

CONTACTS = "/crm/v3/objects/contacts"
MEGABYTE = 1024 * 1024


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
def server(simulator: Simulator) -> Iterator[SimulatorServer]:
    with SimulatorServer(simulator) as running:
        yield running


@pytest.fixture
def headers(simulator: Simulator) -> dict[str, str]:
    return {"Authorization": f"Bearer {simulator.installation.access_token}", "Content-Type": "application/json"}


def body_of(size: int) -> bytes:
    frame = b'{"properties":{"firstname":"%s"}}'
    return frame % (b"a" * (size - len(frame) + 2))


def test_ten_megabytes_are_taken(server: SimulatorServer, headers: dict[str, str]) -> None:
    answer = requests.post(server.url + CONTACTS, data=body_of(10 * MEGABYTE), headers=headers, timeout=30)
    assert answer.status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_more_is_refused_with_an_answer_that_arrives(
    server: SimulatorServer, headers: dict[str, str], simulator: Simulator, chunked: bool
) -> None:
    body = body_of(12 * MEGABYTE)
    data = iter([body[: 6 * MEGABYTE], body[6 * MEGABYTE :]]) if chunked else body
    answer = requests.post(server.url + CONTACTS, data=data, headers=headers, timeout=30)
    assert answer.status_code == 413
    assert answer.json()["status"] == "error"
    why = simulator.journal.exchanges[-1].why
    assert why == "the body is larger than 10485760 bytes, the most that the simulator takes"


def test_a_body_cut_short_is_answered_at_once(
    server: SimulatorServer, headers: dict[str, str], simulator: Simulator
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(f"POST {CONTACTS} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 100\r\n\r\n{{".encode())
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    why = simulator.journal.exchanges[-1].why
    assert why == "the body was cut short: Content-Length promised 100 bytes"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /crm/v3/objects/contacts HTTP/9.9\r\n\r\n",
        b"GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /oauth/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /oauth/v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: \xff\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=lambda garbage: garbage[:40],
)
def test_garbage_harms_nobody(server: SimulatorServer, headers: dict[str, str], garbage: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            status = answer.readline().split()[1]
    assert status.startswith(b"4") or status == b"505"
    assert requests.get(server.url + CONTACTS, headers=headers, timeout=5).status_code == 200


def test_a_client_that_goes_away_harms_nobody(server: SimulatorServer, headers: dict[str, str]) -> None:
    for _ in range(20):
        client = socket.create_connection((server.host, server.port), timeout=5)
        client.sendall(f"GET {CONTACTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # the close is a reset
        client.close()
    assert requests.get(server.url + CONTACTS, headers=headers, timeout=5).status_code == 200


@pytest.mark.parametrize("tls", [False, True])
def test_twenty_silent_connections_hold_nobody_up(simulator: Simulator, headers: dict[str, str], tls: bool) -> None:
    server_context = client_context = None
    if tls:
        authority = trustme.CA()
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(server_context)
        client_context = ssl.create_default_context()
        authority.configure_trust(client_context)
    with SimulatorServer(simulator, ssl_context=server_context) as server, ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(socket.create_connection((server.host, server.port), timeout=9))
        # stock cheroot would be silent for 9.8 s
        client = (
            HTTPSConnection(server.host, server.port, timeout=9, context=client_context)
            if tls
            else HTTPConnection(server.host, server.port, timeout=9)
        )
        client.request("GET", CONTACTS, headers=headers)
        assert json.loads(client.getresponse().read()) == {"results": []}
        client.close()


def test_no_thread_and_no_port_is_left(simulator: Simulator, headers: dict[str, str]) -> None:
    before = set(threading.enumerate())  # some may end meanwhile
    with SimulatorServer(simulator) as server:
        connection = HTTPConnection(server.host, server.port, timeout=5)
        connection.request("GET", CONTACTS, headers=headers)
        connection.getresponse().read()
        address = server.host, server.port
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
    connection.close()


def test_many_threads_at_once(server: SimulatorServer, headers: dict[str, str], simulator: Simulator) -> None:
    statuses: list[int] = []

    def work(name: int) -> None:
        with requests.Session() as session:
            for number in range(20):
                email = {"properties": {"email": f"{name}-{number}@example.com"}}
                answer = session.post(server.url + CONTACTS, json=email, headers=headers, timeout=10)
                statuses.append(answer.status_code)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 160
    exchanges = simulator.journal.exchanges
    assert sorted(exchange.number for exchange in exchanges) == list(range(1, 161))
    assert len({json.loads(exchange.response_body)["id"] for exchange in exchanges}) == 160
