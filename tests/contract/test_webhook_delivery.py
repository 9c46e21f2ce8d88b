"""Webhooks over real sockets, read by HubSpot's own client."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import trustme
from hubspot.exceptions import InvalidSignatureTimestampError
from hubspot.utils.signature import Signature

from hubspot_simulator.core.clock import ManualClock, OffsetClock
from hubspot_simulator.core.webhooks import Event, SignedRequest, event, sign_events, sign_request
from hubspot_simulator.serving.webhook_delivery import Delivery, WebhookSender
from hubspot_simulator.serving.wsgi_server import WSGIServer
from pytest_hubspot_auth import HubspotClock, HubspotSim

SECRET = "cfc68c0b-aaaa-bbbb-cccc-95350e4ea479"
MINUTE_MS = 60_000
CREATED = event(54321, 62515, 1_700_000_000_000)


@dataclass
class Receiver:
    """An app that takes webhooks. It answers with ``statuses`` one after the other, then with 204."""

    statuses: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.received.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        status = self.statuses.pop(0) if self.statuses else 204
        start_response(f"{status} Answer", [("Location", f"{self.url}/elsewhere"), ("Content-Length", "0")])
        return []

    def last_is_valid(self, version: str) -> bool:
        """Whether the official client takes the last request. It raises when version 3 is too old."""
        environ = self.received[-1]
        name = "HTTP_X_HUBSPOT_SIGNATURE_V3" if version == "v3" else "HTTP_X_HUBSPOT_SIGNATURE"
        return bool(
            Signature.is_valid(
                signature=environ[name],
                client_secret=SECRET,
                request_body=self.bodies[-1].decode(),
                http_uri=f"{self.url}{environ['PATH_INFO']}?{environ['QUERY_STRING']}",
                signature_version=version,
                timestamp=environ["HTTP_X_HUBSPOT_REQUEST_TIMESTAMP"],
            )
        )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    app = Receiver()
    with WSGIServer(app) as server:
        app.url = server.url
        yield app


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock(ManualClock(1_700_000_000_000))


@pytest.fixture
def sender(clock: OffsetClock) -> WebhookSender:
    return WebhookSender(clock)


def numbers(receiver: Receiver) -> list[int]:
    """The attemptNumber of each request that arrived."""
    return [json.loads(body)[0]["attemptNumber"] for body in receiver.bodies]


def test_the_first_attempt_arrives_at_once_and_as_signed(receiver: Receiver, sender: WebhookSender) -> None:
    url = f"{receiver.url}/hubspot?tenant=a%3A7"
    delivery = sender.deliver(url, CREATED, SECRET)
    assert delivery.delivered
    assert delivery.next_attempt_at_ms is None
    assert delivery.run_due() == []
    [attempt] = delivery.attempts
    assert (attempt.number, attempt.at_ms, attempt.status, attempt.error) == (0, 1_700_000_000_000, 204, None)
    assert attempt.request == sign_events(SECRET, url, CREATED, 1_700_000_000_000)
    [environ] = receiver.received
    assert receiver.bodies == [attempt.request.body]
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/hubspot")
    assert environ["QUERY_STRING"] == "tenant=a%3A7"
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["HTTP_X_HUBSPOT_SIGNATURE_VERSION"] == "v1"
    for name in ("Signature", "Signature-v3", "Request-Timestamp"):
        arrived = environ[f"HTTP_X_HUBSPOT_{name.upper().replace('-', '_')}"]
        assert arrived == attempt.request.headers[f"X-HubSpot-{name}"]


def test_the_official_client_takes_what_is_fresh(
    receiver: Receiver, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    sender = WebhookSender(hubspot_sim.clock)
    delivery = sender.deliver(f"{receiver.url}/hubspot?a=1", CREATED, SECRET)
    assert receiver.last_is_valid("v1")
    assert receiver.last_is_valid("v3")
    hubspot_clock.advance(seconds=299)
    sender.post(delivery.attempts[0].request)
    assert receiver.last_is_valid("v3")
    hubspot_clock.advance(seconds=1)
    sender.post(delivery.attempts[0].request)
    with pytest.raises(InvalidSignatureTimestampError):
        receiver.last_is_valid("v3")


def test_each_retry_is_fresh(receiver: Receiver, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
    receiver.statuses = [500]
    delivery = WebhookSender(hubspot_sim.clock).deliver(f"{receiver.url}/hubspot?a=1", CREATED, SECRET)
    hubspot_clock.advance(hours=20)
    [retry] = delivery.run_due()
    assert retry.delivered
    assert receiver.last_is_valid("v1")
    assert receiver.last_is_valid("v3")


def test_a_workflow_action_has_version_2(receiver: Receiver, sender: WebhookSender) -> None:
    request = sign_request(SECRET, "POST", f"{receiver.url}/action?a=1", '{"callbackId":"é"}', 0, version="v2")
    assert sender.post(request) == (204, None)
    assert receiver.last_is_valid("v2")
    forged = replace(request, body=b"{}")
    assert sender.post(forged) == (204, None)
    assert not receiver.last_is_valid("v2")


def test_a_retry_comes_when_it_is_due(receiver: Receiver, sender: WebhookSender, clock: OffsetClock) -> None:
    receiver.statuses = [500, 500]
    delivery = sender.deliver(f"{receiver.url}/hubspot", [CREATED, CREATED], SECRET)
    start_ms = clock.now_ms()
    assert not delivery.delivered
    assert delivery.next_attempt_at_ms == start_ms + MINUTE_MS
    clock.advance(milliseconds=MINUTE_MS - 1)
    assert delivery.run_due() == []
    clock.advance(milliseconds=1)
    [second] = delivery.run_due()
    assert (second.number, second.at_ms, second.status, second.delivered) == (1, start_ms + MINUTE_MS, 500, False)
    assert delivery.run_due() == []
    clock.advance(hours=-1)
    assert delivery.run_due() == []
    clock.advance(hours=1, minutes=4)
    [third] = delivery.run_due()
    assert third.delivered
    assert delivery.delivered
    assert delivery.attempts[1:] == [second, third]
    assert [[one["attemptNumber"] for one in json.loads(body)] for body in receiver.bodies] == [[0, 0], [1, 1], [2, 2]]
    assert len({environ["HTTP_X_HUBSPOT_SIGNATURE"] for environ in receiver.received}) == 3
    assert CREATED["attemptNumber"] == 0


def test_what_was_missed_is_made_one_by_one_while_it_fails(
    receiver: Receiver, sender: WebhookSender, clock: OffsetClock
) -> None:
    receiver.statuses = [503, 503, 503]
    delivery = sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET)
    clock.advance(hours=3)
    made = delivery.run_due()
    assert [attempt.number for attempt in made] == [1, 2, 3]
    assert {attempt.request.signed_at_ms for attempt in made} == {clock.now_ms()}
    assert delivery.delivered
    clock.advance(hours=24)
    assert delivery.run_due() == []


def test_a_first_attempt_is_one_however_long_it_takes(
    listener: socket.socket, sender: WebhookSender, clock: OffsetClock
) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with closing(connection):
            clock.advance(hours=1)

    thread = threading.Thread(target=serve)
    thread.start()
    error_of(sender.deliver(url_of(listener), CREATED, SECRET))
    thread.join()


def test_after_ten_retries_it_is_given_up(receiver: Receiver, sender: WebhookSender, clock: OffsetClock) -> None:
    receiver.statuses = [500] * 20
    delivery = sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET)
    start_ms = clock.now_ms()
    while (due_ms := delivery.next_attempt_at_ms) is not None:
        clock.advance(milliseconds=due_ms - clock.now_ms())
        assert len(delivery.run_due()) == 1
    assert clock.now_ms() - start_ms == 24 * 60 * MINUTE_MS
    clock.advance(days=7)
    assert delivery.run_due() == []
    assert not delivery.delivered
    assert numbers(receiver) == list(range(11))


@pytest.mark.parametrize("status", [301, 304, 307, 400, 401, 404, 410, 429, 500, 503])
def test_any_other_status_is_a_failure(receiver: Receiver, sender: WebhookSender, status: int) -> None:
    receiver.statuses = [status]
    delivery = sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET)
    assert [attempt.status for attempt in delivery.attempts] == [status]
    assert not delivery.delivered
    assert delivery.next_attempt_at_ms is not None
    assert [environ["PATH_INFO"] for environ in receiver.received] == ["/hubspot"]  # no redirect was followed


@pytest.mark.parametrize("status", [200, 202, 299])
def test_any_success_is_one(receiver: Receiver, sender: WebhookSender, status: int) -> None:
    receiver.statuses = [status]
    assert sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET).delivered


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that connections reach, where nobody answers by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/hubspot"


def error_of(delivery: Delivery) -> str:
    [attempt] = delivery.attempts
    assert attempt.status is None
    assert not attempt.delivered
    assert delivery.next_attempt_at_ms == attempt.at_ms + MINUTE_MS
    return str(attempt.error)


def test_no_connection_is_a_failure(listener: socket.socket, sender: WebhookSender) -> None:
    url, threads = url_of(listener), threading.enumerate()
    listener.close()
    assert error_of(sender.deliver(url, CREATED, SECRET)).startswith("connection failed: ConnectionRefusedError: ")
    assert set(threading.enumerate()) <= set(threads)


def test_no_answer_in_real_time_is_a_failure(
    listener: socket.socket, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    sender = WebhookSender(hubspot_sim.clock, timeout=0.05)
    assert error_of(sender.deliver(url_of(listener), CREATED, SECRET)) == "timeout: no response within 0.05 s"


def test_hubspot_waits_for_five_seconds(monkeypatch: pytest.MonkeyPatch, sender: WebhookSender) -> None:
    waited = []

    def connect(address: Any, timeout: Any = None, *rest: Any) -> Any:
        waited.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    delivery = sender.deliver("http://127.0.0.1:9/hubspot", CREATED, SECRET)
    assert error_of(delivery) == "timeout: no response within 5 s"
    assert waited == [5]


@pytest.mark.parametrize("answer", [b"", b"\x00\xff\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
def test_half_an_answer_is_a_failure(listener: socket.socket, sender: WebhookSender, answer: bytes) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as sent:
            while sent.readline().strip():
                pass
            sent.read1()
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    assert error_of(sender.deliver(url_of(listener), CREATED, SECRET)).startswith("connection failed: ")
    thread.join()


def test_https_trusts_whom_it_is_told_to(clock: OffsetClock) -> None:
    authority = trustme.CA()
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    with WSGIServer(Receiver(), ssl_context=server_tls) as server:
        refused = WebhookSender(clock).deliver(f"{server.url}/hubspot", CREATED, SECRET)
        trusted = WebhookSender(clock, ssl_context=client_tls).deliver(f"{server.url}/hubspot", CREATED, SECRET)
    assert "CERTIFICATE_VERIFY_FAILED" in error_of(refused)
    assert trusted.delivered


def test_a_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, sender: WebhookSender, listener: socket.socket
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url_of(listener))
    assert sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET).delivered


def test_what_cannot_be_sent_is_refused_before_it_is(receiver: Receiver, sender: WebhookSender) -> None:
    with pytest.raises(ValueError, match="101 events: HubSpot sends 1 to 100"):
        sender.deliver(receiver.url, [CREATED] * 101, SECRET)
    with pytest.raises(ValueError, match="0 events: HubSpot sends 1 to 100"):
        sender.deliver(receiver.url, [], SECRET)
    with pytest.raises(ValueError, match="expected an http or https URL"):
        sender.deliver("file:///etc/passwd", CREATED, SECRET)
    assert receiver.received == []


def test_a_hundred_large_events_arrive_whole(receiver: Receiver, sender: WebhookSender) -> None:
    large: Event = {**CREATED, "propertyValue": "é" * 65_536}
    assert sender.deliver(f"{receiver.url}/hubspot", [large] * 100, SECRET).delivered
    assert receiver.last_is_valid("v1")
    assert len(json.loads(receiver.bodies[0])) == 100


def test_later_changes_of_an_event_are_not_sent(receiver: Receiver, sender: WebhookSender, clock: OffsetClock) -> None:
    receiver.statuses = [500]
    changing = dict(CREATED)
    delivery = sender.deliver(f"{receiver.url}/hubspot", changing, SECRET)
    changing["objectId"] = 0
    clock.advance(minutes=1)
    delivery.run_due()
    assert [json.loads(body)[0]["objectId"] for body in receiver.bodies] == [123, 123]


def test_people_see_what_happened_and_no_secret(receiver: Receiver, sender: WebhookSender, clock: OffsetClock) -> None:
    receiver.statuses = [500] * 11
    delivery = sender.deliver(f"{receiver.url}/hubspot?key=hidden", [CREATED, CREATED], SECRET)
    first = "#0 2023-11-14T22:13:20Z POST 500"
    assert str(delivery.attempts[0]) == first
    assert repr(delivery) == f"<Delivery of 2 events, next attempt at 2023-11-14T22:14:20Z: {first}>"
    clock.advance(days=1)
    delivery.run_due()
    assert repr(delivery).startswith(f"<Delivery of 2 events, given up: {first}, #1 ")
    delivered = sender.deliver(f"{receiver.url}/hubspot", CREATED, SECRET)
    assert repr(delivered) == "<Delivery of 1 event, delivered: #0 2023-11-15T22:13:20Z POST 204>"
    for shown in (delivery, delivery.attempts, delivery.attempts[0].request, sender):
        assert SECRET not in repr(shown)
        assert "hidden" not in repr(shown)


def test_a_held_request_is_posted_as_it_stands(listener: socket.socket, sender: WebhookSender) -> None:
    held = SignedRequest(url_of(listener).removesuffix("/hubspot"), "POST", {"X-Mine": "1"}, b"[]", 0)
    heads = []

    def serve() -> None:
        connection, _ = listener.accept()
        with closing(connection):
            heads.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    assert sender.post(held) == (302, None)
    thread.join()
    assert heads[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nX-Mine: 1\r\n" in heads[0]
