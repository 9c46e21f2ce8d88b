"""requests-oauthlib, unmodified, at HubSpot's own https addresses: it refuses plain http."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from oauthlib.oauth2 import (
    InsecureTransportError,
    InvalidGrantError,
    MismatchingStateError,
    MissingTokenError,
    OAuth2Error,
    TokenExpiredError,
    WebApplicationClient,
)
from requests_oauthlib import OAuth2Session, TokenUpdated

from pytest_hubspot_auth import App, HubspotClock, HubspotSim

AUTHORIZE = "https://app.hubspot.com/oauth/authorize"
TOKEN = "https://api.hubapi.com/oauth/2026-09/token"
INTROSPECT = "https://api.hubapi.com/oauth/2026-09/token/introspect"
REVOKE = "https://api.hubapi.com/oauth/2026-09/token/revoke"
CONTACTS = "https://api.hubapi.com/crm/v3/objects/contacts"
TOKEN_PATH = "/oauth/2026-09/token"
REVOKED = r"^\(invalid_grant\) refresh token is invalid, expired or revoked$"

pytestmark = pytest.mark.usefixtures("hubspot_responses")

Open = Callable[..., OAuth2Session]


@pytest.fixture
def app(hubspot_sim: HubspotSim) -> App:
    """An app whose redirect URI oauthlib accepts."""
    return hubspot_sim.add_app(redirect_uris=["https://app.example.com/callback"])


@pytest.fixture
def credentials(app: App) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.client_secret}


@pytest.fixture
def opened(app: App) -> Iterator[Open]:
    """Makes a session for the app, closed after the test."""
    sessions = []

    def opened(**options: Any) -> OAuth2Session:
        options = {"scope": list(app.scopes), "redirect_uri": app.redirect_uri, "pkce": "S256"} | options
        sessions.append(OAuth2Session(app.client_id, **options))
        return sessions[-1]

    yield opened
    for session in sessions:
        session.close()


def authorize(session: OAuth2Session) -> str:
    """Return where the browser is sent from the library's authorization URL."""
    url, state = session.authorization_url(AUTHORIZE)
    answer = requests.get(url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert f"state={state}" in answer.headers["Location"]
    return answer.headers["Location"]


@pytest.fixture
def connect(opened: Open, app: App) -> Open:
    """Makes a session that went through authorization, with client id and secret in the body."""

    def connect(**options: Any) -> OAuth2Session:
        session = opened(**options)
        session.fetch_token(
            TOKEN,
            authorization_response=authorize(session),
            include_client_id=True,
            client_secret=app.client_secret,
        )
        return session

    return connect


def post(session: OAuth2Session, url: str, token: str, credentials: dict[str, str]) -> requests.Response:
    """Send a token to be introspected or revoked, as oauthlib writes the request."""
    url, headers, body = WebApplicationClient(credentials["client_id"]).prepare_token_revocation_request(
        url, token, **credentials
    )
    return session.post(url, data=body, headers=headers, withhold_token=True)


def test_connect_call_expire_refresh_revoke(
    connect: Open, credentials: dict[str, str], hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    saved: list[dict[str, Any]] = []
    session = connect(auto_refresh_url=TOKEN, auto_refresh_kwargs=credentials, token_updater=saved.append)
    first = dict(session.token)
    assert (first["token_type"], first["expires_in"]) == ("bearer", 1800)
    assert abs(first["expires_at"] - hubspot_clock.now.timestamp() - 1800) <= 0.5  # oauthlib may round
    assert session.post(CONTACTS, json={"properties": {"email": "ada@example.com"}}).status_code == 201
    assert saved == []

    hubspot_clock.advance(minutes=31)
    listed = session.get(CONTACTS)
    assert [contact["properties"]["email"] for contact in listed.json()["results"]] == ["ada@example.com"]
    assert [token["access_token"] for token in saved] == [session.access_token]
    assert session.access_token != first["access_token"]
    assert session.token["refresh_token"] == first["refresh_token"]
    hubspot_sim.assert_called("POST", TOKEN_PATH, times=2)

    known = post(session, INTROSPECT, first["refresh_token"], credentials).json()
    assert (known["active"], known["token_use"]) == (True, "refresh_token")
    revoked = post(session, REVOKE, first["refresh_token"], credentials)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert post(session, INTROSPECT, first["refresh_token"], credentials).json() == {"active": False}

    hubspot_clock.advance(minutes=29)
    assert session.get(CONTACTS).status_code == 200
    hubspot_clock.advance(minutes=2)
    with pytest.raises(InvalidGrantError, match=REVOKED) as raised:
        session.get(CONTACTS)
    assert (raised.value.error, raised.value.description) == (
        "invalid_grant",
        "refresh token is invalid, expired or revoked",
    )
    hubspot_sim.assert_called("GET", "/crm/v3/objects/contacts", times=2)
    assert len(saved) == 1


def test_without_automatic_refresh_expiry_is_raised_before_anything_is_sent(
    connect: Open, credentials: dict[str, str], hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    session = connect()
    hubspot_clock.advance(minutes=31)
    with pytest.raises(TokenExpiredError, match=r"^\(token_expired\)"):
        session.get(CONTACTS)
    hubspot_sim.assert_called("GET", "/crm/v3/objects/contacts", times=0)

    session.refresh_token(TOKEN, **credentials)
    assert session.get(CONTACTS).status_code == 200
    assert post(session, REVOKE, session.token["refresh_token"], credentials).status_code == 200
    assert session.get(CONTACTS).status_code == 200
    with pytest.raises(InvalidGrantError, match=REVOKED):
        session.refresh_token(TOKEN, **credentials)


@pytest.mark.hubspot(now="2026-11-23T10:00:00Z")
def test_in_the_second_of_the_expiry_the_library_sends_what_hubspot_refuses(
    connect: Open, hubspot_clock: HubspotClock
) -> None:
    session = connect()
    hubspot_clock.advance(minutes=30)
    answer = session.get(CONTACTS)
    assert answer.status_code == 401
    assert answer.json()["message"] == "The OAuth token used to make this call expired 0 second(s) ago."
    hubspot_clock.advance(seconds=1)
    with pytest.raises(TokenExpiredError):
        session.get(CONTACTS)


def test_without_an_updater_the_new_token_is_raised(
    connect: Open, credentials: dict[str, str], hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    session = connect(auto_refresh_url=TOKEN, auto_refresh_kwargs=credentials)
    first = session.access_token
    hubspot_clock.advance(minutes=31)
    with pytest.raises(TokenUpdated) as raised:
        session.get(CONTACTS)
    assert raised.value.token["access_token"] == session.access_token != first
    assert session.get(CONTACTS).status_code == 200
    hubspot_sim.assert_called("GET", "/crm/v3/objects/contacts", times=1)


@pytest.mark.hubspot(refresh_rotation=True)
def test_a_rotated_refresh_token_is_kept(
    connect: Open, credentials: dict[str, str], hubspot_clock: HubspotClock
) -> None:
    saved: list[dict[str, Any]] = []
    session = connect(auto_refresh_url=TOKEN, auto_refresh_kwargs=credentials, token_updater=saved.append)
    first = session.token["refresh_token"]
    for _ in range(2):
        hubspot_clock.advance(minutes=31)
        assert session.get(CONTACTS).status_code == 200
    assert len({first, *(token["refresh_token"] for token in saved)}) == 3


def test_optional_scopes_that_are_granted_do_not_count_as_a_changed_scope(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock
) -> None:
    app = hubspot_sim.add_app(
        redirect_uris=["https://app.example.com/callback"],
        scopes=["oauth", "tickets"],
        optional_scopes=["files", "forms"],
    )
    with OAuth2Session(app.client_id, scope=list(app.scopes), redirect_uri=app.redirect_uri) as session:
        url, _ = session.authorization_url(AUTHORIZE, optional_scope="files")
        back = requests.get(url, allow_redirects=False, timeout=10).headers["Location"]
        token = session.fetch_token(
            TOKEN, authorization_response=back, include_client_id=True, client_secret=app.client_secret
        )
    assert token["scopes"] == ["oauth", "tickets", "files"]


def test_http_basic_is_refused(opened: Open, app: App, hubspot_sim: HubspotSim) -> None:
    session = opened()  # oauthlib has five classes for invalid_request, and takes any
    with pytest.raises(OAuth2Error, match=r"^\(invalid_request\) missing or unknown client id$"):
        session.fetch_token(TOKEN, authorization_response=authorize(session), client_secret=app.client_secret)
    assert not session.authorized
    (refused,) = hubspot_sim.journal.find("POST", TOKEN_PATH)
    assert refused.status == 400


@pytest.mark.hubspot(basic_auth=True)
def test_http_basic_works_where_it_is_set(
    opened: Open, app: App, credentials: dict[str, str], hubspot_clock: HubspotClock
) -> None:
    saved: list[dict[str, Any]] = []
    session = opened(auto_refresh_url=TOKEN, token_updater=saved.append)
    session.fetch_token(TOKEN, authorization_response=authorize(session), client_secret=app.client_secret)
    hubspot_clock.advance(minutes=31)
    assert session.get(CONTACTS, **credentials).status_code == 200
    assert [token["access_token"] for token in saved] == [session.access_token]


def test_a_wrong_secret_is_refused(opened: Open) -> None:
    session = opened()
    with pytest.raises(OAuth2Error, match=r"^\(invalid_request\) missing or invalid client secret$"):
        session.fetch_token(
            TOKEN, authorization_response=authorize(session), include_client_id=True, client_secret="wrong"
        )


def test_a_code_is_good_for_one_exchange(connect: Open, app: App) -> None:
    session = connect()  # its code is kept, and used again without another
    with pytest.raises(InvalidGrantError, match=r"^\(invalid_grant\) missing or unknown auth code$"):
        session.fetch_token(TOKEN, include_client_id=True, client_secret=app.client_secret)


def test_another_verifier_is_refused(opened: Open, app: App) -> None:
    session = opened()
    back = authorize(session)
    session.authorization_url(AUTHORIZE)  # makes another verifier, and another state
    code = back.partition("code=")[2].partition("&")[0]
    with pytest.raises(InvalidGrantError, match=r"^\(invalid_grant\) missing or invalid code verifier$"):
        session.fetch_token(TOKEN, code=code, include_client_id=True, client_secret=app.client_secret)


def test_another_state_is_noticed(opened: Open, app: App, hubspot_sim: HubspotSim) -> None:
    session = opened()
    back = authorize(session).partition("&state=")[0]
    with pytest.raises(MismatchingStateError, match=r"^\(mismatching_state\)"):
        session.fetch_token(TOKEN, authorization_response=f"{back}&state=forged", client_secret=app.client_secret)
    hubspot_sim.assert_called("POST", TOKEN_PATH, times=0)


@pytest.mark.hubspot(token_errors="legacy")
def test_the_older_errors_have_no_error_that_the_library_could_read(connect: Open, credentials: dict[str, str]) -> None:
    session = connect()
    post(session, REVOKE, session.token["refresh_token"], credentials)
    with pytest.raises(MissingTokenError, match=r"^\(missing_token\) Missing access token parameter\.$"):
        session.refresh_token(TOKEN, **credentials)


def test_plain_http_is_refused_by_the_library(opened: Open, hubspot_sim: HubspotSim) -> None:
    with pytest.raises(InsecureTransportError):
        opened().get(hubspot_sim.url + "/crm/v3/objects/contacts")
    assert hubspot_sim.journal.exchanges == []
