"""The grants beyond the plain ones: PKCE, client_credentials, rotation, deleted accounts, and the settings."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.core.model import App, Portal

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken, Build


PATHS = ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token"]
BODY_ONLY = PATHS[1:]
LIST = "/crm/v3/objects/contacts"
BAD_CLIENT_ID = ("BAD_CLIENT_ID", "missing or unknown client id", "invalid_request")
BAD_CLIENT_SECRET = ("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_request")
BAD_GRANT_TYPE = ("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
BAD_AUTH_CODE = ("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
EXPIRED_AUTH_CODE = ("EXPIRED_AUTH_CODE", "auth code has expired", "invalid_grant")
BAD_CODE_VERIFIER = ("BAD_CODE_VERIFIER", "missing or invalid code verifier", "invalid_grant")
BAD_REFRESH_TOKEN = ("BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked", "invalid_grant")
MISMATCH_CLIENT = ("MISMATCH_REFRESH_TOKEN_CLIENT", "refresh token was not issued to this client", "invalid_grant")
BAD_HUB = ("BAD_HUB", "missing or unknown hub id", "access_denied", 403)
BAD_SCOPES = ("BAD_SCOPES", "missing or invalid scopes", "invalid_scope")
UNKNOWN = "na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"


def with_settings(**settings: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sim", [settings], indirect=True, ids=[str(settings)])


class TestPkce:
    # The example of RFC 7636, appendix B.
    VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    @pytest.fixture
    def code(self, sim: Simulator) -> str:
        return sim.authorize(code_challenge=self.CHALLENGE)

    @pytest.mark.parametrize("path", PATHS)
    def test_the_right_verifier_gives_tokens(self, exchange: Ask, path: str) -> None:
        assert exchange(path, code_verifier=self.VERIFIER).json["token_use"] == "access_token"

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("verifier", [None, "", "x", VERIFIER + "x", VERIFIER.lower(), CHALLENGE, "é" * 43])
    def test_another_verifier_or_none_is_refused_and_the_right_one_still_works(
        self, exchange: Ask, assert_token_error: AssertAnswer, path: str, verifier: str | None
    ) -> None:
        assert_token_error(exchange(path, code_verifier=verifier), *BAD_CODE_VERIFIER)
        assert exchange(path, code_verifier=self.VERIFIER).status_code == 200

    def test_the_verifier_is_looked_at_after_age_and_redirect_uri(
        self, sim: Simulator, exchange: Ask, assert_token_error: AssertAnswer
    ) -> None:
        assert exchange(redirect_uri="x").json["status"] == "MISMATCH_REDIRECT_URI_AUTH_CODE"
        sim.clock.advance(minutes=10)
        assert_token_error(exchange(), *EXPIRED_AUTH_CODE)

    def test_a_used_code_is_bad_whatever_the_verifier(self, exchange: Ask, assert_token_error: AssertAnswer) -> None:
        exchange(code_verifier=self.VERIFIER)
        assert_token_error(exchange(), *BAD_AUTH_CODE)

    def test_a_verifier_without_a_challenge_is_ignored(self, sim: Simulator, exchange: Ask) -> None:
        assert exchange(code=sim.authorize(), code_verifier=self.VERIFIER).status_code == 200

    def test_a_challenge_of_any_verifier_is_that_of_sha_256(self, sim: Simulator, exchange: Ask) -> None:
        digest = hashlib.sha256(b"another verifier").digest()
        code = sim.authorize(code_challenge=urlsafe_b64encode(digest).decode().rstrip("="))
        assert exchange(code=code, code_verifier="another verifier").status_code == 200


class TestClientCredentials:
    SCOPES = "developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read"

    @pytest.mark.parametrize("path", BODY_ONLY)
    def test_it_gives_the_apps_own_token_without_a_refresh_token(self, ask: Ask, path: str) -> None:
        response = ask(path, grant_type="client_credentials", scope=self.SCOPES)
        got = response.json
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        assert response.text == json.dumps(
            {
                "token_type": "bearer",
                "access_token": got["access_token"],
                "scopes": self.SCOPES.split(),
                "expires_in": 1800,
                "token_use": "client_credentials",
            },
            separators=(",", ":"),
        )

    def test_v1_does_not_know_it(self, ask: Ask, assert_token_error: AssertAnswer) -> None:
        response = ask("/oauth/v1/token", grant_type="client_credentials", scope=self.SCOPES)
        assert_token_error(response, *BAD_GRANT_TYPE)

    @pytest.mark.parametrize("path", BODY_ONLY)
    @pytest.mark.parametrize("scope", [None, "", " ", "nonsense", "developer.webhooks_journal.read nonsense"])
    def test_missing_and_unknown_scopes_are_refused(
        self, ask: Ask, assert_token_error: AssertAnswer, path: str, scope: str | None
    ) -> None:
        assert_token_error(ask(path, grant_type="client_credentials", scope=scope), *BAD_SCOPES)

    def test_a_scope_of_the_app_may_be_asked(self, ask: Ask) -> None:
        assert ask(grant_type="client_credentials", scope="tickets").json["scopes"] == ["tickets"]

    def test_the_secret_comes_before_the_scopes(self, ask: Ask, assert_token_error: AssertAnswer) -> None:
        assert_token_error(ask(grant_type="client_credentials", client_secret="x"), *BAD_CLIENT_SECRET)

    @pytest.mark.parametrize("path", [LIST, "/integrations/v1/me"])
    def test_the_token_is_good_for_no_account(self, ask: Ask, as_token: AsToken, path: str) -> None:
        token = ask(grant_type="client_credentials", scope=self.SCOPES).json["access_token"]
        assert as_token(token)("GET", path).status_code == 401

    def test_it_expires(self, sim: Simulator, ask: Ask, as_token: AsToken) -> None:
        token = ask(grant_type="client_credentials", scope=self.SCOPES).json["access_token"]
        sim.clock.advance(minutes=30)
        assert as_token(token)("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"


class TestDeletedAccount:
    @pytest.mark.parametrize("path", PATHS)
    def test_neither_code_nor_refresh_token_is_good(
        self, sim: Simulator, exchange: Ask, refresh: Ask, assert_token_error: AssertAnswer, path: str
    ) -> None:
        assert sim.installation.refresh_token
        sim.delete_portal()
        assert_token_error(refresh(path), *BAD_HUB)
        assert_token_error(exchange(path), *BAD_HUB)

    def test_other_accounts_are_not_affected(self, sim: Simulator, refresh: Ask) -> None:
        there = sim.install(portal=sim.add_portal())
        sim.delete_portal()
        assert refresh(refresh_token=there.refresh_token).status_code == 200

    def test_its_tokens_are_unknown_to_the_api(self, sim: Simulator, as_token: AsToken) -> None:
        tokens = [sim.installation.access_token, sim.add_private_app().access_token]
        sim.delete_portal()
        assert [as_token(token)("GET", LIST).json["category"] for token in tokens] == ["INVALID_AUTHENTICATION"] * 2

    def test_a_client_that_is_unknown_is_named_first(
        self, sim: Simulator, refresh: Ask, assert_token_error: AssertAnswer
    ) -> None:
        sim.delete_portal()
        assert_token_error(refresh(client_id="x"), *BAD_CLIENT_ID)
        assert_token_error(refresh(refresh_token=UNKNOWN), *BAD_REFRESH_TOKEN)


class TestTwoAppsInTwoAccounts:
    """What belongs to one pair is no use to another."""

    @pytest.fixture
    def pairs(self, sim: Simulator) -> list[tuple[App, Portal]]:
        apps = [sim.app, sim.add_app(name="Other")]
        portals = [sim.portal, sim.add_portal(hublet="eu1")]
        return [(app, portal) for app in apps for portal in portals]

    @pytest.mark.parametrize("path", PATHS)
    def test_codes_and_refresh_tokens_work_for_their_own_app_alone(
        self,
        sim: Simulator,
        ask: Ask,
        credentials: Callable[[App], dict[str, str]],
        assert_token_error: AssertAnswer,
        pairs: list[tuple[App, Portal]],
        path: str,
    ) -> None:
        for app, portal in pairs:
            installed = sim.install(app, portal)
            code = sim.authorize(app, portal)
            for other in {pair[0].app_id: pair[0] for pair in pairs}.values():
                by_code = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
                by_token = {"grant_type": "refresh_token", "refresh_token": installed.refresh_token}
                if other is app:
                    for fields in (by_code, by_token):
                        got = ask(path, **credentials(app), **fields).json
                        assert got["hub_id"] == portal.hub_id
                        assert got["refresh_token"][:4] == f"{portal.hublet}-"
                    break
                assert_token_error(ask(path, **credentials(other), **by_code), *BAD_AUTH_CODE)
                assert_token_error(ask(path, **credentials(other), **by_token), *MISMATCH_CLIENT)

    def test_an_access_token_reads_its_own_account_alone(
        self, sim: Simulator, as_token: AsToken, pairs: list[tuple[App, Portal]]
    ) -> None:
        for app, portal in pairs:
            api = as_token(sim.install(app, portal).access_token)
            assert api.get("/integrations/v1/me")["portalId"] == portal.hub_id
            api.create("contacts", lastname=app.name)
        for app, portal in pairs:
            api = as_token(sim.install(app, portal).access_token)
            assert [record["properties"]["lastname"] for record in api.get(LIST)["results"]] == ["Test app", "Other"]

    def test_the_secret_of_one_app_is_not_that_of_another(
        self, sim: Simulator, refresh: Ask, pairs: list[tuple[App, Portal]], assert_token_error: AssertAnswer
    ) -> None:
        other = pairs[2][0]
        assert_token_error(refresh(client_secret=other.client_secret), *BAD_CLIENT_SECRET)

    def test_uninstalling_one_leaves_the_others(
        self,
        sim: Simulator,
        ask: Ask,
        credentials: Callable[[App], dict[str, str]],
        pairs: list[tuple[App, Portal]],
        assert_token_error: AssertAnswer,
    ) -> None:
        installed = [sim.install(app, portal) for app, portal in pairs]
        sim.uninstall(installed[0])

        def refresh(one: ConnectedInstallation) -> TestResponse:
            fields = {"grant_type": "refresh_token", "refresh_token": one.refresh_token}
            return ask(**credentials(one.app), **fields)

        assert_token_error(refresh(installed[0]), *BAD_REFRESH_TOKEN)
        assert [refresh(one).json["hub_id"] for one in installed[1:]] == [one.portal.hub_id for one in installed[1:]]


class TestLegacyErrors:
    """The form of 2021: status, message, correlationId."""

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        ("fields", "name", "message"),
        [
            ({"client_id": None}, "BAD_CLIENT_ID", "missing or unknown client id"),
            ({"client_secret": "x"}, "BAD_CLIENT_SECRET", "missing or invalid client secret"),
            ({"grant_type": None}, "BAD_GRANT_TYPE", "missing or unknown grant type"),
            ({"refresh_token": None}, "BAD_REFRESH_TOKEN", "missing or invalid refresh token"),
            ({"refresh_token": UNKNOWN}, "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked"),
        ],
    )
    @with_settings(token_errors="legacy")
    def test_the_body_carries_the_correlation_id_and_no_error(
        self, sim: Simulator, refresh: Ask, path: str, fields: dict[str, Any], name: str, message: str
    ) -> None:
        response = refresh(path, **fields)
        correlation_id = response.headers["X-HubSpot-Correlation-Id"]
        assert response.status_code == 400
        body = {"status": name, "message": message, "correlationId": correlation_id}
        assert response.text == json.dumps(body, separators=(",", ":"))

    @with_settings(token_errors="legacy")
    def test_the_recorded_length_is_reproduced(self, sim: Simulator, refresh: Ask) -> None:
        assert refresh(grant_type="x").headers["Content-Length"] == "124"

    @with_settings(token_errors="legacy")
    def test_a_deleted_account_is_403(self, sim: Simulator, refresh: Ask) -> None:
        assert sim.installation.refresh_token
        sim.delete_portal()
        response = refresh()
        assert (response.status_code, response.json["status"]) == (403, "BAD_HUB")


@pytest.mark.parametrize("path", PATHS)
@with_settings(bad_refresh_error="invalid_request")
def test_the_error_of_an_unknown_refresh_token_can_be_set_that_of_a_revoked_one_stays(
    sim: Simulator, client: Client, refresh: Ask, assert_token_error: AssertAnswer, path: str
) -> None:
    message = "refresh token is invalid, expired or revoked"
    assert_token_error(refresh(path, refresh_token=UNKNOWN), "BAD_REFRESH_TOKEN", message, "invalid_request")
    client.delete(f"/oauth/v1/refresh-tokens/{sim.installation.refresh_token}")
    assert_token_error(refresh(path), *BAD_REFRESH_TOKEN)


class TestRotation:
    @pytest.mark.parametrize("path", PATHS)
    @with_settings(refresh_rotation=True)
    def test_each_refresh_gives_a_new_refresh_token_and_ends_the_old_one(
        self, sim: Simulator, refresh: Ask, as_token: AsToken, assert_token_error: AssertAnswer, path: str
    ) -> None:
        first = sim.installation.refresh_token
        got = refresh(path).json
        assert got["refresh_token"] != first
        assert_token_error(refresh(path), *BAD_REFRESH_TOKEN)
        again = refresh(path, refresh_token=got["refresh_token"]).json
        assert again["refresh_token"] not in (first, got["refresh_token"])
        for token in (sim.installation.access_token, got["access_token"], again["access_token"]):
            assert as_token(token)("GET", LIST).status_code == 200

    @with_settings(refresh_rotation=True)
    def test_a_refresh_by_another_app_does_not_end_the_token(
        self,
        sim: Simulator,
        refresh: Ask,
        credentials: Callable[[App], dict[str, str]],
        assert_token_error: AssertAnswer,
    ) -> None:
        assert_token_error(refresh(**credentials(sim.add_app())), *MISMATCH_CLIENT)
        assert refresh().status_code == 200


class TestExpiresIn:
    @with_settings(expires_in="absent")
    def test_absent(self, sim: Simulator, exchange: Ask, refresh: Ask) -> None:
        assert "expires_in" not in exchange().json
        assert "expires_in" not in refresh().json
        assert "expires_in" not in sim.installation.token_response

    @pytest.mark.parametrize("sim", [{"expires_in": "21600"}, {"expires_in": 21600}], indirect=True)
    def test_another_number_than_the_truth(self, sim: Simulator, api: Api, exchange: Ask) -> None:
        assert exchange().json["expires_in"] == 21600
        api.get(LIST)
        sim.clock.advance(seconds=1800)
        assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"

    @with_settings(expires_in="0")
    def test_zero(self, sim: Simulator, exchange: Ask) -> None:
        assert exchange().json["expires_in"] == 0

    @with_settings(token_ttl=21600)
    def test_the_truth_is_the_default(self, sim: Simulator, api: Api, exchange: Ask) -> None:
        assert exchange().json["expires_in"] == 21600
        api.get(LIST)
        sim.clock.advance(seconds=21599)
        assert api("GET", LIST).status_code == 200


def test_a_token_is_as_long_as_asked_or_one_less_where_base64_has_no_such_length(build: Build) -> None:
    for length in range(186, 513):
        case = f"token_length={length}"
        sim = build(token_length=length)
        token = sim.installation.access_token
        assert len(token) == (length - 1 if length % 4 == 1 else length), case
        assert urlsafe_b64decode(token + "=" * (-len(token) % 4)), case
        caller = sim.authentication.authenticate(f"Bearer {token}", sim.clock.now_ms())
        assert caller.scopes == sim.app.scopes, case


@pytest.mark.parametrize("length", [0, 1, 100, 180])
def test_a_token_is_never_shorter_than_its_natural_length(build: Build, length: int) -> None:
    assert len(build(token_length=length).installation.access_token) == len(build().installation.access_token)


@with_settings(token_length=512)
def test_a_token_of_512_characters_works_everywhere(sim: Simulator, client: Client, api: Api, ask: Ask) -> None:
    token = api.access_token
    assert len(token) == 512
    assert api.get(LIST) == {"results": []}
    assert client.get(f"/oauth/v1/access-tokens/{token}").json["token"] == token
    assert ask("/oauth/v3/token/introspect", token=token).json["active"] is True


@pytest.mark.parametrize(("age_s", "status"), [(29, 200), (30, 400)])
@with_settings(code_ttl=30)
def test_the_lifetime_of_a_code_can_be_set(sim: Simulator, exchange: Ask, age_s: int, status: int) -> None:
    sim.clock.advance(seconds=age_s)
    assert exchange().status_code == status


class TestBasicAuthentication:
    FORM = "application/x-www-form-urlencoded"

    def refresh(self, sim: Simulator, client: Client, path: str, auth: tuple[str, str], **fields: Any) -> TestResponse:
        form = {"grant_type": "refresh_token", "refresh_token": sim.installation.refresh_token, **fields}
        return client.post(path, data=form, auth=auth)

    @pytest.mark.parametrize("path", PATHS)
    def test_it_is_off(self, sim: Simulator, client: Client, path: str, assert_token_error: AssertAnswer) -> None:
        auth = (sim.app.client_id, sim.app.client_secret)
        assert_token_error(self.refresh(sim, client, path, auth), *BAD_CLIENT_ID)
        assert "basic_auth" in sim.journal.exchanges[-1].why

    @pytest.mark.parametrize("path", PATHS)
    @with_settings(basic_auth=True)
    def test_it_can_be_on(self, sim: Simulator, client: Client, path: str, assert_token_error: AssertAnswer) -> None:
        app = sim.app
        assert self.refresh(sim, client, path, (app.client_id, app.client_secret)).status_code == 200
        assert_token_error(self.refresh(sim, client, path, (app.client_id, "x")), *BAD_CLIENT_SECRET)
        assert_token_error(self.refresh(sim, client, path, ("x", app.client_secret)), *BAD_CLIENT_ID)

    @with_settings(basic_auth=True)
    def test_parameters_win(
        self, sim: Simulator, client: Client, refresh: Ask, credentials: Callable[[App], dict[str, str]]
    ) -> None:
        assert refresh().status_code == 200
        response = self.refresh(sim, client, PATHS[1], ("x", "x"), **credentials(sim.app))
        assert response.status_code == 200

    @pytest.mark.parametrize("header", ["Basic é", "Basic x", "Basic", "Basic =", "Basic " + "A" * 10_000, "Bearer x"])
    @pytest.mark.parametrize("sim", [{}, {"basic_auth": True}], indirect=True)
    def test_what_is_no_basic_credential_is_passed_over(
        self, sim: Simulator, client: Client, assert_token_error: AssertAnswer, header: str
    ) -> None:
        form = {"grant_type": "refresh_token"}
        for path in (*PATHS, "/oauth/v3/token/introspect", "/oauth/v3/token/revoke"):
            response = client.post(path, data=form, headers={"Authorization": header})
            assert_token_error(response, *BAD_CLIENT_ID)


def test_a_redirect_uri_with_a_query_is_kept_through_the_flow(
    sim: Simulator,
    client: Client,
    ask: Ask,
    credentials: Callable[[App], dict[str, str]],
    assert_token_error: AssertAnswer,
) -> None:
    uri = "https://app.example.com/cb?tenant=1&next=%2Fhome"
    app = sim.add_app(redirect_uris=["https://app.example.com/cb", uri], scopes=["oauth"])
    url = f"/oauth/authorize?client_id={app.client_id}&redirect_uri={quote(uri, safe='')}&scope=oauth"
    location = client.get(url).headers["Location"]
    assert location.startswith(f"{uri}&code=na1-")
    fields = {**credentials(app), "grant_type": "authorization_code", "code": location.rpartition("=")[2]}
    refused = ask(**fields, redirect_uri="https://app.example.com/cb")
    assert refused.json["status"] == "MISMATCH_REDIRECT_URI_AUTH_CODE"
    assert ask(**fields, redirect_uri=uri).status_code == 200
