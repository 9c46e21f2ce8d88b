"""C1 on real sockets: which ways lead to the simulator, and which requests of a web page do not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from hubspot_simulator import Settings, Simulator, SimulatorServer

LIST = "/crm/v3/objects/contacts"


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(
        Simulator(Settings(hosts="crm.example.com", trusted_hosts="simulator.default.svc"))
    ) as running:
        yield running


def status(server: SimulatorServer, method: str, path: str, headers: dict[str, str], body: str = "") -> int:
    connection = HTTPConnection(server.host, server.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]:80",
        "192.168.1.5:8000",
        "localhost",
        "hubspot-simulator:8000",
        "api.hubapi.com",
        "crm.example.com",
        "simulator.default.svc",
    ],
)
def test_c1_the_ways_that_lead_here(server: SimulatorServer, host: str) -> None:
    token = {"Authorization": f"Bearer {server.simulator.installation.access_token}"}
    assert status(server, "GET", LIST, {"Host": host, **token}) == 200
    assert status(server, "GET", "/_simulator/health", {"Host": host}) == 200


def test_c1_http_1_0_without_host(server: SimulatorServer) -> None:
    with socket.create_connection((server.host, server.port), timeout=30) as client:
        client.sendall(b"GET /_simulator/health HTTP/1.0\r\n\r\n")
        assert client.makefile("rb").readline().split()[1] == b"200"


def test_c1_with_a_rebound_host_no_token_is_got_and_nothing_is_listed_or_deleted(server: SimulatorServer) -> None:
    simulator = server.simulator
    rebound = {"Host": f"evil.example.com:{server.port}", "Sec-Fetch-Site": "same-origin"}
    token = {"Authorization": f"Bearer {simulator.installation.access_token}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    before = len(simulator.store.refresh_tokens)
    refresh = (
        f"grant_type=refresh_token&client_id={simulator.app.client_id}&client_secret={simulator.app.client_secret}"
        f"&refresh_token={simulator.installation.refresh_token}"
    )
    assert status(server, "POST", "/oauth/v1/token", {**rebound, **form}, refresh) == 403
    assert status(server, "GET", LIST, {**rebound, **token}) == 403
    assert status(server, "DELETE", f"{LIST}/1", {**rebound, **token}) == 403
    assert status(server, "GET", "/oauth/authorize", rebound) == 403
    assert len(simulator.store.refresh_tokens) == before
    assert status(server, "POST", "/oauth/v1/token", form, refresh) == 200


@pytest.mark.parametrize("secure", [False, True])
def test_c1_the_port_for_hubspots_hosts_checks_too(server: SimulatorServer, secure: bool) -> None:
    authority, address = server.secure()
    context = ssl.create_default_context(cadata=authority.certificate)
    origin = "https://api.hubapi.com" if secure else "http://api.hubapi.com"
    request = f"GET /_simulator/health HTTP/1.1\r\nHost: api.hubapi.com\r\nOrigin: {origin}\r\n\r\n"
    plain = socket.create_connection(address, timeout=30)
    with plain, context.wrap_socket(plain, server_hostname="api.hubapi.com") as client:
        client.sendall(request.encode())
        assert client.makefile("rb").readline().split()[1] == (b"200" if secure else b"403")
