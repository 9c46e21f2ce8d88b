"""Reproduce a defect of hubspot-api-client 12.0.0: after a successful refresh, it still sends the old token."""

import pytest
from held_api_object.sync import ContactPages, HeldContactPages
from hubspot.crm.contacts.exceptions import UnauthorizedException


@pytest.fixture
def arguments(hubspot_sim, hubspot_clock, hubspot_app, hubspot_installation):
    tokens, received_at = hubspot_installation.token_response, hubspot_installation.issued_at.timestamp()
    return tokens, received_at, hubspot_app.client_id, hubspot_app.client_secret, hubspot_sim.url


def test_a_held_api_object_sends_the_old_token_after_the_refresh(arguments, hubspot_sim, hubspot_clock):
    pages = HeldContactPages(*arguments)
    pages.first()
    hubspot_clock.advance(minutes=31)
    with pytest.raises(UnauthorizedException, match="EXPIRED_AUTHENTICATION"):
        pages.first()

    hubspot_sim.assert_called("POST", "/oauth/v1/token", times=1)  # the refresh did happen
    (finding,) = hubspot_sim.audit()
    assert finding.id == "old-token-after-refresh"


@pytest.mark.hubspot(fail_on="warning")
@pytest.mark.hubspot_sweep(calls=3)
def test_an_api_object_for_each_call_sends_the_new_one(arguments):
    pages = ContactPages(*arguments)
    for _ in range(3):
        pages.first()
