"""Authlib's clients, unmodified, over a real socket: for requests, and for httpx2 with and without asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import InvalidTokenError, OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import MismatchingStateException
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from pytest_hubspot_auth import App, HubspotClock, HubspotSim

CONTACTS = "/crm/v3/objects/contacts"
TOKEN = "/oauth/2026-09/token"
INTROSPECT = "/oauth/2026-09/token/introspect"
REVOKE = "/oauth/2026-09/token/revoke"
REVOKED = r"^invalid_grant: refresh token is invalid, expired or revoked$"

# authlib authenticates by HTTP Basic unless told otherwise, for revocation apart
BY_POST = {
    "token_endpoint_auth_method": "client_secret_post",
    "revocation_endpoint_auth_method": "client_secret_post",
}

Client: TypeAlias = OAuth2Session | OAuth2Client
Connect = Callable[..., Client]


def configuration(sim: HubspotSim, app: App) -> dict[str, Any]:
    return {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "scope": " ".join(app.scopes),
        "redirect_uri": app.redirect_uri,
        "token_endpoint": sim.url + TOKEN,
        "code_challenge_method": "S256",
    }


def visit(authorization_url: str) -> str:
    """Return where the browser is sent from an authorization URL."""
    answer = requests.get(authorization_url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    return answer.headers["Location"]


def authorize(sim: HubspotSim, client: Client | AsyncOAuth2Client) -> dict[str, str]:
    """Return what ``fetch_token`` takes, as an app's callback view has it."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(f"{sim.url}/oauth/authorize", code_verifier=verifier)
    assert "code_challenge_method=S256" in url
    return {"authorization_response": visit(url), "state": state, "code_verifier": verifier}


@pytest.fixture(params=[OAuth2Session, OAuth2Client], ids=["requests", "httpx2"])
def connect(request: pytest.FixtureRequest, hubspot_sim: HubspotSim, hubspot_app: App) -> Iterator[Connect]:
    """Makes a client that went through authorization; closed after the test."""
    clients = []

    def connect(**options: Any) -> Client:
        client = request.param(**configuration(hubspot_sim, hubspot_app), **(BY_POST | options))
        clients.append(client)
        client.fetch_token(**authorize(hubspot_sim, client))
        return client

    yield connect
    for client in clients:
        client.close()


def test_connect_call_expire_refresh_revoke(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_app: App
) -> None:
    saved: list[tuple[str, str]] = []

    def update_token(token: dict[str, Any], refresh_token: str) -> None:
        saved.append((token["access_token"], refresh_token))

    client = connect(update_token=update_token)
    first = dict(client.token)
    assert (first["token_type"], first["expires_in"]) == ("bearer", 1800)
    assert first["expires_at"] == int(hubspot_clock.now.timestamp()) + 1800
    created = client.post(hubspot_sim.url + CONTACTS, json={"properties": {"email": "ada@example.com"}})
    assert created.status_code == 201
    assert saved == []

    hubspot_clock.advance(minutes=31)
    listed = client.get(hubspot_sim.url + CONTACTS)
    assert [contact["properties"]["email"] for contact in listed.json()["results"]] == ["ada@example.com"]
    second = dict(client.token)
    assert saved == [(second["access_token"], first["refresh_token"])]
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]
    hubspot_sim.assert_called("POST", TOKEN, times=2)

    known = client.introspect_token(hubspot_sim.url + INTROSPECT, token_type_hint="refresh_token").json()
    assert (known["active"], known["token_use"], known["token"], known["client_id"]) == (
        True,
        "refresh_token",
        first["refresh_token"],
        hubspot_app.client_id,
    )
    revoked = client.revoke_token(hubspot_sim.url + REVOKE, token_type_hint="refresh_token")
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert client.introspect_token(hubspot_sim.url + INTROSPECT).json() == {"active": False}

    hubspot_clock.advance(minutes=28)
    assert client.get(hubspot_sim.url + CONTACTS).status_code == 200
    access = client.introspect_token(hubspot_sim.url + INTROSPECT, token=second["access_token"]).json()
    assert (access["active"], access["token_use"], access["expires_in"]) == (True, "access_token", 120)

    hubspot_clock.advance(minutes=3)
    with pytest.raises(OAuthError, match=REVOKED) as raised:
        client.get(hubspot_sim.url + CONTACTS)
    assert (raised.value.error, raised.value.description) == (
        "invalid_grant",
        "refresh token is invalid, expired or revoked",
    )
    assert client.introspect_token(hubspot_sim.url + INTROSPECT, token=second["access_token"]).json() == {
        "active": False
    }
    hubspot_sim.assert_called("GET", CONTACTS, times=2)
    assert len(saved) == 1


@pytest.mark.hubspot(refresh_rotation=True)
def test_a_rotated_refresh_token_is_kept(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    given = [client.token["refresh_token"]]
    for _ in range(2):
        hubspot_clock.advance(minutes=31)
        assert client.get(hubspot_sim.url + CONTACTS).status_code == 200
        given.append(client.token["refresh_token"])
    assert len(set(given)) == 3
    with pytest.raises(OAuthError, match=REVOKED):
        client.refresh_token(hubspot_sim.url + TOKEN, refresh_token=given[0])


def test_an_uninstalled_app_calls_on_until_its_token_expires(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    assert client.delete(hubspot_sim.url + "/appinstalls/2026-09/external-install").status_code == 204
    assert client.get(hubspot_sim.url + CONTACTS).status_code == 200
    hubspot_clock.advance(minutes=31)
    with pytest.raises(OAuthError, match=REVOKED):
        client.get(hubspot_sim.url + CONTACTS)


def test_a_deleted_account_is_told_from_a_revoked_token(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    hubspot_sim.delete_portal()
    assert client.get(hubspot_sim.url + CONTACTS).status_code == 401
    hubspot_clock.advance(minutes=31)
    with pytest.raises(OAuthError, match=r"^access_denied: missing or unknown hub id$"):
        client.get(hubspot_sim.url + CONTACTS)


@pytest.mark.hubspot(now="2026-11-23T10:00:00Z")
def test_it_refreshes_a_minute_before_hubspot_would_refuse(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    first = client.token["access_token"]
    hubspot_clock.advance(minutes=29)
    client.get(hubspot_sim.url + CONTACTS)
    assert client.token["access_token"] == first
    hubspot_clock.advance(seconds=1)
    client.get(hubspot_sim.url + CONTACTS)
    assert client.token["access_token"] != first


@pytest.mark.hubspot(now="2026-11-23T10:00:00Z")
def test_without_leeway_the_second_of_the_expiry_is_refused(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect(leeway=0)
    hubspot_clock.advance(minutes=30)
    answer = client.get(hubspot_sim.url + CONTACTS)
    assert answer.status_code == 401
    assert answer.json()["message"] == "The OAuth token used to make this call expired 0 second(s) ago."
    hubspot_clock.advance(seconds=1)
    assert client.get(hubspot_sim.url + CONTACTS).status_code == 200


def test_a_late_clock_of_the_client_hides_the_expiry_from_it(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    hubspot_clock.server.advance(minutes=5)
    hubspot_clock.advance(minutes=26)
    answer = client.get(hubspot_sim.url + CONTACTS)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    hubspot_sim.assert_called("POST", TOKEN, times=1)


def test_without_a_token_endpoint_it_refuses_to_send_an_expired_token(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect()
    del client.metadata["token_endpoint"]
    hubspot_clock.advance(minutes=31)
    with pytest.raises(InvalidTokenError, match=r"^token_invalid: "):
        client.get(hubspot_sim.url + CONTACTS)
    hubspot_sim.assert_called("GET", CONTACTS, times=0)


def test_http_basic_is_refused(connect: Connect, hubspot_sim: HubspotSim) -> None:
    with pytest.raises(OAuthError, match=r"^invalid_request: missing or unknown client id$"):
        connect(token_endpoint_auth_method="client_secret_basic")
    (refused,) = hubspot_sim.journal.find("POST", TOKEN)
    assert refused.status == 400


def test_revocation_is_by_http_basic_unless_told_otherwise(connect: Connect, hubspot_sim: HubspotSim) -> None:
    client = connect(revocation_endpoint_auth_method=None)
    refused = client.revoke_token(hubspot_sim.url + REVOKE)
    assert (refused.status_code, refused.json()["status"]) == (400, "BAD_CLIENT_ID")
    assert client.refresh_token()["refresh_token"] == client.token["refresh_token"]


@pytest.mark.hubspot(basic_auth=True)
def test_http_basic_works_where_it_is_set(
    connect: Connect, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    client = connect(token_endpoint_auth_method=None, revocation_endpoint_auth_method=None)
    hubspot_clock.advance(minutes=31)
    assert client.get(hubspot_sim.url + CONTACTS).status_code == 200
    assert client.introspect_token(hubspot_sim.url + INTROSPECT).json()["active"] is True
    assert client.revoke_token(hubspot_sim.url + REVOKE).status_code == 200
    with pytest.raises(OAuthError, match=REVOKED):
        client.refresh_token()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"code_verifier": "x" * 64}, "missing or invalid code verifier"),
        ({"code_verifier": None}, "missing or invalid code verifier"),
        ({"redirect_uri": "http://localhost:3000/other"}, "redirect URI does not match initial auth code URI"),
    ],
    ids=["another verifier", "no verifier", "another redirect URI"],
)
def test_an_exchange_is_refused(
    hubspot_sim: HubspotSim, hubspot_app: App, wrong: dict[str, str | None], message: str
) -> None:
    with OAuth2Session(**configuration(hubspot_sim, hubspot_app), **BY_POST) as client:
        with pytest.raises(OAuthError, match=rf"^invalid_grant: {message}$"):
            client.fetch_token(**(authorize(hubspot_sim, client) | wrong))
        assert client.token is None


def test_a_code_is_good_for_one_exchange_and_ten_minutes(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_app: App
) -> None:
    with OAuth2Session(**configuration(hubspot_sim, hubspot_app), **BY_POST) as client:
        used = authorize(hubspot_sim, client)
        client.fetch_token(**used)
        with pytest.raises(OAuthError, match=r"^invalid_grant: missing or unknown auth code$"):
            client.fetch_token(**used)
        late = authorize(hubspot_sim, client)
        hubspot_clock.advance(minutes=10)
        with pytest.raises(OAuthError, match=r"^invalid_grant: auth code has expired$"):
            client.fetch_token(**late)


def test_another_state_is_noticed(hubspot_sim: HubspotSim, hubspot_app: App) -> None:
    with OAuth2Session(**configuration(hubspot_sim, hubspot_app), **BY_POST) as client:
        back = authorize(hubspot_sim, client) | {"state": "forged"}
        with pytest.raises(MismatchingStateException, match=r"^mismatching_state: "):
            client.fetch_token(**back)
    hubspot_sim.assert_called("POST", TOKEN, times=0)


@pytest.mark.usefixtures("hubspot_responses")
def test_the_metadata_document_is_valid_and_leads_through_authorization(
    hubspot_app: App, hubspot_clock: HubspotClock
) -> None:
    found = requests.get("https://mcp.hubspot.com/.well-known/oauth-authorization-server", timeout=10)
    metadata = AuthorizationServerMetadata(found.json())
    metadata.validate()
    with OAuth2Session(
        hubspot_app.client_id,
        hubspot_app.client_secret,
        redirect_uri=hubspot_app.redirect_uri,
        token_endpoint=metadata["token_endpoint"],
        token_endpoint_auth_method=metadata["token_endpoint_auth_methods_supported"][0],
        code_challenge_method=metadata["code_challenge_methods_supported"][0],
    ) as client:
        verifier = generate_token(48)
        url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
        client.fetch_token(authorization_response=visit(url), state=state, code_verifier=verifier)
        hubspot_clock.advance(minutes=31)
        assert client.get("https://api.hubapi.com" + CONTACTS).status_code == 200
        assert client.introspect_token(metadata["introspection_endpoint"]).json()["active"] is True


def test_client_credentials_are_asked_for_again_after_expiry(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_app: App
) -> None:
    scope = "developer.webhooks_journal.read"
    with OAuth2Session(**(configuration(hubspot_sim, hubspot_app) | {"scope": scope}), **BY_POST) as client:
        first = client.fetch_token(grant_type="client_credentials")
        assert "refresh_token" not in first
        client.metadata["grant_type"] = "client_credentials"
        assert client.ensure_active_token() is True
        assert client.token is first
        hubspot_clock.advance(minutes=31)
        assert client.introspect_token(hubspot_sim.url + INTROSPECT).json() == {"active": False}
        assert client.ensure_active_token() is True
        known = client.introspect_token(hubspot_sim.url + INTROSPECT).json()
        assert (known["active"], known["token_use"], known["scopes"], known["expires_in"]) == (
            True,
            "client_credentials",
            [scope],
            1800,
        )


def test_concurrent_calls_after_expiry_refresh_once_and_revocation_ends_it(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_app: App
) -> None:
    saved: list[str] = []

    async def update_token(token: dict[str, Any], refresh_token: str) -> None:
        saved.append(token["access_token"])

    async def scenario() -> None:
        options = configuration(hubspot_sim, hubspot_app) | BY_POST
        async with AsyncOAuth2Client(**options, update_token=update_token) as client:
            first = await client.fetch_token(**authorize(hubspot_sim, client))
            assert (await client.get(hubspot_sim.url + CONTACTS)).status_code == 200

            hubspot_clock.advance(minutes=31)
            answers = await asyncio.gather(*(client.get(hubspot_sim.url + CONTACTS) for _ in range(8)))
            assert {answer.status_code for answer in answers} == {200}
            assert saved == [client.token["access_token"]]
            assert saved != [first["access_token"]]
            hubspot_sim.assert_called("POST", TOKEN, times=2)

            known = await client.introspect_token(hubspot_sim.url + INTROSPECT)
            assert (known.json()["active"], known.json()["token_use"]) == (True, "refresh_token")
            assert (await client.revoke_token(hubspot_sim.url + REVOKE)).status_code == 200
            known = await client.introspect_token(hubspot_sim.url + INTROSPECT)
            assert known.json() == {"active": False}
            assert (await client.get(hubspot_sim.url + CONTACTS)).status_code == 200

            hubspot_clock.advance(minutes=31)
            with pytest.raises(OAuthError, match=REVOKED):
                await client.get(hubspot_sim.url + CONTACTS)
            assert len(saved) == 1

    asyncio.run(scenario())


def test_http_basic_with_asyncio(hubspot_sim: HubspotSim, hubspot_app: App) -> None:
    async def scenario() -> None:
        async with AsyncOAuth2Client(**configuration(hubspot_sim, hubspot_app)) as client:
            await client.fetch_token(**authorize(hubspot_sim, client))

    with pytest.raises(OAuthError, match=r"^invalid_request: missing or unknown client id$"):
        asyncio.run(scenario())
