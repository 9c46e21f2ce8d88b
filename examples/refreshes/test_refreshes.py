import pytest
import requests
from refreshes.sync import ContactSync

TOKEN = "/oauth/2026-09/token"


@pytest.fixture
def saved():
    return []


@pytest.fixture
def sync(hubspot_sim, hubspot_clock, hubspot_app, hubspot_installation, saved):
    return ContactSync(
        hubspot_installation.token_response,
        hubspot_app.client_id,
        hubspot_app.client_secret,
        base_url=hubspot_sim.url,
        save=lambda tokens, received_at: saved.append((tokens["access_token"], received_at)),
    )


@pytest.mark.hubspot_sweep(calls=3)
def test_it_survives_an_expiry_before_each_of_its_calls(sync):
    sync.add("ada@example.com")
    sync.add("bob@example.com")
    assert sync.emails() == ["ada@example.com", "bob@example.com"]


def test_a_valid_token_is_not_refreshed(sync, hubspot_sim, hubspot_clock):
    sync.emails()
    hubspot_clock.advance(minutes=28)
    sync.emails()
    hubspot_sim.assert_called("POST", TOKEN, times=0)


def test_it_refreshes_before_the_token_expires(sync, hubspot_sim, hubspot_clock, saved):
    hubspot_clock.advance(minutes=29, seconds=30)
    sync.emails()
    hubspot_sim.assert_called("POST", TOKEN, times=1)
    assert saved == [(sync.tokens["access_token"], hubspot_clock.now.timestamp())]


def test_it_refreshes_at_every_expiry(sync, hubspot_sim, hubspot_clock):
    for _ in range(4):
        hubspot_clock.advance(minutes=31)
        sync.emails()
    hubspot_sim.assert_called("POST", TOKEN, times=4)


def test_a_401_refreshes_once(sync, hubspot_sim, hubspot_clock):
    """The clock of this machine is slow, so only the 401 shows that the token has expired."""
    hubspot_clock.server.advance(minutes=31)
    sync.add("ada@example.com")
    assert sync.emails() == ["ada@example.com"]
    hubspot_sim.assert_called("POST", TOKEN, times=1)
    hubspot_sim.assert_called("POST", "/crm/v3/objects/contacts", times=2)


def test_a_dead_refresh_token_is_tried_once(sync, hubspot_sim, hubspot_clock):
    hubspot_sim.uninstall()
    hubspot_clock.advance(minutes=31)
    with pytest.raises(requests.HTTPError, match="400"):
        sync.emails()
    hubspot_sim.assert_called("POST", TOKEN, times=1)
