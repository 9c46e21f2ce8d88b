"""What the fixtures give, as type checkers see it. Checked by mypy and pyright, never run: `tox -e types`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import httpx2
import pytest
from typing_extensions import assert_type

from hubspot_simulator.webhooks import Attempt, Delivery, SignedRequest
from pytest_hubspot_auth import (
    App,
    AuthorityUnavailable,
    ConnectedInstallation,
    Exchange,
    Finding,
    FollowingClock,
    HubspotClock,
    HubspotResponses,
    HubspotSim,
    InjectedFault,
    Journal,
    Portal,
    PrivateApp,
    Reproduction,
    SettingError,
    Settings,
    SimulatedWaiting,
    SimulatorServer,
    UnreachableClient,
)


class OfficialClient:
    def __init__(self, access_token: str | None = None, *, host: str = "", base_url: str = "") -> None: ...


@pytest.fixture(scope="session")
def hubspot_settings() -> Settings:
    return Settings(token_ttl=60, wire="short", guard="auto")


def test_sim(hubspot_sim: HubspotSim) -> None:
    assert_type(hubspot_sim.url, str)
    assert_type(hubspot_sim.app, App)
    assert_type(hubspot_sim.portal, Portal)
    assert_type(hubspot_sim.settings, Settings)
    assert_type(hubspot_sim.settings.token_ttl, int)
    assert_type(hubspot_sim.installation, ConnectedInstallation)
    assert_type(hubspot_sim.client_kwargs["access_token"], str)
    OfficialClient(**hubspot_sim.client_kwargs)
    portal = hubspot_sim.add_portal(hublet="eu1", scopes=["oauth"])
    app = hubspot_sim.add_app(name="Another", redirect_uris=["https://app.example.com/callback"])
    assert_type(hubspot_sim.install(app, portal), ConnectedInstallation)
    assert_type(hubspot_sim.add_private_app(portal), PrivateApp)
    assert_type(hubspot_sim.authorize(app, portal), str)
    hubspot_sim.uninstall()
    hubspot_sim.migrate_portal(portal, seconds=60)
    hubspot_sim.lock_portal()
    hubspot_sim.wrong_region(correct_hublet="eu1")
    hubspot_sim.end_condition()
    hubspot_sim.delete_portal(portal)
    hubspot_sim.assert_called("POST", "/oauth/v1/token", times=1)


def test_faults_and_findings(hubspot_sim: HubspotSim) -> None:
    fault = hubspot_sim.inject("EXPIRED_AUTHENTICATION", method="GET", nth=2, times=None, seconds_ago=5)
    assert_type(fault, InjectedFault)
    assert_type(fault.hits, list[Exchange])
    fault.remove()
    assert_type(hubspot_sim.reproduce("BAD_REFRESH_TOKEN", at=2), Reproduction)
    assert_type(hubspot_sim.audit(), list[Finding])
    for finding in hubspot_sim.audit():
        assert_type(finding.id, str)
        assert_type(finding.explain, str)
        assert_type(finding.exchanges, tuple[Exchange, ...])


def test_journal(hubspot_sim: HubspotSim) -> None:
    assert_type(hubspot_sim.journal, Journal)
    assert_type(hubspot_sim.journal[-1], Exchange)
    assert_type(hubspot_sim.journal[1:], list[Exchange])
    assert_type(hubspot_sim.journal.find("GET", "/crm/v3/objects/{type}"), list[Exchange])
    for exchange in hubspot_sim.journal:
        assert_type(exchange.status, int)
        assert_type(exchange.process, int | None)


def test_transports(hubspot_sim: HubspotSim) -> None:
    transport = hubspot_sim.httpx_transport()
    with httpx.Client(transport=transport) as client:
        assert_type(client.get("https://api.hubapi.com/crm/v3/objects/contacts").status_code, int)
    httpx.AsyncClient(transport=hubspot_sim.httpx_transport(httpx))
    httpx2.Client(transport=hubspot_sim.httpx_transport(httpx2))
    httpx2.AsyncClient(transport=hubspot_sim.httpx_transport(library=httpx2))
    httpx.Client(transport=hubspot_sim.httpx_transport(httpx2))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with hubspot_sim.intercept(), pytest.raises((AuthorityUnavailable, UnreachableClient)):
        pass


def test_clock(
    hubspot_clock: HubspotClock, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
) -> None:
    assert_type(hubspot_clock.now, datetime)
    hubspot_clock.advance(minutes=31)
    hubspot_clock.advance(timedelta(minutes=31))
    hubspot_clock.advance_to(hubspot_installation.expires_at)
    hubspot_clock.server.advance(seconds=5)
    hubspot_clock.client.advance(seconds=5)
    hubspot_clock.expire(hubspot_installation)
    hubspot_clock.expire("an access token")
    assert_type(hubspot_clock.simulate_waiting(), SimulatedWaiting)
    with hubspot_clock.simulate_waiting():
        pass
    assert_type(hubspot_installation.expires_in, int)
    assert_type(hubspot_installation.token_response, dict[str, Any])
    assert_type(hubspot_sim.clock.now_ms(), int)
    FollowingClock().now_ms()
    hubspot_clock.advance("31 minutes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_webhooks(hubspot_sim: HubspotSim) -> None:
    event = hubspot_sim.webhook_event("contact.creation", object_id=512)
    assert_type(hubspot_sim.sign_webhook("https://app.example.com/", [event]), SignedRequest)
    delivery = hubspot_sim.deliver_webhook("https://app.example.com/", event)
    assert_type(delivery, Delivery)
    assert_type(delivery.run_due(), list[Attempt])


def test_others(hubspot_server: SimulatorServer, hubspot_responses: HubspotResponses) -> None:
    assert_type(hubspot_server.url, str)
    assert_type(hubspot_server.port, int)
    with pytest.raises(SettingError):
        Settings(token_ttl=0)


def test_what_is_wrong_is_seen(hubspot_sim: HubspotSim) -> None:
    hubspot_sim.settings = Settings()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    hubspot_sim.injekt("DAILY")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    Settings(token_ttl="60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
