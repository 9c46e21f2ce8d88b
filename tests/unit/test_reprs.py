"""The reprs of public objects say what a person wants to know, and no secret whole (D5)."""

from __future__ import annotations

import dataclasses
import inspect
from datetime import datetime, timezone
from typing import get_origin

import pytest
from werkzeug.test import Client

import hubspot_simulator
import pytest_hubspot_auth
from hubspot_simulator import ManualClock, Simulator, SystemClock, webhooks
from hubspot_simulator.core import tokens
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.conformance.connection import Connection
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.serving.webhook_delivery import WebhookSender
from hubspot_simulator.settings import Settings
from pytest_hubspot_auth import HubspotClock

NOW_MS = 1_795_428_000_000  # 2026-11-23T10:00:00Z


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(Settings(random_seed="x" * 20, token_ttl=60), clock=ManualClock(NOW_MS))
    simulator.inject("INTERNAL_ERROR")
    client = Client(Application(simulator))
    token = simulator.installation.access_token
    for _ in range(3):
        client.get("/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"})
        simulator.clock.advance(minutes=2)
    return simulator


def test_d5_the_journal_iterates_and_has_a_length(simulator: Simulator) -> None:
    journal = simulator.journal
    assert len(journal) == 3
    assert list(journal) == journal.exchanges == [journal[0], journal[1], journal[2]]
    assert journal[-2:] == journal.exchanges[1:]
    assert journal[-1].status == 401
    with pytest.raises(IndexError):
        journal[3]
    assert not Simulator().journal  # as any empty sequence


def test_d5_a_journal_that_forgot_says_so(simulator: Simulator) -> None:
    simulator.store.exchanges.popleft()
    assert repr(simulator.journal).startswith(
        "<Journal: the last 2 of 3 exchanges, the last #3 2026-11-23T10:04:00Z GET"
    )


def test_d5_what_each_repr_says(simulator: Simulator) -> None:
    app, portal, installed = simulator.app, simulator.portal, simulator.installation
    token = tokens.shorten(installed.access_token)
    assert repr(portal) == f"<portal {portal.hub_id}, {portal.hub_domain}, na1>"
    assert repr(app) == f"<app {app.app_id} 'Test app': client_id {app.client_id}, 8 scopes>"
    assert repr(installed) == (
        f"<ConnectedInstallation of app {app.app_id} in portal {portal.hub_id}: "
        f"access token {token} expires at 2026-11-23T10:01:00Z>"
    )
    assert repr(simulator.install()).endswith(": access token not issued yet>")
    assert repr(simulator.store.faults[0]) == "<fault INTERNAL_ERROR for any authenticated call: hit 1 call>"
    assert repr(simulator.settings) == "Settings(random_seed='…', token_ttl=60)"
    assert repr(Settings()) == "Settings()"
    assert repr(simulator.clock) == "<OffsetClock at 2026-11-23T10:06:00Z, moved by 0:06:00>"
    assert repr(simulator) == (
        f"<Simulator: portal {portal.hub_id}, app {app.app_id}, 3 exchanges, now 2026-11-23T10:06:00Z>"
    )
    assert repr(SimulatorServer(simulator)) == f"<SimulatorServer not running: {simulator!r}>"
    with SimulatorServer(simulator) as server:
        assert repr(server) == f"<SimulatorServer {server.url}: {simulator!r}>"
    finding = simulator.audit()[0]
    assert repr(finding).startswith(f"<{finding.severity} {finding.id}: ")
    assert f"(#{finding.exchanges[0].number}" in repr(finding)


def test_d5_a_look_at_a_server_that_does_not_run_starts_none(simulator: Simulator) -> None:
    server = SimulatorServer(simulator)
    repr(server)
    assert not server._server.ready


def test_d5_a_clock_says_where_it_stands(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.hubspot(now="2026-11-23T10:00:00Z")
        def test_it(hubspot_clock):
            assert repr(hubspot_clock) == "<HubspotClock at 2026-11-23T10:00:00Z>"
            hubspot_clock.server.advance(minutes=5)
            assert repr(hubspot_clock) == "<HubspotClock at 2026-11-23T10:00:00Z, HubSpot's clock 0:05:00 ahead>"
            hubspot_clock.client.advance(minutes=15)
            assert repr(hubspot_clock) == "<HubspotClock at 2026-11-23T10:15:00Z, HubSpot's clock 0:10:00 behind>"
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def secrets(simulator: Simulator) -> list[str]:
    installed = simulator.installation
    private, code = simulator.add_private_app().access_token, simulator.authorize()
    issued = [installed.access_token, installed.refresh_token, simulator.app.client_secret]
    return [*issued, private, code, simulator.settings.random_seed]


def test_d5_no_repr_of_anything_within_reach_has_a_whole_secret(simulator: Simulator) -> None:
    """Everything that can be reached from the simulator: its repr may stand in a traceback with local variables."""
    hidden = secrets(simulator)
    installed = simulator.installation
    connection = Connection(
        base_url="http://127.0.0.1:1",
        client_id=simulator.app.client_id,
        client_secret=simulator.app.client_secret,
        redirect_uri=simulator.app.redirect_uri,
        hub_id=simulator.portal.hub_id,
        tokens=installed.token_response,
        obtained_at=datetime(2026, 11, 23, tzinfo=timezone.utc),
    )
    sender = WebhookSender(simulator.clock, timeout=0.001)
    delivery = sender.deliver(f"http://127.0.0.1:1/x?token={hidden[1]}", simulator.webhook_event(), hidden[2])
    parsed = tokens.parse(installed.access_token)
    waiting = [simulator, installed, connection, delivery, parsed, *simulator.audit(), simulator.journal]
    seen: dict[int, object] = {}
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (str, bytes, int, float, type(None), type)):
            continue
        seen[id(one)] = one
        ours = type(one).__module__.startswith(("hubspot_simulator", "pytest_hubspot_auth"))
        if ours:
            assert [secret for secret in hidden if secret in repr(one)] == [], type(one)
        if ours or isinstance(one, (dict, list, tuple, set)):
            waiting += one.values() if isinstance(one, dict) else one if isinstance(one, (list, tuple, set)) else ()
            waiting += getattr(one, "__dict__", {}).values()
    assert len(seen) > 30


def test_d5_every_public_class_has_a_repr_of_its_own() -> None:
    plain = []
    for module in (hubspot_simulator, webhooks, pytest_hubspot_auth):
        for name in module.__all__:
            public = getattr(module, name)
            is_class = inspect.isclass(public) and get_origin(public) is None  # Python 3.10 takes an alias for a class
            if is_class and public.__repr__ is object.__repr__ and not dataclasses.is_dataclass(public):
                plain.append(name)
    assert plain == ["Clock", "HubSpotRefreshSuite"]  # they are inherited from, and have no state


def test_d5_the_clocks_and_what_waits_by_them_say_what_time_it_is(hubspot_clock: HubspotClock) -> None:
    assert repr(ManualClock(NOW_MS)) == "<ManualClock at 2026-11-23T10:00:00Z>"
    assert repr(SystemClock()).startswith("<SystemClock at 2")
    assert repr(webhooks.WebhookSender(ManualClock(NOW_MS))) == (
        "<WebhookSender by <ManualClock at 2026-11-23T10:00:00Z>>"
    )
    with hubspot_clock.simulate_waiting() as waiting:
        assert repr(waiting) == "<SimulatedWaiting, on>"
    assert repr(waiting) == "<SimulatedWaiting, off>"
