"""Faults over real sockets: every client sees its own errors, and the server goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import errno
import gc
import http.client
import json
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import responses
import urllib3

from hubspot_simulator import Simulator, SimulatorServer
from pytest_hubspot_auth import HubspotClock, HubspotResponses, HubspotSim

CONTACTS = "/crm/v3/objects/contacts"
HOST = "api.hubapi.com"
BODY = json.dumps({"properties": {"email": "ada@example.com"}}).encode()


@dataclass
class Place:
    """Where a client reaches the simulator, and how it trusts what answers there."""

    simulator: Simulator
    server: SimulatorServer
    url: str
    context: ssl.SSLContext | None = None
    certificates: str | bool = True

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.simulator.installation.access_token}",
            "Content-Type": "application/json",
            "Host": HOST,
        }


@pytest.fixture(params=["http", "https"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    simulator = Simulator()
    with SimulatorServer(simulator) as server:
        if request.param == "http":
            yield Place(simulator, server, server.url)
        else:
            authority, address = server.secure()
            file = tmp_path_factory.mktemp("authority") / "authority.pem"
            certificate = authority.certificate
            file.write_bytes(certificate if isinstance(certificate, bytes) else certificate.encode())
            context = ssl.create_default_context(cafile=str(file))
            context.check_hostname = False  # the certificate is for HubSpot's hosts, the address is loopback's
            yield Place(simulator, server, f"https://{address[0]}:{address[1]}", context, str(file))


def with_http_client(place: Place, method: str) -> int:
    address = place.url.partition("//")[2]
    connection = (
        http.client.HTTPSConnection(address, timeout=30, context=place.context)
        if place.context
        else http.client.HTTPConnection(address, timeout=30)
    )
    try:
        connection.request(method, CONTACTS, BODY if method == "POST" else None, place.headers)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status
    finally:
        connection.close()


def with_urllib3(place: Place, method: str) -> int:
    with urllib3.PoolManager(ssl_context=place.context, assert_hostname=False, retries=False) as pool:
        body = BODY if method == "POST" else None
        return pool.request(method, place.url + CONTACTS, body=body, headers=place.headers, timeout=30).status


class _AnyName(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, assert_hostname=False, **kwargs)


def with_requests(place: Place, method: str) -> int:
    with requests.Session() as session:
        session.mount("https://", _AnyName())
        session.trust_env = False
        session.verify = place.certificates
        data = BODY if method == "POST" else None
        return session.request(method, place.url + CONTACTS, data=data, headers=place.headers, timeout=30).status_code


def with_httpx(place: Place, method: str) -> int:
    with httpx.Client(verify=place.context or True, trust_env=False, timeout=30) as client:
        content = BODY if method == "POST" else None
        return client.request(method, place.url + CONTACTS, content=content, headers=place.headers).status_code


def with_aiohttp(place: Place, method: str) -> int:
    async def run() -> int:
        connector = aiohttp.TCPConnector(ssl=place.context or True)
        async with aiohttp.ClientSession(connector=connector) as session:
            data = BODY if method == "POST" else None
            async with session.request(method, place.url + CONTACTS, data=data, headers=place.headers) as answer:
                await answer.read()
                return answer.status

    return asyncio.run(run())


Send = Callable[[Place, str], int]
CLIENTS: list[tuple[Send, type[Exception], type[Exception]]] = [
    (with_http_client, ConnectionResetError, http.client.IncompleteRead),
    (with_urllib3, urllib3.exceptions.ProtocolError, urllib3.exceptions.ProtocolError),
    (with_requests, requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
    (with_httpx, httpx.TransportError, httpx.RemoteProtocolError),
    (with_aiohttp, aiohttp.ClientOSError, aiohttp.ClientPayloadError),
]
# asyncio of Python 3.10 forgets to close its side of TLS when the connection is reset
unclosed = pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
every_client = pytest.mark.parametrize(
    ("send", "reset", "cut"),
    [
        pytest.param(*client, id=client[0].__name__[5:], marks=[unclosed] if client[0] is with_aiohttp else [])
        for client in CLIENTS
    ],
)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and all that it holds or came from."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            left += [one.__cause__, one.__context__, *one.args]
            yield one


def was_reset(error: BaseException) -> bool:
    """Tell whether a TCP reset is at the bottom of an error, and not an end of the stream in good order."""
    return any(isinstance(one, OSError) and one.errno == errno.ECONNRESET for one in causes(error))


def ended_without_an_answer(error: BaseException) -> bool:
    """Tell whether the stream ended: what the ssl module of several Pythons makes of a reset (not in asyncio)."""
    return any(
        isinstance(one, http.client.RemoteDisconnected)
        or (isinstance(one, httpx.RemoteProtocolError) and "disconnected without sending a response" in str(one))
        for one in causes(error)
    )


@pytest.fixture(autouse=True)
def silent(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing is printed by any of these tests, and nothing above debug is logged by the simulator."""
    caplog.set_level(logging.DEBUG)
    yield
    if sys.version_info < (3, 11):
        gc.collect()  # while the warning of ``unclosed`` is ignored
    ours = [record for record in caplog.records if record.name.startswith("hubspot_simulator")]
    assert [record for record in ours if record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


@every_client
@pytest.mark.parametrize("name", ["connection_reset", "answer_lost"])
def test_the_connection_is_reset(
    place: Place, send: Send, reset: type[Exception], cut: type[Exception], name: str
) -> None:
    fault = place.simulator.inject(name)
    with pytest.raises(reset) as caught:
        send(place, "POST")
    blocking_tls = place.context is not None and send is not with_aiohttp
    assert was_reset(caught.value) or (blocking_tls and ended_without_an_answer(caught.value))
    assert [hit.status for hit in fault.hits] == [0 if name == "connection_reset" else 201]
    assert len(place.simulator.journal.exchanges) == 1
    assert send(place, "GET") == 200
    assert send(place, "POST") == (201 if name == "connection_reset" else 409)


@every_client
def test_a_truncated_body_is_seen(place: Place, send: Send, reset: type[Exception], cut: type[Exception]) -> None:
    fault = place.simulator.inject("truncated_body")
    with pytest.raises(cut) as caught:
        send(place, "POST")
    assert not was_reset(caught.value)
    assert [hit.status for hit in fault.hits] == [201]
    assert send(place, "GET") == 200
    assert send(place, "POST") == 409


@every_client
@pytest.mark.parametrize("name", ["BAD_GATEWAY", "MIGRATION", "TEN_SECONDLY_ROLLING", "EXPIRED_AUTHENTICATION"])
def test_a_refusal_is_an_answer(
    place: Place, send: Send, reset: type[Exception], cut: type[Exception], name: str
) -> None:
    fault = place.simulator.inject(name)
    assert [send(place, "POST") for _ in range(2)] == [fault.hits[0].status, 201]


@pytest.mark.parametrize("name", ["connection_reset", "answer_lost", "truncated_body"])
def test_a_connection_that_was_used_before_ends_likewise(place: Place, name: str) -> None:
    address = place.url.partition("//")[2]
    connection = (
        http.client.HTTPSConnection(address, timeout=30, context=place.context)
        if place.context
        else http.client.HTTPConnection(address, timeout=30)
    )
    for _ in range(3):
        connection.request("GET", CONTACTS, headers=place.headers)
        assert connection.getresponse().read() == b'{"results":[]}'
    place.simulator.inject(name)
    connection.request("GET", CONTACTS, headers=place.headers)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)) as caught:
        connection.getresponse().read()
    if place.context is None:
        assert was_reset(caught.value) is (name != "truncated_body")
    else:
        assert isinstance(caught.value, http.client.IncompleteRead) is (name == "truncated_body")
    connection.close()


@pytest.mark.parametrize("name", ["connection_reset", "answer_lost", "truncated_body"])
def test_no_thread_and_no_connection_is_left(name: str) -> None:
    before = set(threading.enumerate())  # some may end meanwhile
    simulator = Simulator()
    with SimulatorServer(simulator) as server:
        place = Place(simulator, server, server.url)
        fault = simulator.inject(name, times=None)
        for _ in range(20):
            with pytest.raises((OSError, http.client.IncompleteRead)):
                with_http_client(place, "GET")
        assert len(fault.hits) == 20
        fault.remove()
        assert with_http_client(place, "GET") == 200
        address = server.host, server.port
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


@pytest.mark.parametrize("name", ["connection_reset", "answer_lost", "truncated_body"])
def test_of_many_at_once_the_others_are_answered(place: Place, name: str) -> None:
    fault = place.simulator.inject(name, times=4)
    assert place.simulator.installation.access_token
    seen: list[str] = []

    def work() -> None:
        try:
            seen.append(str(with_http_client(place, "GET")))
        except (OSError, http.client.IncompleteRead):
            seen.append("broken")

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["200"] * 12 + ["broken"] * 4
    assert len(fault.hits) == 4


def test_an_answer_is_held_until_another_thread_has_refreshed(place: Place) -> None:
    simulator = place.simulator
    simulator.inject("held_answer", real_seconds=60)
    assert simulator.installation.access_token
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(with_http_client(place, "GET")))
    thread.start()
    while thread.is_alive() and not statuses:
        form = {
            "grant_type": "refresh_token",
            "client_id": simulator.app.client_id,
            "client_secret": simulator.app.client_secret,
            "refresh_token": simulator.installation.refresh_token,
        }
        with urllib3.PoolManager(ssl_context=place.context, assert_hostname=False) as pool:
            url = f"{place.url}/oauth/v3/token"
            assert pool.request_encode_body("POST", url, form, encode_multipart=False, timeout=30).status == 200
        thread.join(0.05)
    thread.join(60)
    assert statuses == [200]
    assert "held back until /oauth/*/token was answered" in next(
        exchange.why for exchange in simulator.journal.exchanges if exchange.path == CONTACTS
    )


class TestThroughResponses:
    def send(self, sim: HubspotSim, method: str = "POST") -> requests.Response:
        headers = {"Authorization": f"Bearer {sim.installation.access_token}", "Content-Type": "application/json"}
        return requests.request(method, f"https://{HOST}{CONTACTS}", data=BODY, headers=headers, timeout=30)

    @pytest.mark.parametrize("name", ["connection_reset", "answer_lost"])
    def test_the_connection_is_reset(
        self, hubspot_sim: HubspotSim, hubspot_responses: HubspotResponses, name: str
    ) -> None:
        fault = hubspot_sim.inject(name)
        with pytest.raises(requests.ConnectionError) as caught:
            self.send(hubspot_sim)
        assert was_reset(caught.value)
        assert isinstance(caught.value.args[0], urllib3.exceptions.ProtocolError)
        assert caught.value.request is not None
        assert [hit.faults for hit in fault.hits] == [(name,)]
        assert self.send(hubspot_sim).status_code == (201 if name == "connection_reset" else 409)

    def test_a_truncated_body_is_seen(self, hubspot_sim: HubspotSim, hubspot_responses: HubspotResponses) -> None:
        hubspot_sim.inject("truncated_body")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            self.send(hubspot_sim)
        assert self.send(hubspot_sim).status_code == 409

    def test_a_head_request_has_no_body_to_cut(
        self, hubspot_sim: HubspotSim, hubspot_responses: HubspotResponses
    ) -> None:
        hubspot_sim.inject("truncated_body")
        assert self.send(hubspot_sim, "HEAD").status_code == 200

    def test_refusals_are_answers(self, hubspot_sim: HubspotSim, hubspot_responses: HubspotResponses) -> None:
        hubspot_sim.inject("GATEWAY_TIMEOUT")
        answer = self.send(hubspot_sim)
        assert (answer.status_code, answer.reason) == (504, "Gateway Timeout")
        assert answer.headers["Content-Type"] == "text/html"

    def test_a_mounted_mock_goes_on(self, hubspot_sim: HubspotSim, hubspot_responses: HubspotResponses) -> None:
        hubspot_sim.inject("connection_reset")
        with responses.RequestsMock() as mock:
            hubspot_responses.mount(mock)
            with pytest.raises(requests.ConnectionError):
                self.send(hubspot_sim)
            assert self.send(hubspot_sim).status_code == 201


class TestThroughHttpx:
    def headers(self, sim: HubspotSim) -> dict[str, str]:
        return {"Authorization": f"Bearer {sim.installation.access_token}", "Content-Type": "application/json"}

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("connection_reset", "ReadError"),
            ("answer_lost", "ReadError"),
            ("truncated_body", "RemoteProtocolError"),
        ],
    )
    @pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
    def test_the_clients_own_errors(self, hubspot_sim: HubspotSim, library: Any, name: str, error: str) -> None:
        transport = hubspot_sim.httpx_transport(library)
        fault = hubspot_sim.inject(name)
        with library.Client(transport=transport, headers=self.headers(hubspot_sim)) as client:
            with pytest.raises(getattr(library, error)) as caught:
                client.post(f"https://{HOST}{CONTACTS}", content=BODY)
            assert caught.value.request.method == "POST"
            assert client.get(f"https://{HOST}{CONTACTS}").status_code == 200
        assert [hit.faults for hit in fault.hits] == [(name,)]

    def test_and_in_asyncio(self, hubspot_sim: HubspotSim) -> None:
        hubspot_sim.inject("answer_lost")
        hubspot_sim.inject("SERVICE_UNAVAILABLE", nth=2)

        async def run() -> int:
            transport = hubspot_sim.httpx_transport(httpx)
            async with httpx.AsyncClient(transport=transport, headers=self.headers(hubspot_sim)) as client:
                with pytest.raises(httpx.ReadError):
                    await client.post(f"https://{HOST}{CONTACTS}", content=BODY)
                return (await client.get(f"https://{HOST}{CONTACTS}")).status_code

        assert asyncio.run(run()) == 503


class TestIntercepted:
    @pytest.mark.parametrize("name", ["connection_reset", "answer_lost"])
    def test_a_reset_at_hubspots_own_host(self, hubspot_sim: HubspotSim, hubspot_intercept: object, name: str) -> None:
        headers = {"Authorization": f"Bearer {hubspot_sim.installation.access_token}"}
        hubspot_sim.inject(name)
        with pytest.raises(requests.ConnectionError) as caught:
            requests.get(f"https://{HOST}{CONTACTS}", headers=headers, timeout=30)
        assert was_reset(caught.value) or ended_without_an_answer(caught.value)
        assert requests.get(f"https://{HOST}{CONTACTS}", headers=headers, timeout=30).status_code == 200


class TestBothClocks:
    """In a test that freezes time the code under test sees the move, too."""

    def get(self, sim: HubspotSim) -> int:
        headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
        return requests.get(sim.url + CONTACTS, headers=headers, timeout=30).status_code

    def test_expiry_moves_both(self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
        expires_at = hubspot_sim.installation.expires_at
        hubspot_sim.inject("expiry")
        assert self.get(hubspot_sim) == 200
        assert hubspot_clock.now == hubspot_sim.clock.now > expires_at
        assert "then both clocks moved by " in hubspot_sim.journal.exchanges[-1].why
        assert self.get(hubspot_sim) == 401

    def test_in_flight_moves_both(self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
        expires_at = hubspot_sim.installation.expires_at
        hubspot_sim.inject("in_flight")
        assert self.get(hubspot_sim) == 401
        assert hubspot_clock.now == hubspot_sim.clock.now > expires_at

    def test_a_delay_moves_both(self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
        start = hubspot_clock.now
        hubspot_sim.inject("delay", seconds=12)
        assert self.get(hubspot_sim) == 200
        assert (hubspot_clock.now - start).total_seconds() == 12
        assert hubspot_sim.clock.now == hubspot_clock.now

    def test_clock_skew_moves_hubspots_alone(self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
        start = hubspot_clock.now
        hubspot_sim.inject("clock_skew", minutes=31)
        assert self.get(hubspot_sim) == 401
        assert hubspot_clock.now == start
        assert (hubspot_sim.clock.now - start).total_seconds() == 31 * 60

    @pytest.mark.parametrize("name", ["server_only", "revoked"])
    def test_a_token_that_dies_at_hubspot_moves_none(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, name: str
    ) -> None:
        start = hubspot_clock.now
        hubspot_sim.inject(name)
        assert self.get(hubspot_sim) == 401
        assert hubspot_clock.now == hubspot_sim.clock.now == start
