"""Account information, private apps, uninstalling, and the well-known documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken


ME = "/integrations/v1/me"
LIST = "/crm/v3/objects/contacts"
INFO = "/oauth/v2/private-apps/get/access-token-info"
UNINSTALL = ["/appinstalls/v3/external-install", "/appinstalls/2026-03/external-install"]
UNINSTALL.append("/appinstalls/2026-09/external-install")
NOT_FOUND = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details "
    "at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


class TestMe:
    @pytest.mark.parametrize(
        ("portal", "kind"), [({"hub_id": 1234567}, "STANDARD"), ({"hub_id": 7, "developer": True}, "DEVELOPER")]
    )
    def test_it_tells_the_account(self, sim: Simulator, as_token: AsToken, portal: dict[str, Any], kind: str) -> None:
        token = sim.install(portal=sim.add_portal(**portal)).access_token
        assert as_token(token).get(ME) == {
            "portalId": portal["hub_id"],
            "timeZone": "US/Eastern",
            "accountType": kind,
            "currency": "USD",
            "utcOffset": "-05:00",
            "utcOffsetMilliseconds": -18_000_000,
        }

    def test_success_carries_the_rate_limit_headers(self, api: Api) -> None:
        assert api("GET", ME).headers["X-HubSpot-RateLimit-Remaining"] == "109"


class TestPrivateApp:
    @pytest.mark.parametrize("hublet", ["na1", "eu1"])
    def test_its_token_has_the_recorded_form(self, sim: Simulator, hublet: str) -> None:
        token = sim.add_private_app(sim.add_portal(hublet=hublet)).access_token
        assert re.fullmatch(rf"pat-{hublet}-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", token)
        assert len(token) == 44

    def test_its_token_does_not_expire(self, sim: Simulator, as_token: AsToken) -> None:
        api = as_token(sim.add_private_app().access_token)
        record = api.create("contacts", email="jane@b.co")
        sim.clock.advance(days=10_000)
        assert [found["id"] for found in api.get(LIST)["results"]] == [record["id"]]

    def test_it_sees_the_objects_of_its_account_alone(self, sim: Simulator, api: Api, as_token: AsToken) -> None:
        api.create("contacts", email="jane@b.co")
        here, there = sim.add_private_app(), sim.add_private_app(sim.add_portal())
        assert len(as_token(here.access_token).get(LIST)["results"]) == 1
        assert as_token(there.access_token).get(LIST) == {"results": []}

    def test_its_token_is_no_oauth_token(
        self, sim: Simulator, client: Client, refresh: Ask, assert_refused: AssertAnswer
    ) -> None:
        token = sim.add_private_app().access_token
        response = client.get(f"/oauth/v1/access-tokens/{token}")
        assert_refused(response, 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
        assert refresh(refresh_token=token).json["status"] == "BAD_REFRESH_TOKEN"

    @pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text + "0"])
    def test_a_token_that_was_changed_is_refused(
        self, sim: Simulator, as_token: AsToken, assert_refused: AssertAnswer, change: Callable[..., Any]
    ) -> None:
        response = as_token(change(sim.add_private_app().access_token))("GET", LIST)
        assert_refused(response, 401, NOT_FOUND, category="INVALID_AUTHENTICATION")

    def test_it_is_described_without_credentials(self, sim: Simulator, client: Client) -> None:
        app = sim.add_private_app(scopes=["tickets", "oauth"])
        response = client.post(INFO, json={"tokenKey": app.access_token})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        body = {"userId": app.user_id, "hubId": app.portal.hub_id, "appId": app.app_id, "scopes": ["tickets", "oauth"]}
        assert response.text == json.dumps(body, separators=(",", ":"))

    def test_one_of_europe_is_described_to_its_bearer_alone(
        self, sim: Simulator, client: Client, as_token: AsToken, assert_refused: AssertAnswer
    ) -> None:
        token = sim.add_private_app(sim.add_portal(hublet="eu1")).access_token
        assert_refused(client.post(INFO, json={"tokenKey": token}), 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
        assert as_token("garbage")("POST", INFO, json={"tokenKey": token}).status_code == 401
        assert as_token(token)("POST", INFO, json={"tokenKey": token}).status_code == 200

    @pytest.mark.parametrize("body", [{}, {"tokenKey": None}, {"tokenKey": ["x"]}, {"tokenKey": "pat-na1-x"}])
    def test_an_unknown_one_is_refused(
        self, client: Client, assert_refused: AssertAnswer, body: dict[str, Any]
    ) -> None:
        assert_refused(client.post(INFO, json=body), 401, NOT_FOUND, category="INVALID_AUTHENTICATION")

    def test_one_of_a_deleted_account_is_unknown(self, sim: Simulator, client: Client) -> None:
        token = sim.add_private_app().access_token
        sim.delete_portal()
        assert client.post(INFO, json={"tokenKey": token}).status_code == 401

    def test_what_is_no_json_is_refused(self, client: Client) -> None:
        assert client.post(INFO, data=b"{", content_type="application/json").json["category"] == "VALIDATION_ERROR"
        assert client.post(INFO, data={"tokenKey": "x"}).status_code == 415


class TestUninstall:
    @pytest.mark.parametrize("path", UNINSTALL)
    def test_the_app_leaves_and_its_access_tokens_live_until_they_expire(
        self, sim: Simulator, api: Api, refresh: Ask, assert_token_error: AssertAnswer, path: str
    ) -> None:
        second = sim.install().refresh_token
        response = api("DELETE", path)
        assert (response.status_code, response.get_data()) == (204, b"")
        assert "Content-Type" not in response.headers
        for token in (sim.installation.refresh_token, second):
            assert_token_error(
                refresh(refresh_token=token),
                "BAD_REFRESH_TOKEN",
                "refresh token is invalid, expired or revoked",
                "invalid_grant",
            )
        assert api("GET", LIST).status_code == 200
        sim.clock.advance(minutes=30)
        assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"

    @pytest.mark.parametrize("path", UNINSTALL)
    def test_it_wants_a_token(
        self, sim: Simulator, client: Client, refresh: Ask, assert_refused: AssertAnswer, path: str
    ) -> None:
        assert_refused(client.delete(path), 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
        assert refresh().status_code == 200

    def test_a_private_app_cannot(self, sim: Simulator, as_token: AsToken, assert_refused: AssertAnswer) -> None:
        response = as_token(sim.add_private_app().access_token)("DELETE", UNINSTALL[0])
        assert_refused(response, 401, NOT_FOUND, category="INVALID_AUTHENTICATION")

    def test_other_accounts_keep_the_app(self, sim: Simulator, api: Api, refresh: Ask) -> None:
        there = sim.install(portal=sim.add_portal())
        api("DELETE", UNINSTALL[0])
        assert refresh(refresh_token=there.refresh_token).status_code == 200

    @pytest.mark.parametrize("sim", [{"after_uninstall": "dead"}], indirect=True)
    def test_access_tokens_can_be_set_to_die_at_once(
        self, sim: Simulator, api: Api, client: Client, ask: Ask, assert_refused: AssertAnswer
    ) -> None:
        there = sim.install(portal=sim.add_portal()).access_token
        api("DELETE", UNINSTALL[0])
        assert_refused(api("GET", LIST), 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
        assert ask("/oauth/v3/token/introspect", token=api.access_token).json == {"active": False}
        assert client.get(f"/oauth/v1/access-tokens/{api.access_token}").status_code == 401
        assert client.get(LIST, headers={"Authorization": f"Bearer {there}"}).status_code == 200

    @pytest.mark.parametrize("sim", [{"after_uninstall": "dead"}], indirect=True)
    def test_installing_again_gives_good_tokens_and_does_not_revive_the_dead(
        self, sim: Simulator, api: Api, exchange: Ask, as_token: AsToken
    ) -> None:
        api("DELETE", UNINSTALL[0])
        assert as_token(exchange().json["access_token"])("GET", LIST).status_code == 200
        assert api("GET", LIST).status_code == 401

    @pytest.mark.parametrize("sim", [{"after_uninstall": "dead"}], indirect=True)
    def test_a_dead_token_is_expired_once_it_is_old(self, sim: Simulator, api: Api) -> None:
        api("DELETE", UNINSTALL[0])
        sim.clock.advance(minutes=30)
        assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"


class TestWellKnown:
    PATH = "/.well-known/oauth-authorization-server"
    # The document that HubSpot's MCP, API and legacy API hosts all answered in August 2026.
    RECORDED = (
        '{"issuer":"https://mcp.hubspot.com","authorization_endpoint":"https://mcp.hubspot.com/oauth/authorize/user",'
        '"token_endpoint":"https://mcp.hubspot.com/oauth/v3/token","scopes_supported":[],'
        '"response_types_supported":["code"],"response_modes_supported":["query"],"grant_types_supported":'
        '["authorization_code","refresh_token","client_credentials"],"token_endpoint_auth_methods_supported":'
        '["client_secret_post"],"service_documentation":'
        '"https://developers.hubspot.com/docs/guides/apps/authentication/oauth-quickstart-guide",'
        '"introspection_endpoint":"https://mcp.hubspot.com/oauth/v3/token/introspect",'
        '"introspection_endpoint_auth_methods_supported":["client_secret_post"],'
        '"introspection_endpoint_token_types_supported":["access_token","refresh_token","client_credentials"],'
        '"code_challenge_methods_supported":["S256"]}'
    )

    @pytest.mark.parametrize(
        "host", ["mcp.hubspot.com", "api.hubapi.com", "api.hubspot.com", "mcp-eu1.hubspot.com:443"]
    )
    def test_hubspots_hosts_answer_the_recorded_document(self, client: Client, host: str) -> None:
        response = client.get(self.PATH, headers={"Host": host})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        assert response.text == self.RECORDED

    def test_another_host_names_itself_so_that_a_client_stays_here(self, client: Client, refresh: Ask) -> None:
        response = client.get(self.PATH, headers={"Host": "localhost:8123"})
        assert response.text == self.RECORDED.replace("https://mcp.hubspot.com", "http://localhost:8123")

    def test_what_it_names_is_served(self, sim: Simulator, client: Client, api: Api, ask: Ask) -> None:
        document = client.get(self.PATH).json
        paths = {
            name: value.removeprefix("http://localhost")
            for name, value in document.items()
            if name.endswith("_endpoint")
        }
        assert client.get(paths["authorization_endpoint"]).status_code == 200
        assert ask(paths["token_endpoint"], grant_type="x").json["status"] == "BAD_GRANT_TYPE"
        assert ask(paths["introspection_endpoint"], token=api.access_token).json["active"] is True

    def test_the_protected_resource_names_its_authorization_server(self, client: Client) -> None:
        path = "/.well-known/oauth-protected-resource"
        recorded = (
            '{"resource":"https://mcp.hubspot.com","authorization_servers":["https://mcp.hubspot.com"],'
            '"scopes_supported":[],"resource_documentation":"https://developers.hubspot.com/mcp"}'
        )
        assert client.get(path, headers={"Host": "mcp.hubspot.com"}).text == recorded
        assert client.get(path).json["resource"] == "http://localhost"
