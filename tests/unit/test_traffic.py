"""What the conformance suite reads in the journal of an integration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.conformance.traffic import stale

CONTACTS = "/crm/v3/objects/contacts"


class Integration:
    """An integration that refreshes and calls one account."""

    def __init__(self) -> None:
        self.sim = Simulator(clock=ManualClock(1_795_000_000_000))
        self.client = Client(Application(self.sim))
        self.hub_id = self.sim.portal.hub_id

    def refresh(self) -> str:
        """Refresh and return the new access token."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.sim.app.client_id,
            "client_secret": self.sim.app.client_secret,
            "refresh_token": self.sim.installation.refresh_token,
        }
        token: str = self.client.post("/oauth/v1/token", data=form).json["access_token"]
        return token

    def call(self, token: str, *, answered: int) -> Exchange:
        """Make a call that came when the exchanges up to the number ``answered`` had been answered."""
        self.client.get(CONTACTS, headers={"Authorization": f"Bearer {token}"})
        return replace(self.sim.journal.exchanges[-1], after=answered)

    def stale(self, call: Exchange) -> bool:
        """Tell whether a call came with an older token than its sender could have known."""
        return call in stale([*self.sim.journal.exchanges[: call.number - 1], call], self.hub_id)


@pytest.fixture
def integration() -> Integration:
    """An integration whose token is that of the installation."""
    return Integration()


def test_the_token_of_the_last_answered_refresh_is_not_stale(integration: Integration) -> None:
    integration.refresh()
    token = integration.refresh()
    assert not integration.stale(integration.call(token, answered=2))


def test_an_older_token_is_stale_once_a_refresh_was_answered(integration: Integration) -> None:
    installed = integration.sim.installation.access_token
    first = integration.refresh()
    integration.refresh()
    assert integration.stale(integration.call(first, answered=2))
    assert integration.stale(integration.call(installed, answered=2))


def test_the_token_before_is_not_stale_while_the_refresh_is_under_way(integration: Integration) -> None:
    first = integration.refresh()
    integration.refresh()
    assert not integration.stale(integration.call(first, answered=1))


def test_a_newer_token_than_the_last_answered_one_is_not_stale(integration: Integration) -> None:
    """A call may overlap with the refresh whose token it carries."""
    integration.refresh()
    integration.refresh()
    newest = integration.refresh()
    assert not integration.stale(integration.call(newest, answered=1))


def test_before_any_refresh_no_token_is_stale(integration: Integration) -> None:
    assert not integration.stale(integration.call(integration.sim.installation.access_token, answered=0))


def test_a_refresh_of_another_account_makes_no_token_stale(integration: Integration) -> None:
    token = integration.sim.installation.access_token
    integration.refresh()
    call = integration.call(token, answered=1)
    assert integration.stale(call)
    integration.hub_id += 1
    assert not integration.stale(call)
