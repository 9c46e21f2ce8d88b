"""What the v1 endpoints tell of a token, and the deletion of a refresh token."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.core.connected_installation import ConnectedInstallation

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer


LIST = "/crm/v3/objects/contacts"
SIGNED_MEMBERS = [
    "expiresAt",
    "scopes",
    "hubId",
    "userId",
    "appId",
    "signature",
    "scopeToScopeGroupPks",
    "newSignature",
    "hublet",
    "trialScopes",
    "trialScopeToScopeGroupPks",
    "isUserLevel",
]


def access(token: str) -> str:
    return f"/oauth/v1/access-tokens/{token}"


def refresh(token: str) -> str:
    return f"/oauth/v1/refresh-tokens/{token}"


@pytest.fixture
def installed(sim: Simulator) -> ConnectedInstallation:
    installed = sim.installation
    assert installed.access_token
    return installed


def test_an_access_token_is_described_without_credentials(
    sim: Simulator, client: Client, installed: ConnectedInstallation
) -> None:
    response = client.get(access(installed.access_token))
    got = response.json
    assert response.status_code == 200
    assert response.text == json.dumps(got, separators=(",", ":"))
    signed, user_id = got.pop("signed_access_token"), got.pop("user_id")
    assert got == {
        "token": installed.access_token,
        "user": f"user{user_id}@{sim.portal.hub_domain}",
        "hub_domain": sim.portal.hub_domain,
        "scopes": list(sim.app.scopes),
        "hub_id": sim.portal.hub_id,
        "app_id": sim.app.app_id,
        "expires_in": 1800,
        "token_type": "access",
    }
    assert list(signed) == SIGNED_MEMBERS
    assert len(b64decode(signed.pop("signature"))) == len(b64decode(signed.pop("newSignature"))) == 20
    assert b64decode(signed.pop("scopes")) == b"\xff"
    assert b64decode(signed.pop("scopeToScopeGroupPks"))
    assert signed == {
        "expiresAt": sim.clock.now_ms() + 1_800_000,
        "hubId": sim.portal.hub_id,
        "userId": user_id,
        "appId": sim.app.app_id,
        "hublet": "na1",
        "trialScopes": "",
        "trialScopeToScopeGroupPks": "",
        "isUserLevel": False,
    }


def test_the_description_of_an_access_token_is_in_wire_order(client: Client, installed: ConnectedInstallation) -> None:
    assert list(client.get(access(installed.access_token)).json) == [
        "token",
        "user",
        "hub_domain",
        "scopes",
        "signed_access_token",
        "hub_id",
        "app_id",
        "expires_in",
        "user_id",
        "token_type",
    ]


@pytest.mark.parametrize(("age_ms", "left"), [(0, 1800), (1, 1799), (45_999, 1754), (46_000, 1754), (1_799_999, 0)])
def test_the_seconds_left_are_whole(
    sim: Simulator, client: Client, installed: ConnectedInstallation, age_ms: int, left: int
) -> None:
    sim.clock.advance(milliseconds=age_ms)
    assert client.get(access(installed.access_token)).json["expires_in"] == left


def test_an_expired_access_token_is_answered_as_the_api_does(
    sim: Simulator, client: Client, installed: ConnectedInstallation, assert_refused: AssertAnswer
) -> None:
    sim.clock.advance(minutes=30)
    assert_refused(
        client.get(access(installed.access_token)),
        401,
        "The OAuth token used to make this call expired 0 second(s) ago.",
        category="EXPIRED_AUTHENTICATION",
        context={"expire time": ["2023-02-27T22:10:17.518Z"]},
    )


@pytest.mark.parametrize(
    ("token", "category"),
    [
        ("garbage!", "INVALID_AUTHENTICATION"),
        ("pat-na1-x", "INVALID_AUTHENTICATION"),
        ("%C3%A9", "INVALID_AUTHENTICATION"),
    ],
)
def test_an_unknown_access_token_is_answered_as_the_api_does(client: Client, token: str, category: str) -> None:
    response = client.get(access(token))
    assert (response.status_code, response.json["category"]) == (401, category)


def test_only_the_granted_scopes_of_an_access_token_are_told(sim: Simulator, client: Client) -> None:
    app = sim.add_app(scopes=["a", "b"], optional_scopes=[f"optional{n}" for n in range(20)])
    installed = sim.install(app, scopes=["b", "optional0", "optional19"])
    assert client.get(access(installed.access_token)).json["scopes"] == ["b", "optional0", "optional19"]


def test_a_refresh_token_is_described(sim: Simulator, client: Client, installed: ConnectedInstallation) -> None:
    response = client.get(refresh(installed.refresh_token))
    user_id = response.json["user_id"]
    assert response.status_code == 200
    assert response.text == json.dumps(
        {
            "token": installed.refresh_token,
            "user": f"user{user_id}@{sim.portal.hub_domain}",
            "hub_domain": sim.portal.hub_domain,
            "scopes": list(sim.app.scopes),
            "hub_id": sim.portal.hub_id,
            "client_id": sim.app.client_id,
            "user_id": user_id,
            "token_type": "refresh",
        },
        separators=(",", ":"),
    )


def test_both_tokens_name_the_same_user(client: Client, installed: ConnectedInstallation) -> None:
    described = [client.get(path).json for path in (access(installed.access_token), refresh(installed.refresh_token))]
    assert described[0]["user_id"] == described[1]["user_id"]
    assert described[0]["user"] == described[1]["user"]


def test_a_deleted_refresh_token_is_dead_and_its_access_tokens_live_on(
    sim: Simulator, client: Client, api: Api, ask: Ask, installed: ConnectedInstallation
) -> None:
    response = client.delete(refresh(installed.refresh_token))
    assert (response.status_code, response.get_data()) == (204, b"")
    refused = ask(grant_type="refresh_token", refresh_token=installed.refresh_token)
    assert refused.json["status"] == "BAD_REFRESH_TOKEN"
    assert refused.json["error"] == "invalid_grant"
    assert api("GET", LIST).status_code == 200
    assert client.get(access(installed.access_token)).status_code == 200
    sim.clock.advance(minutes=30)
    assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("token", ["na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1", "x", "%00", "%C3%A9"])
def test_an_unknown_refresh_token_is_not_found(
    client: Client, assert_refused: AssertAnswer, method: str, token: str
) -> None:
    assert_refused(client.open(refresh(token), method=method), 404, "resource not found")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_deleted_refresh_token_is_not_found(
    client: Client, installed: ConnectedInstallation, assert_refused: AssertAnswer, method: str
) -> None:
    client.delete(refresh(installed.refresh_token))
    assert_refused(client.open(refresh(installed.refresh_token), method=method), 404, "resource not found")


def test_a_refresh_token_of_an_uninstalled_app_is_not_found(
    sim: Simulator, client: Client, installed: ConnectedInstallation, assert_refused: AssertAnswer
) -> None:
    sim.uninstall()
    assert_refused(client.get(refresh(installed.refresh_token)), 404, "resource not found")


def test_an_access_token_of_an_uninstalled_app_is_still_described(
    sim: Simulator, client: Client, installed: ConnectedInstallation
) -> None:
    sim.uninstall()
    assert client.get(access(installed.access_token)).json["hub_domain"] == sim.portal.hub_domain


@pytest.mark.parametrize(("path", "allowed"), [(access("x"), "GET, HEAD"), (refresh("x"), "DELETE, GET, HEAD")])
def test_other_methods_are_not_allowed(client: Client, assert_refused: AssertAnswer, path: str, allowed: str) -> None:
    response = client.post(path)
    assert_refused(response, 405, "HTTP 405 Method Not Allowed")
    assert response.headers["Allow"] == allowed
