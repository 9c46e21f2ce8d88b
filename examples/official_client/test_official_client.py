"""Use the official hubspot-api-client, unmodified: ``host=`` points it to the simulator."""

import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import SimplePublicObjectInputForCreate
from hubspot.crm.contacts.exceptions import UnauthorizedException


def test_expiry_and_refresh(hubspot_sim, hubspot_clock, hubspot_app, hubspot_installation):
    client = HubSpot(access_token=hubspot_installation.access_token, host=hubspot_sim.url)
    client.crm.contacts.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"email": "ada@example.com"}, associations=[])
    )

    hubspot_clock.advance(minutes=33)
    with pytest.raises(UnauthorizedException, match="expired 3 minute"):
        client.crm.contacts.get_all()

    tokens = client.oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=hubspot_app.client_id,
        client_secret=hubspot_app.client_secret,
        refresh_token=hubspot_installation.refresh_token,
    )
    client.access_token = tokens.access_token
    (contact,) = client.crm.contacts.get_all()
    assert contact.properties["email"] == "ada@example.com"
