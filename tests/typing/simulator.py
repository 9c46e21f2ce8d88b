"""The simulator without pytest, as type checkers see it."""

from __future__ import annotations

import ssl
from typing import Any

from typing_extensions import assert_type

from hubspot_simulator import (
    App,
    AuthorityUnavailable,
    Clock,
    ClockOutOfRange,
    ConnectedInstallation,
    Exchange,
    Finding,
    InjectedFault,
    Journal,
    ManualClock,
    OffsetClock,
    Portal,
    PrivateApp,
    Reproduction,
    ServerStartError,
    SettingError,
    Settings,
    Simulator,
    SimulatorServer,
    SystemClock,
    webhooks,
)


class OwnClock:
    def now_ms(self) -> int:
        return 0


def serve(settings: Settings, clock: Clock) -> None:
    simulator = Simulator(settings, clock=clock, name="a test")
    with SimulatorServer(simulator, host="127.0.0.1", port=0) as server:
        assert_type(server, SimulatorServer)
        assert_type(server.simulator, Simulator)
        server.simulator = Simulator()


def use(simulator: Simulator, context: ssl.SSLContext) -> None:
    assert_type(simulator.clock, OffsetClock)
    simulator.clock.advance(minutes=31)
    assert_type(simulator.journal, Journal)
    assert_type(simulator.installation, ConnectedInstallation)
    kept: list[App | Portal | PrivateApp] = [simulator.app, simulator.portal, simulator.add_private_app()]
    results: list[InjectedFault | Reproduction | Exchange | Finding] = [simulator.inject("DAILY"), *simulator.audit()]
    raised: list[type[Exception]] = [AuthorityUnavailable, ClockOutOfRange, ServerStartError, SettingError]
    simulator.reset()
    print(kept, results, raised)
    simulator.settings.token_ttl = 60  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def sign(secret: str, events: list[webhooks.Event]) -> None:
    assert_type(webhooks.sign_events(secret, "https://app.example.com/", events, 3), webhooks.SignedRequest)
    assert_type(webhooks.signature_v1(secret, b""), str)
    assert_type(webhooks.signature_v2(secret, "POST", "https://app.example.com/", b""), str)
    assert_type(webhooks.signature_v3(secret, "POST", "https://app.example.com/", "", 3), str)


def deliver(simulator: Simulator, context: ssl.SSLContext) -> None:
    event = webhooks.event(1, 2, 3, "contact.creation", propertyName="email")
    assert_type(event, dict[str, Any])
    secret = simulator.app.client_secret
    request = webhooks.sign_request(secret, "POST", "https://app.example.com/", b"[]", 3, version="v2")
    assert_type(request, webhooks.SignedRequest)
    assert_type(webhooks.decode_uri("https://app.example.com/?a=%40"), str)
    delivery = webhooks.WebhookSender(simulator.clock, ssl_context=context).deliver(request.url, [event], secret)
    assert_type(delivery, webhooks.Delivery)
    assert_type(delivery.attempts, list[webhooks.Attempt])
    assert_type(delivery.next_attempt_at_ms, int | None)
    webhooks.sign(secret, "POST", "https://app.example.com/", "", 3, version="v4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


for each in (ManualClock(0), SystemClock(), OwnClock(), OffsetClock(ManualClock())):
    serve(Settings(), each)
