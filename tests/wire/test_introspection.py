"""Introspection and revocation of the newer generations."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.model import App

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, Build


VERSIONS = ["v3", "2026-03", "2026-09"]
LIST = "/crm/v3/objects/contacts"
UNKNOWN = "na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"
BAD_CLIENT_ID = ("BAD_CLIENT_ID", "missing or unknown client id", "invalid_request")
BAD_CLIENT_SECRET = ("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_request")
NOT_ACTIVE = '{"active":false}'


@pytest.fixture
def introspect(ask: Ask) -> Callable[..., TestResponse]:
    """Introspect as the default app; a field of None is left out."""

    def introspect(token: str | None, version: str = "v3", **fields: Any) -> TestResponse:
        return ask(f"/oauth/{version}/token/introspect", **{"token": token, **fields})

    return introspect


@pytest.fixture
def revoke(ask: Ask) -> Callable[..., TestResponse]:
    """Revoke as the default app."""

    def revoke(token: str | None, version: str = "v3", **fields: Any) -> TestResponse:
        return ask(f"/oauth/{version}/token/revoke", **{"token": token, **fields})

    return revoke


def assert_not_active(response: TestResponse) -> None:
    assert response.status_code == 200
    assert response.text == NOT_ACTIVE
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_access_token_is_described_in_wire_order(
    sim: Simulator, client: Client, introspect: Callable[..., TestResponse], version: str
) -> None:
    token = sim.installation.access_token
    sim.clock.advance(milliseconds=10_001)
    response = introspect(token, version)
    got = response.json
    signed = got["signed_access_token"]
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.text == json.dumps(
        {
            "active": True,
            "token": token,
            "hub_id": sim.portal.hub_id,
            "user_id": got["user_id"],
            "client_id": sim.app.client_id,
            "app_id": sim.app.app_id,
            "user": f"user{got['user_id']}@{sim.portal.hub_domain}",
            "hub_domain": sim.portal.hub_domain,
            "scopes": list(sim.app.scopes),
            "signed_access_token": {
                "expiresAt": sim.clock.now_ms() + 1_800_000 - 10_001,
                "scopes": signed["scopes"],
                "hubId": sim.portal.hub_id,
                "userId": got["user_id"],
                "appId": sim.app.app_id,
                "signature": signed["signature"],
                "scopeToScopeGroupPks": signed["scopeToScopeGroupPks"],
                "newSignature": signed["newSignature"],
                "hublet": "na1",
                "trialScopes": "",
                "trialScopeToScopeGroupPks": "",
                "isUserLevel": False,
                "isPrivateDistribution": False,
            },
            "expires_in": 1789,
            "is_private_distribution": False,
            "token_use": "access_token",
            "token_type": "Bearer",
        },
        separators=(",", ":"),
    )
    assert [len(b64decode(signed[name])) for name in ("signature", "newSignature")] == [20, 20]
    v1 = client.get(f"/oauth/v1/access-tokens/{token}").json
    assert {name: v1[name] for name in v1.keys() & got.keys() - {"signed_access_token", "token_type"}} == {
        name: got[name] for name in v1.keys() & got.keys() - {"signed_access_token", "token_type"}
    }
    assert (v1["token_type"], got["token_type"]) == ("access", "Bearer")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refresh_token_is_described_in_wire_order(
    sim: Simulator, introspect: Callable[..., TestResponse], version: str
) -> None:
    token = sim.installation.refresh_token
    response = introspect(token, version)
    user_id = response.json["user_id"]
    assert response.text == json.dumps(
        {
            "active": True,
            "token": token,
            "hub_id": sim.portal.hub_id,
            "user_id": user_id,
            "client_id": sim.app.client_id,
            "app_id": sim.app.app_id,
            "user": f"user{user_id}@{sim.portal.hub_domain}",
            "hub_domain": sim.portal.hub_domain,
            "scopes": list(sim.app.scopes),
            "token_use": "refresh_token",
            "token_type": "Bearer",
        },
        separators=(",", ":"),
    )


def test_the_apps_own_token_is_described_without_a_user(
    sim: Simulator, ask: Ask, introspect: Callable[..., TestResponse]
) -> None:
    scope = "developer.webhooks_journal.read"
    token = ask(grant_type="client_credentials", scope=scope).json["access_token"]
    got = introspect(token).json
    assert (got["active"], got["token_use"], got["scopes"]) == (True, "client_credentials", [scope])
    assert not got.keys() & {"user", "hub_domain"}


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_the_hint_is_no_matter(sim: Simulator, introspect: Callable[..., TestResponse], hint: str | None) -> None:
    for token in (sim.installation.access_token, sim.installation.refresh_token):
        assert introspect(token, token_type_hint=hint).json["active"] is True


def test_the_token_may_stand_in_the_fields_of_the_prose(
    sim: Simulator, introspect: Callable[..., TestResponse]
) -> None:
    assert introspect(None, access_token=sim.installation.access_token).json["token_use"] == "access_token"
    assert introspect(None, refresh_token=sim.installation.refresh_token).json["token_use"] == "refresh_token"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("token", [None, "", UNKNOWN, "garbage", "access-token", "pat-na1-x", "é", "C" * 10_000])
def test_an_unknown_token_is_not_active(
    introspect: Callable[..., TestResponse], version: str, token: str | None
) -> None:
    assert_not_active(introspect(token, version))


@pytest.mark.parametrize(("age_ms", "expires_in"), [(0, 1800), (1, 1799), (1_799_999, 0), (1_800_000, None)])
def test_an_access_token_is_active_until_the_millisecond_of_its_expiry(
    sim: Simulator, introspect: Callable[..., TestResponse], age_ms: int, expires_in: int | None
) -> None:
    token = sim.installation.access_token
    sim.clock.advance(milliseconds=age_ms)
    if expires_in is None:
        assert_not_active(introspect(token))
    else:
        assert introspect(token).json["expires_in"] == expires_in


def test_a_refresh_token_is_active_for_ever(sim: Simulator, introspect: Callable[..., TestResponse]) -> None:
    token = sim.installation.refresh_token
    sim.clock.advance(days=10_000)
    assert introspect(token).json["active"] is True


def test_tokens_of_another_app_are_not_active(
    sim: Simulator, introspect: Callable[..., TestResponse], credentials: Callable[[App], dict[str, str]]
) -> None:
    other = credentials(sim.add_app())
    for token in (sim.installation.access_token, sim.installation.refresh_token):
        assert_not_active(introspect(token, **other))


def test_a_token_of_another_simulator_is_not_active(build: Build, introspect: Callable[..., TestResponse]) -> None:
    assert_not_active(introspect(build(name="another test").installation.access_token))


def test_a_private_apps_token_is_not_active(sim: Simulator, introspect: Callable[..., TestResponse]) -> None:
    assert_not_active(introspect(sim.add_private_app().access_token))


def test_tokens_of_an_uninstalled_app(sim: Simulator, introspect: Callable[..., TestResponse]) -> None:
    tokens = sim.installation.access_token, sim.installation.refresh_token
    sim.uninstall()
    assert introspect(tokens[0]).json["active"] is True
    assert_not_active(introspect(tokens[1]))


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
@pytest.mark.parametrize("version", VERSIONS)
class TestClientAuthentication:
    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"client_id": None}, BAD_CLIENT_ID),
            ({"client_id": "x", "client_secret": "x"}, BAD_CLIENT_ID),
            ({"client_secret": None}, BAD_CLIENT_SECRET),
            ({"client_secret": "x", "token": None}, BAD_CLIENT_SECRET),
        ],
    )
    def test_the_app_must_say_who_it_is(
        self,
        sim: Simulator,
        ask: Ask,
        refresh: Ask,
        assert_token_error: AssertAnswer,
        version: str,
        endpoint: str,
        fields: dict[str, Any],
        error: tuple[str, str, str],
    ) -> None:
        path = f"/oauth/{version}/token/{endpoint}"
        assert_token_error(ask(path, **{"token": sim.installation.refresh_token, **fields}), *error)
        assert refresh().status_code == 200

    def test_the_query_is_not_looked_at(
        self,
        sim: Simulator,
        client: Client,
        credentials: Callable[[App], dict[str, str]],
        assert_token_error: AssertAnswer,
        version: str,
        endpoint: str,
    ) -> None:
        query = {**credentials(sim.app), "token": sim.installation.refresh_token}
        response = client.post(f"/oauth/{version}/token/{endpoint}", query_string=query)
        assert_token_error(response, *BAD_CLIENT_ID)

    def test_json_is_an_unsupported_media_type(
        self,
        sim: Simulator,
        client: Client,
        credentials: Callable[[App], dict[str, str]],
        assert_refused: AssertAnswer,
        version: str,
        endpoint: str,
    ) -> None:
        body = {**credentials(sim.app), "token": sim.installation.refresh_token}
        response = client.post(f"/oauth/{version}/token/{endpoint}", json=body)
        assert_refused(response, 415, "HTTP 415 Unsupported Media Type")


def assert_revoked(response: TestResponse) -> None:
    assert response.status_code == 200
    assert response.get_data() == b""
    assert response.headers["Content-Length"] == "0"
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_refresh_token_is_dead_everywhere_and_its_access_tokens_live_on(
    sim: Simulator,
    client: Client,
    api: Api,
    refresh: Ask,
    introspect: Callable[..., TestResponse],
    revoke: Callable[..., TestResponse],
    assert_token_error: AssertAnswer,
    assert_refused: AssertAnswer,
    version: str,
) -> None:
    token = sim.installation.refresh_token
    new = refresh().json["access_token"]
    assert_revoked(revoke(token, version))
    message = "refresh token is invalid, expired or revoked"
    for path in ("v1", *VERSIONS):
        assert_token_error(refresh(f"/oauth/{path}/token"), "BAD_REFRESH_TOKEN", message, "invalid_grant")
    for path in VERSIONS:
        assert_not_active(introspect(token, path))
    assert_refused(client.get(f"/oauth/v1/refresh-tokens/{token}"), 404, "resource not found")
    for access_token in (api.access_token, new):
        assert introspect(access_token).json["active"] is True
        assert api("GET", LIST, headers={"Authorization": f"Bearer {access_token}"}).status_code == 200
    sim.clock.advance(minutes=30)
    assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"


def test_revoking_does_not_uninstall(sim: Simulator, revoke: Callable[..., TestResponse], refresh: Ask) -> None:
    second = sim.install()
    assert_revoked(revoke(sim.installation.refresh_token))
    assert sim.installation.installation.active
    assert refresh(refresh_token=second.refresh_token).status_code == 200


def test_revoking_twice_or_what_is_unknown_is_no_error(sim: Simulator, revoke: Callable[..., TestResponse]) -> None:
    for token in (sim.installation.refresh_token, sim.installation.refresh_token, UNKNOWN, "", None, "é"):
        assert_revoked(revoke(token))


def test_revoking_an_access_token_leaves_it_alive(
    sim: Simulator, api: Api, revoke: Callable[..., TestResponse]
) -> None:
    assert_revoked(revoke(api.access_token, token_type_hint="access_token"))
    assert api("GET", LIST).status_code == 200


def test_another_app_cannot_revoke(
    sim: Simulator, revoke: Callable[..., TestResponse], refresh: Ask, credentials: Callable[[App], dict[str, str]]
) -> None:
    assert_revoked(revoke(sim.installation.refresh_token, **credentials(sim.add_app())))
    assert refresh().status_code == 200
