"""OAuth with the official Python client, unmodified: v1 by its generated API, the newer version by ``api_request``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.contacts.exceptions import UnauthorizedException as ContactsUnauthorized
from hubspot.oauth.exceptions import ApiException, NotFoundException, UnauthorizedException
from hubspot.utils.oauth import get_auth_url

from pytest_hubspot_auth import App, ConnectedInstallation, HubspotClock, HubspotSim

INTROSPECT = "/oauth/2026-09/token/introspect"
REVOKE = "/oauth/2026-09/token/revoke"
REVOKED = {
    "status": "BAD_REFRESH_TOKEN",
    "message": "refresh token is invalid, expired or revoked",
    "error": "invalid_grant",
    "error_description": "refresh token is invalid, expired or revoked",
}

Closing = Callable[[Any], Any]


@pytest.fixture
def client(hubspot_sim: HubspotSim) -> HubSpot:
    """The client before the app is connected."""
    return HubSpot(host=hubspot_sim.url, base_url=hubspot_sim.url)


@pytest.fixture
def closing() -> Iterator[Closing]:
    """Closes an API of the client after the test; the client makes a new one at each mention, and closes none."""
    apis = []

    def closing(api: Any) -> Any:
        apis.append(api)
        return api

    yield closing
    for api in apis:
        api.api_client.rest_client.pool_manager.clear()


@pytest.fixture
def credentials(hubspot_app: App) -> dict[str, str]:
    return {"client_id": hubspot_app.client_id, "client_secret": hubspot_app.client_secret}


def visit(authorization_url: str) -> dict[str, str]:
    """Return what the browser brings back from an authorization URL."""
    answer = requests.get(authorization_url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    return {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.mark.usefixtures("hubspot_responses")  # the client's authorization URL names HubSpot's own host
def test_connect_call_expire_refresh_revoke(
    client: HubSpot,
    closing: Closing,
    credentials: dict[str, str],
    hubspot_app: App,
    hubspot_sim: HubspotSim,
    hubspot_clock: HubspotClock,
) -> None:
    back = visit(get_auth_url(hubspot_app.client_id, hubspot_app.redirect_uri, hubspot_app.scopes, state="a b&c"))
    assert list(back) == ["code", "state"]
    assert back["state"] == "a b&c"
    tokens_api = closing(client.oauth.tokens_api)
    tokens = tokens_api.create(
        grant_type="authorization_code", code=back["code"], redirect_uri=hubspot_app.redirect_uri, **credentials
    )
    assert (tokens.token_type, tokens.expires_in) == ("bearer", 1800)

    def page() -> list[Any]:
        return closing(client.crm.contacts.basic_api).get_page().results

    client.access_token = tokens.access_token
    assert page() == []
    hubspot_clock.advance(minutes=31)
    with pytest.raises(ContactsUnauthorized, match="EXPIRED_AUTHENTICATION"):
        page()

    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, **credentials}
    refreshed, status, headers = tokens_api.create_with_http_info(**refresh)
    assert (status, headers["Content-Type"]) == (200, "application/json;charset=utf-8")
    assert refreshed.refresh_token == tokens.refresh_token
    client.access_token = refreshed.access_token
    assert page() == []

    refresh_tokens_api = closing(client.oauth.refresh_tokens_api)
    access_tokens_api = closing(client.oauth.access_tokens_api)
    known = refresh_tokens_api.get(tokens.refresh_token)
    assert (known.token, known.client_id, known.scopes) == (
        tokens.refresh_token,
        hubspot_app.client_id,
        list(hubspot_app.scopes),
    )
    assert refresh_tokens_api.archive(tokens.refresh_token) is None
    hubspot_clock.advance(minutes=29)
    assert page() == []
    assert access_tokens_api.get(refreshed.access_token).expires_in == 60
    for again in (refresh_tokens_api.get, refresh_tokens_api.archive):
        with pytest.raises(NotFoundException, match="resource not found"):
            again(tokens.refresh_token)
    with pytest.raises(ApiException) as refused:
        tokens_api.create(**refresh)
    assert (refused.value.status, json.loads(refused.value.body)) == (400, REVOKED)

    hubspot_clock.advance(minutes=1)
    with pytest.raises(ContactsUnauthorized, match="expired 0 second"):
        page()
    with pytest.raises(UnauthorizedException, match="EXPIRED_AUTHENTICATION"):
        access_tokens_api.get(refreshed.access_token)
    hubspot_sim.assert_called("POST", "/oauth/v1/token", times=3)


@pytest.mark.usefixtures("hubspot_responses")
def test_optional_scopes_are_told_by_the_token(client: HubSpot, closing: Closing, hubspot_sim: HubspotSim) -> None:
    app = hubspot_sim.add_app(scopes=["oauth", "tickets"], optional_scopes=["files", "forms"])
    back = visit(get_auth_url(app.client_id, app.redirect_uri, scope=app.scopes, optional_scope=("files",)))
    assert list(back) == ["code"]
    tokens = closing(client.oauth.tokens_api).create(
        grant_type="authorization_code",
        code=back["code"],
        redirect_uri=app.redirect_uri,
        client_id=app.client_id,
        client_secret=app.client_secret,
    )
    info = closing(client.oauth.access_tokens_api).get(tokens.access_token)
    assert (info.app_id, info.scopes, info.token_type) == (app.app_id, ["oauth", "tickets", "files"], "access")


def form(client: HubSpot, path: str, **parameters: str) -> requests.Response:
    """Call an endpoint for which the client has no generated API, as it sends a form."""
    return client.api_request({"method": "POST", "path": path, "default_json": False, "body": parameters})


def test_introspect_and_revoke_by_api_request(
    client: HubSpot,
    closing: Closing,
    credentials: dict[str, str],
    hubspot_installation: ConnectedInstallation,
    hubspot_clock: HubspotClock,
) -> None:
    token = hubspot_installation.refresh_token
    refresh = {"grant_type": "refresh_token", "refresh_token": token, **credentials}
    refreshed = form(client, "/oauth/2026-09/token", **refresh).json()
    access = refreshed["access_token"]
    known = form(client, INTROSPECT, token=access, **credentials).json()
    assert (known["active"], known["token_use"], known["expires_in"]) == (True, "access_token", 1800)
    known = form(client, INTROSPECT, token=token, **credentials).json()
    assert (known["active"], known["token_use"]) == (True, "refresh_token")

    revoked = form(client, REVOKE, token=token, **credentials)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert form(client, INTROSPECT, token=token, **credentials).json() == {"active": False}
    refused = form(client, "/oauth/2026-09/token", **refresh)
    assert (refused.status_code, refused.json()) == (400, REVOKED)
    with pytest.raises(ApiException, match="BAD_REFRESH_TOKEN"):
        closing(client.oauth.tokens_api).create(**refresh)

    client.access_token = access
    hubspot_clock.advance(minutes=29)
    assert client.api_request({"path": "/crm/v3/objects/contacts"}).status_code == 200
    hubspot_clock.advance(minutes=2)
    assert client.api_request({"path": "/crm/v3/objects/contacts"}).json()["category"] == "EXPIRED_AUTHENTICATION"
    assert form(client, INTROSPECT, token=access, **credentials).json() == {"active": False}


def test_api_request_sends_json_unless_told_otherwise_which_oauth_refuses(
    client: HubSpot, credentials: dict[str, str], hubspot_installation: ConnectedInstallation
) -> None:
    body = {"token": hubspot_installation.refresh_token, **credentials}
    assert client.api_request({"method": "POST", "path": REVOKE, "body": body}).status_code == 415
    assert form(client, INTROSPECT, **body).json()["active"] is True


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_id": "unknown"}, "BAD_CLIENT_ID", "invalid_request"),
        ({"client_secret": "wrong"}, "BAD_CLIENT_SECRET", "invalid_request"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE", "unsupported_grant_type"),
        ({"refresh_token": ""}, "BAD_REFRESH_TOKEN", "invalid_request"),
        ({"refresh_token": "na1-unknown"}, "BAD_REFRESH_TOKEN", "invalid_grant"),
    ],
    ids=["client id", "secret", "grant type", "no refresh token", "refresh token"],
)
def test_a_refusal_is_an_exception_with_hubspots_words(
    client: HubSpot,
    closing: Closing,
    credentials: dict[str, str],
    hubspot_installation: ConnectedInstallation,
    wrong: dict[str, str],
    status: str,
    error: str,
) -> None:
    refresh = {"grant_type": "refresh_token", "refresh_token": hubspot_installation.refresh_token, **credentials}
    with pytest.raises(ApiException) as raised:
        closing(client.oauth.tokens_api).create(**(refresh | wrong))
    body = json.loads(raised.value.body)
    assert (raised.value.status, body["status"], body["error"]) == (400, status, error)


@pytest.mark.hubspot(metadata_error=404)
def test_an_expired_token_can_be_told_as_not_found(
    client: HubSpot, closing: Closing, hubspot_installation: ConnectedInstallation, hubspot_clock: HubspotClock
) -> None:
    api = closing(client.oauth.access_tokens_api)
    assert api.get(hubspot_installation.access_token).user_id
    hubspot_clock.advance(minutes=30)
    with pytest.raises(NotFoundException):
        api.get(hubspot_installation.access_token)


@pytest.mark.hubspot(v1_sunset="clock", now="2027-02-15T23:59:59Z")
def test_after_the_end_of_v1_the_generated_api_fails_and_the_newer_version_goes_on(
    client: HubSpot,
    closing: Closing,
    credentials: dict[str, str],
    hubspot_installation: ConnectedInstallation,
    hubspot_clock: HubspotClock,
) -> None:
    refresh = {"grant_type": "refresh_token", "refresh_token": hubspot_installation.refresh_token, **credentials}
    tokens_api = closing(client.oauth.tokens_api)
    assert tokens_api.create(**refresh).expires_in == 1800
    hubspot_clock.advance(seconds=1)
    with pytest.raises(ApiException) as raised:
        tokens_api.create(**refresh)
    assert raised.value.status == 410
    assert form(client, "/oauth/2026-09/token", **refresh).status_code == 200
