"""The token endpoint: what it gives, and each way of being refused."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.http.app import Application

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken, Build


PATHS = ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token"]
BODY_ONLY = PATHS[1:]
LIST = "/crm/v3/objects/contacts"
FORM = "application/x-www-form-urlencoded"
MEMBERS = ["token_type", "refresh_token", "access_token", "hub_id", "scopes", "expires_in", "token_use"]
SCOPES = [
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "tickets",
]


def assert_token(response: TestResponse, sim: Simulator) -> Any:
    """Assert that an answer is the token endpoint's success, and return its members."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    got = response.json
    assert response.text == json.dumps(got, separators=(",", ":"))
    assert list(got) == MEMBERS
    fixed = {name: value for name, value in got.items() if name not in ("refresh_token", "access_token")}
    assert fixed == {
        "token_type": "bearer",
        "hub_id": sim.portal.hub_id,
        "scopes": SCOPES,
        "expires_in": 1800,
        "token_use": "access_token",
    }
    assert re.fullmatch(r"na1-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", got["refresh_token"])
    return got


@pytest.mark.parametrize("path", PATHS)
class TestSuccess:
    def test_a_code_gives_tokens(self, sim: Simulator, exchange: Ask, as_token: AsToken, path: str) -> None:
        got = assert_token(exchange(path), sim)
        assert as_token(got["access_token"])("GET", LIST).status_code == 200

    def test_a_refresh_gives_a_new_access_token_and_the_same_refresh_token(
        self, sim: Simulator, refresh: Ask, as_token: AsToken, path: str
    ) -> None:
        got = assert_token(refresh(path), sim)
        assert got["refresh_token"] == sim.installation.refresh_token
        assert got["access_token"] != sim.installation.access_token
        assert as_token(got["access_token"])("GET", LIST).status_code == 200

    def test_a_refresh_token_of_a_code_exchange_refreshes(
        self, sim: Simulator, exchange: Ask, refresh: Ask, path: str
    ) -> None:
        token = exchange("/oauth/v1/token").json["refresh_token"]
        assert assert_token(refresh(path, refresh_token=token), sim)["refresh_token"] == token

    def test_stray_fields_and_a_charset_pass(self, sim: Simulator, client: Client, path: str) -> None:
        form = {
            "grant_type": "refresh_token",
            "client_id": sim.app.client_id,
            "client_secret": sim.app.client_secret,
            "refresh_token": sim.installation.refresh_token,
            "redirect_uri": "https://elsewhere.example.com",
            "scope": "nonsense",
            "resource": "",
        }
        response = client.post(path, data=urlencode(form), content_type=f"{FORM};charset=UTF-8")
        assert_token(response, sim)

    def test_a_trailing_slash_is_no_matter(self, sim: Simulator, refresh: Ask, path: str) -> None:
        assert_token(refresh(f"{path}/"), sim)

    @pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=utf-8"])
    def test_json_is_an_unsupported_media_type(
        self, sim: Simulator, client: Client, assert_refused: AssertAnswer, path: str, content_type: str
    ) -> None:
        form = {
            "grant_type": "refresh_token",
            "client_id": sim.app.client_id,
            "client_secret": sim.app.client_secret,
            "refresh_token": sim.installation.refresh_token,
        }
        response = client.post(path, data=json.dumps(form), content_type=content_type)
        assert_refused(response, 415, "HTTP 415 Unsupported Media Type")

    def test_a_json_text_sent_as_a_form_has_no_parameters(
        self, client: Client, path: str, assert_token_error: AssertAnswer
    ) -> None:
        response = client.post(path, data='{"grant_type":"refresh_token"}', content_type=FORM)
        assert_token_error(response, "BAD_CLIENT_ID", "missing or unknown client id", "invalid_request")

    def test_the_method_is_post(self, client: Client, assert_refused: AssertAnswer, path: str) -> None:
        response = client.get(path)
        assert_refused(response, 405, "HTTP 405 Method Not Allowed")
        assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", None])
def test_other_bodies_than_forms_are_unsupported(
    client: Client, assert_refused: AssertAnswer, content_type: str | None
) -> None:
    response = client.post("/oauth/v3/token", data=b"grant_type=refresh_token", content_type=content_type)
    assert_refused(response, 415, "HTTP 415 Unsupported Media Type")


@pytest.mark.parametrize("refreshed_after_s", [0, 60, 1799, 1800, 86_400])
def test_a_refresh_leaves_the_earlier_token_to_its_own_expiry(
    sim: Simulator, api: Api, refresh: Ask, as_token: AsToken, refreshed_after_s: int
) -> None:
    sim.clock.advance(seconds=refreshed_after_s)
    new = as_token(refresh().json["access_token"])
    assert api("GET", LIST).status_code == (200 if refreshed_after_s < 1800 else 401)
    sim.clock.advance(milliseconds=1_799_999)
    assert api("GET", LIST).status_code == (200 if refreshed_after_s == 0 else 401)
    assert new("GET", LIST).status_code == 200
    sim.clock.advance(milliseconds=1)
    assert new("GET", LIST).status_code == 401


def test_refreshes_at_one_instant_give_different_tokens_that_all_work(refresh: Ask, as_token: AsToken) -> None:
    tokens = {refresh().json["access_token"] for _ in range(5)}
    assert len(tokens) == 5
    assert {as_token(token)("GET", LIST).status_code for token in tokens} == {200}


def test_a_refresh_token_does_not_expire(sim: Simulator, refresh: Ask) -> None:
    assert sim.installation.refresh_token
    sim.clock.advance(days=10_000)
    assert_token(refresh(), sim)


def test_the_answer_says_the_lifetime_and_the_scopes_that_were_granted(build: Build) -> None:
    sim = build(token_ttl=60)
    app = sim.add_app(scopes=["oauth", "tickets"], optional_scopes=["files"])
    installed = sim.install(app, scopes=["oauth", "files"])
    form = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": installed.refresh_token,
    }
    got = Client(Application(sim)).post("/oauth/v3/token", data=form).json
    assert (got["expires_in"], got["scopes"]) == (60, ["oauth", "files"])


class TestParametersInTheQuery:
    def known(self, sim: Simulator) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "client_id": sim.app.client_id,
            "client_secret": sim.app.client_secret,
            "refresh_token": sim.installation.refresh_token,
        }

    @pytest.mark.parametrize("content_type", [FORM, "application/json", None])
    def test_v1_takes_them(self, sim: Simulator, client: Client, content_type: str | None) -> None:
        response = client.post("/oauth/v1/token", query_string=self.known(sim), content_type=content_type)
        assert_token(response, sim)

    def test_v1_takes_some_from_the_query_and_some_from_the_body(self, sim: Simulator, client: Client) -> None:
        known = self.known(sim)
        query = {"client_secret": known.pop("client_secret"), "refresh_token": known.pop("refresh_token")}
        assert_token(client.post("/oauth/v1/token", query_string=query, data=known), sim)

    def test_v1_prefers_the_body(self, sim: Simulator, client: Client) -> None:
        known = self.known(sim)
        query = {**known, "client_id": "other", "refresh_token": "other"}
        assert_token(client.post("/oauth/v1/token", query_string=query, data=known), sim)

    @pytest.mark.parametrize("path", BODY_ONLY)
    def test_the_others_do_not(
        self, sim: Simulator, client: Client, path: str, assert_token_error: AssertAnswer
    ) -> None:
        response = client.post(path, query_string=self.known(sim))
        assert_token_error(response, "BAD_CLIENT_ID", "missing or unknown client id", "invalid_request")


BAD_CLIENT_ID = ("BAD_CLIENT_ID", "missing or unknown client id", "invalid_request")
BAD_CLIENT_SECRET = ("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_request")
NO_GRANT_TYPE = ("BAD_GRANT_TYPE", "missing or unknown grant type", "invalid_request")
BAD_GRANT_TYPE = ("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
BAD_AUTH_CODE = ("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
EXPIRED_AUTH_CODE = ("EXPIRED_AUTH_CODE", "auth code has expired", "invalid_grant")
MISMATCH_URI = (
    "MISMATCH_REDIRECT_URI_AUTH_CODE",
    "redirect URI does not match initial auth code URI",
    "invalid_grant",
)
NO_REFRESH_TOKEN = ("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_request")
BAD_REFRESH_TOKEN = ("BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked", "invalid_grant")
MISMATCH_CLIENT = (
    "MISMATCH_REFRESH_TOKEN_CLIENT",
    "refresh token was not issued to this client",
    "invalid_grant",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": None}, BAD_CLIENT_ID),
        ({"client_id": ""}, BAD_CLIENT_ID),
        ({"client_id": "6f18f21e-a743-4509-b7fd-1a5e632fffa1"}, BAD_CLIENT_ID),
        ({"client_secret": None}, BAD_CLIENT_SECRET),
        ({"client_secret": ""}, BAD_CLIENT_SECRET),
        ({"client_secret": "sécret"}, BAD_CLIENT_SECRET),
        ({"grant_type": None}, NO_GRANT_TYPE),
        ({"grant_type": "password"}, BAD_GRANT_TYPE),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, BAD_GRANT_TYPE),
        ({"grant_type": "REFRESH_TOKEN"}, BAD_GRANT_TYPE),
        ({"refresh_token": None}, NO_REFRESH_TOKEN),
        ({"refresh_token": ""}, NO_REFRESH_TOKEN),
        ({"refresh_token": "na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"}, BAD_REFRESH_TOKEN),
        # What is wrong first is what is named.
        (
            {"client_id": "x", "client_secret": "x", "grant_type": "x", "refresh_token": "x"},
            BAD_CLIENT_ID,
        ),
        ({"client_secret": "x", "grant_type": "x", "refresh_token": "x"}, BAD_CLIENT_SECRET),
        ({"grant_type": "x", "refresh_token": "x"}, BAD_GRANT_TYPE),
    ],
)
def test_a_refresh_is_refused(
    refresh: Ask, path: str, fields: dict[str, Any], error: tuple[str, str, str], assert_token_error: AssertAnswer
) -> None:
    assert_token_error(refresh(path, **fields), *error)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"code": None}, BAD_AUTH_CODE),
        ({"code": ""}, BAD_AUTH_CODE),
        ({"code": "na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"}, BAD_AUTH_CODE),
        ({"code": "x", "redirect_uri": "x"}, BAD_AUTH_CODE),
        ({"redirect_uri": None}, MISMATCH_URI),
        ({"redirect_uri": "http://localhost:3000/other"}, MISMATCH_URI),
        ({"redirect_uri": "http://localhost:3000/oauth-callback/"}, MISMATCH_URI),
        ({"client_secret": "x", "code": "x"}, BAD_CLIENT_SECRET),
    ],
)
def test_a_code_exchange_is_refused(
    exchange: Ask, path: str, fields: dict[str, Any], error: tuple[str, str, str], assert_token_error: AssertAnswer
) -> None:
    assert_token_error(exchange(path, **fields), *error)


def test_a_code_is_good_once(sim: Simulator, exchange: Ask, assert_token_error: AssertAnswer) -> None:
    assert_token(exchange(), sim)
    assert_token_error(exchange(), *BAD_AUTH_CODE)


def test_a_refused_exchange_does_not_use_up_the_code(
    sim: Simulator, exchange: Ask, assert_token_error: AssertAnswer
) -> None:
    assert_token_error(exchange(redirect_uri="x"), *MISMATCH_URI)
    assert_token(exchange(), sim)


@pytest.mark.parametrize(("age_ms", "error"), [(599_999, None), (600_000, EXPIRED_AUTH_CODE)])
def test_a_code_lives_ten_minutes(
    sim: Simulator, exchange: Ask, age_ms: int, error: tuple[str, str, str] | None, assert_token_error: AssertAnswer
) -> None:
    sim.clock.advance(milliseconds=age_ms)
    if error:
        assert_token_error(exchange(), *error)
    else:
        assert_token(exchange(), sim)


def test_what_was_issued_to_one_app_is_no_use_to_another(
    sim: Simulator, exchange: Ask, refresh: Ask, assert_token_error: AssertAnswer
) -> None:
    other = sim.add_app()
    theirs = {"client_id": other.client_id, "client_secret": other.client_secret}
    assert_token_error(exchange(**theirs), *BAD_AUTH_CODE)
    assert_token_error(refresh(**theirs), *MISMATCH_CLIENT)


def test_the_secret_must_be_that_of_the_app(sim: Simulator, refresh: Ask, assert_token_error: AssertAnswer) -> None:
    other = sim.add_app()
    assert_token_error(refresh(client_secret=other.client_secret), *BAD_CLIENT_SECRET)


def test_basic_authentication_of_the_client_is_not_taken(
    sim: Simulator, client: Client, assert_token_error: AssertAnswer
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": sim.installation.refresh_token}
    response = client.post("/oauth/v3/token", data=form, auth=(sim.app.client_id, sim.app.client_secret))
    assert_token_error(response, *BAD_CLIENT_ID)


def test_an_uninstalled_app_cannot_refresh_and_its_access_tokens_live_on(
    sim: Simulator, api: Api, refresh: Ask, assert_token_error: AssertAnswer
) -> None:
    sim.uninstall()
    assert_token_error(refresh(), *BAD_REFRESH_TOKEN)
    assert api("GET", LIST).status_code == 200


def test_an_app_that_is_installed_again_gets_a_good_refresh_token(sim: Simulator, exchange: Ask, refresh: Ask) -> None:
    sim.uninstall()
    assert_token(refresh(refresh_token=exchange().json["refresh_token"]), sim)


def test_each_portal_has_its_own_tokens(sim: Simulator, refresh: Ask) -> None:
    there = sim.install(portal=sim.add_portal())
    assert refresh(refresh_token=there.refresh_token).json["hub_id"] == there.portal.hub_id
    assert refresh().json["hub_id"] == sim.portal.hub_id


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/v2/token",
        "/oauth/2025-09/token",
        "/oauth/v1/token/introspect",
        "/oauth/v1/token/revoke",
        "/oauth/v2/token/introspect",
        "/oauth/v3/token/inspect",
    ],
)
def test_other_versions_and_endpoints_are_not_served(ask: Ask, assert_not_found_page: AssertAnswer, path: str) -> None:
    assert_not_found_page(ask(path, grant_type="refresh_token"))
