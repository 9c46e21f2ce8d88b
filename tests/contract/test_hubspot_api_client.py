"""The official Python client, unmodified, over a real socket."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.contacts import SimplePublicObjectInputForCreate
from hubspot.crm.contacts.exceptions import ApiException, UnauthorizedException

from pytest_hubspot_auth import App, HubspotClock, HubspotSim

# The client's API classes leave their connection pools to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def authorization_code(sim: HubspotSim, app: App) -> str:
    answer = requests.get(
        f"{sim.url}/oauth/authorize",
        params={"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": " ".join(app.scopes)},
        allow_redirects=False,
        timeout=10,
    )
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def contacts(client: HubSpot) -> list[str]:
    return [contact.properties["email"] for contact in client.crm.contacts.get_all()]


def test_connect_page_expire_refresh_page_again(
    hubspot_sim: HubspotSim, hubspot_app: App, hubspot_clock: HubspotClock
) -> None:
    credentials = {"client_id": hubspot_app.client_id, "client_secret": hubspot_app.client_secret}
    client = HubSpot(host=hubspot_sim.url)
    tokens = client.oauth.tokens_api.create(
        grant_type="authorization_code",
        code=authorization_code(hubspot_sim, hubspot_app),
        redirect_uri=hubspot_app.redirect_uri,
        **credentials,
    )
    assert tokens.expires_in == 1800
    assert tokens.token_type == "bearer"
    client.access_token = tokens.access_token

    emails = [f"person{number:03}@example.com" for number in range(250)]
    create = client.crm.contacts.basic_api.create
    for email in emails:
        created = create(SimplePublicObjectInputForCreate(properties={"email": email}, associations=[]))
        assert created.properties["email"] == email
    assert contacts(client) == emails
    hubspot_sim.assert_called("GET", "/crm/v3/objects/{type}", times=3)

    hubspot_clock.advance(minutes=33)
    with pytest.raises(UnauthorizedException) as raised:
        client.crm.contacts.basic_api.get_page()
    assert isinstance(raised.value, ApiException)
    assert raised.value.status == 401
    body = json.loads(raised.value.body)
    assert list(body) == ["status", "message", "correlationId", "category", "context"]
    assert body["message"] == "The OAuth token used to make this call expired 3 minute(s) ago."
    assert body["category"] == "EXPIRED_AUTHENTICATION"
    assert list(body["context"]) == ["expire time"]
    assert raised.value.headers["X-HubSpot-Correlation-Id"] == body["correlationId"]

    refreshed = client.oauth.tokens_api.create(
        grant_type="refresh_token", refresh_token=tokens.refresh_token, **credentials
    )
    assert refreshed.refresh_token == tokens.refresh_token
    assert refreshed.access_token != tokens.access_token
    client.access_token = refreshed.access_token
    assert contacts(client) == emails


def test_sixty_seconds_past_the_expiry_is_written_in_seconds(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = HubSpot(**hubspot_sim.client_kwargs)
    hubspot_clock.advance(seconds=1860)
    with pytest.raises(UnauthorizedException, match=r"expired 60 second\(s\) ago"):
        client.crm.contacts.basic_api.get_page()


def test_every_object_call_of_the_client(hubspot_sim: HubspotSim) -> None:
    client = HubSpot(**hubspot_sim.client_kwargs)
    for api in (client.crm.companies, client.crm.deals, client.crm.tickets):
        created = api.basic_api.create({"properties": {"description": "first"}, "associations": []})
        updated = api.basic_api.update(created.id, {"properties": {"description": "second"}})
        assert updated.updated_at >= created.created_at
        read = api.basic_api.get_by_id(created.id, properties=["description"])
        assert read.properties["description"] == "second"
        api.basic_api.archive(created.id)
        assert api.get_all() == []
        assert [item.id for item in api.get_all(archived=True)] == [created.id]


def test_api_request_is_pointed_by_client_kwargs(hubspot_sim: HubspotSim) -> None:
    client = HubSpot(**hubspot_sim.client_kwargs)
    answer = client.api_request({"path": "/crm/v3/objects/contacts"})
    assert answer.json() == {"results": []}


def test_token_metadata(hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
    client = HubSpot(host=hubspot_sim.url)
    installation = hubspot_sim.install()
    info = client.oauth.access_tokens_api.get(installation.access_token)
    assert (info.hub_id, info.app_id, info.expires_in) == (
        installation.portal.hub_id,
        installation.app.app_id,
        1800,
    )
    known = client.oauth.refresh_tokens_api.get(installation.refresh_token)
    assert known.client_id == installation.app.client_id
    client.oauth.refresh_tokens_api.archive(installation.refresh_token)
    assert client.oauth.access_tokens_api.get(installation.access_token).token == installation.access_token
